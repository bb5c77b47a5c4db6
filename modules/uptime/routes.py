"""What the routes answer."""

import dataclasses
from datetime import datetime

from aiohttp import web
from pydantic import JsonValue

import nexus

from .history import History, State
from .probing import Result
from .service import NO_TARGETS, UnknownTarget, open_board

_SHOWN = 5
"""Results of each target in the list; its own page has all."""


async def targets(request: web.Request) -> web.Response:
    """List the targets with their state, last results, availability and latency."""
    board = await open_board(nexus.context(request).module)
    shown: dict[str, JsonValue] = {
        "targets": [_view(history, results=_SHOWN) for history in board.histories.values()],
        **{str(state): len(board.names(state)) for state in State},
    }
    return web.json_response(shown if board.histories else {**shown, "note": NO_TARGETS})


async def target(request: web.Request) -> web.Response:
    """Show one target with every result that is kept."""
    board = await open_board(nexus.context(request).module)
    try:
        history = board.get(request.match_info["name"])
    except UnknownTarget as error:
        raise nexus.Problem(404, str(error)) from error
    return web.json_response(_view(history, results=None))


def _view(history: History, *, results: int | None) -> dict[str, JsonValue]:
    latency = history.latency
    return {
        "name": history.target.name,
        "url": history.target.url,
        "method": history.target.method,
        "expected": str(history.target.statuses),
        "state": str(history.state),
        "since": _instant(history.since) if history.since else None,
        "failures": history.failures,
        "availability": history.availability,
        "latency": dataclasses.asdict(latency) if latency else None,
        "results": [_result(each) for each in history.results[:results]],
    }


def _result(result: Result) -> JsonValue:
    return {
        "at": _instant(result.at),
        "well": result.is_well,
        "seconds": result.seconds,
        "status": result.status,
        "reason": result.reason,
    }


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
