"""What the dashboard shows of the targets: each with its last day, and on a page of its own the latest results."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import nexus

from .history import History, Hour, State
from .service import open_board
from .settings import Settings

TARGETS: Final = (Path(__file__).parent / "targets.html").read_text(encoding="utf-8")
RESULTS: Final = (Path(__file__).parent / "results.html").read_text(encoding="utf-8")

_LATEST: Final = 20
"""Results of each target that the page of results has."""


async def targets(context: nexus.ModuleContext[Settings]) -> Mapping[str, Any]:
    """Give each target with its last day, those that are down first."""
    board = await open_board(context)
    order = (State.DOWN, State.UNKNOWN, State.UP)
    histories = sorted(board.histories.values(), key=lambda each: (order.index(each.state), each.target.name))
    now = datetime.now(UTC)
    return {"targets": [{**_head(each), "day": [_bar(hour) for hour in each.last_day(now)]} for each in histories]}


async def results(context: nexus.ModuleContext[Settings]) -> Mapping[str, Any]:
    """Give each target with its latest results."""
    board = await open_board(context)
    return {
        "targets": [
            {
                **_head(each),
                "results": [
                    {"at": result.at, "seconds": result.seconds, "status": result.status, "reason": result.reason}
                    for result in each.results[:_LATEST]
                ],
            }
            for each in board.histories.values()
        ]
    }


def _head(history: History) -> dict[str, Any]:
    latency = history.latency
    return {
        "name": history.target.name,
        "url": history.target.url,
        "state": str(history.state),
        "since": history.since,
        "reason": history.results[0].reason if history.results else None,
        "median": latency.median if latency else None,
    }


def _bar(hour: Hour) -> dict[str, str]:
    probes = hour.well + hour.failed
    if not probes:
        return {"state": "unknown", "told": f"{hour.begins:%H:%M} UTC: no probes"}
    state = "up" if not hour.failed else "down" if not hour.well else "degraded"
    return {"state": state, "told": f"{hour.begins:%H:%M} UTC: {hour.well} of {probes} probes well"}
