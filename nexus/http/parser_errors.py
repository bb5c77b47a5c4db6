"""Answers to what is not HTTP, and to who is refused before HTTP begins, without an echo.

aiohttp answers such requests itself, before any middleware, and quotes the offending bytes in the body and in the log:
part of an `Authorization` header that was too long, say. Here the caller learns that it was malformed, nothing else.
"""

import logging
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_request import BaseRequest

from nexus.http import problem
from nexus.http.keys import INFLIGHT
from nexus.http.request import HostRequest
from nexus.http.request_ids import X_REQUEST_ID, RequestIds
from nexus.spec.errors import Problem

_log: Final = logging.getLogger("nexus.http")
_ids: Final = RequestIds()

_MALFORMED: Final = (
    "the request is malformed, or its head exceeds 'global.server.max_line_bytes' or 'global.server.max_header_bytes'"
)
_SLOW: Final = "the request's head did not arrive within 'global.server.header_timeout'"
_FULL: Final = "the host has as many connections as it takes: ask again"


class SlowHead(HttpProcessingError):
    """A request's head took too long to arrive."""

    code = 408


def answer(request: BaseRequest, status: int, error: BaseException | None) -> web.Response:
    """Gives a generic problem that ends the connection.

    Raises:
        ConnectionError: part of an answer is out already, so none can follow.
    """
    request_id = _ids.new()
    malformed = isinstance(error, HttpProcessingError)
    if malformed:
        kind = {"event": "request.malformed", "kind": type(error).__name__, "request_id": request_id}
        _log.info("malformed request refused", extra=kind)
    else:
        _log.error("request failed", exc_info=error, extra={"event": "request.failed", "request_id": request_id})
    if request.writer.output_size > 0:
        raise ConnectionError("part of the answer is sent already: the connection ends here")
    detail = _SLOW if isinstance(error, SlowHead) else _MALFORMED if malformed else ""
    made = _response(Problem(status, detail), request_id)
    made.force_close()
    return made


def full() -> bytes:
    """Gives the whole answer to a connection that is one too many, as it is sent."""
    return _as_sent(_response(Problem(503, _FULL, headers={"Retry-After": "1"}), _ids.new()))


def unsendable(request: HostRequest, error: BaseException) -> bytes:
    """Gives the whole answer where the handler's own has a head that cannot be sent, as it is sent; logs why."""
    inflight = request.get(INFLIGHT)
    request_id = inflight.request_id if inflight is not None else _ids.new()
    where = {"module_name": inflight.module, "route": inflight.template} if inflight is not None else {}
    _log.error(
        "answer cannot be sent",
        exc_info=error,
        extra={"event": "request.failed", "request_id": request_id, **where},
    )
    return _as_sent(_response(Problem(500, problem.BUG), request_id))


def _as_sent(made: web.Response) -> bytes:
    body = made.body if isinstance(made.body, bytes) else b""
    fields = {**made.headers, "Content-Length": str(len(body)), "Connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {made.status} {made.reason}\r\n{head}\r\n".encode() + body


def _response(told: Problem, request_id: str) -> web.Response:
    made = problem.response(told, request_id)
    made.headers[X_REQUEST_ID] = request_id
    made.headers["Server"] = "nexus"
    return made
