"""Every answer other than success, as `application/problem+json` (RFC 9457), and the boundary that makes them."""

import http
import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from aiohttp import web
from multidict import CIMultiDict

from nexus.http.inflight import Ending, Inflight
from nexus.spec.errors import NotReady, Problem

if TYPE_CHECKING:
    from nexus.config.scrubber import Scrubber

_log: Final = logging.getLogger("nexus.http")

CONTENT_TYPE: Final = "application/problem+json"

_CORE: Final = frozenset({"title", "status", "detail", "request_id"})
"""Members that no extension replaces; `type` may be given, as RFC 9457 means it."""

_ENTITY: Final = ("Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding")
"""Header fields of aiohttp's own error body, which is not sent."""

BUG: Final = "the request failed inside the host; its log has more under this request_id"


def phrase(status: int) -> str:
    """Gives the reason phrase of a status, also of one that is not registered."""
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def response(
    problem: Problem, request_id: str, scrub: "Scrubber | None" = None, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Gives the answer that says `problem`; `headers` are further fields, below the problem's own."""
    document: dict[str, object] = {
        "type": "about:blank",
        "title": problem.title or phrase(problem.status),
        "status": problem.status,
        "detail": problem.detail,
        "request_id": request_id,
    }
    document.update(_extensions(problem))
    if scrub is not None:
        document = {**document, **_scrubbed(scrub, document)}
    fields = CIMultiDict(headers or {})
    fields.update(problem.headers)
    if scrub is not None:
        fields = _scrubbed_fields(scrub, fields)
    fields.setdefault("Cache-Control", "no-store")
    fields.setdefault("X-Content-Type-Options", "nosniff")
    return web.Response(
        status=problem.status,
        body=json.dumps(document, ensure_ascii=False, default=str).encode("utf-8", "replace"),
        content_type=CONTENT_TYPE,
        headers=fields,
    )


def _extensions(problem: Problem) -> dict[str, object]:
    """Gives the further members as JSON has them; what JSON cannot hold is left out, and the answer still given."""
    shown: dict[str, object] = {}
    for name, value in problem.extensions.items():
        if name in _CORE:
            continue
        try:
            shown[name] = json.loads(json.dumps(value, default=str, allow_nan=False))
        except Exception:  # noqa: BLE001 - a stranger's objects
            _log.warning("problem member %s cannot be shown as JSON", name, extra={"event": "problem.member_left_out"})
    return shown


def _scrubbed(scrub: "Scrubber", document: dict[str, object]) -> dict[str, object]:
    clean: object = scrub.scrub_data(json.loads(json.dumps(document, default=str)))
    return clean if isinstance(clean, dict) else {}


def _scrubbed_fields(scrub: "Scrubber", fields: CIMultiDict[str]) -> CIMultiDict[str]:
    return CIMultiDict((name, scrub.scrub(value)) for name, value in fields.items())


class Boundary:
    """Turns whatever a guard or a handler raised into an answer; nothing of a bug goes out but its request id.

    Args:
        scrubber: every body passes it.
    """

    def __init__(self, scrubber: "Scrubber") -> None:
        self._scrubber = scrubber

    def answer(self, request: web.Request, error: BaseException, inflight: Inflight) -> web.StreamResponse:
        """Gives the answer for `error`.

        Raises:
            web.HTTPException: `error`, where it is no error but a redirection.
        """
        if inflight.response is not None:
            return self._broken_off(request, error, inflight)
        if inflight.ending is not None:
            return self.ended(request, inflight.ending, inflight)
        if isinstance(error, web.HTTPException):
            return self._of_aiohttp(request, error, inflight)
        if isinstance(error, ConnectionError) and _is_gone(request):
            return web.Response(status=499, reason="Client Closed Request")  # nobody is there to read it
        return self.refuse(self._judged(request, error, inflight), inflight)

    def refuse(self, problem: Problem, inflight: Inflight) -> web.Response:
        """Gives the answer that says `problem`."""
        return response(problem, inflight.request_id, self._scrubber)

    def ended(self, request: web.Request, ending: Ending, inflight: Inflight) -> web.StreamResponse:
        """Gives the answer to a request that the shell ended: the end of its stream, or why there will be none."""
        if inflight.response is not None:
            inflight.response.force_close()
            return inflight.response
        if ending == "shutdown":
            problem = Problem(503, "the host is shutting down: ask again", headers={"Retry-After": "5"})
        elif _is_body_late(request):
            problem = Problem(408, "the body did not arrive within 'global.server.request_timeout'")
        else:
            _log.error(
                "request timed out",
                extra={"event": "request.timed_out", "module_name": inflight.module, "route": inflight.template},
            )
            problem = Problem(504, "the answer took longer than 'global.server.request_timeout' allows")
        answer = self.refuse(problem, inflight)
        answer.force_close()
        return answer

    def missing(self, returned: str, inflight: Inflight) -> web.Response:
        """Gives the answer where a handler returned something that cannot be sent."""
        self.log_unsendable(returned, inflight)
        return self.refuse(Problem(500, BUG), inflight)

    def log_unsendable(self, returned: str, inflight: Inflight) -> None:
        """Logs that a handler returned something that cannot be sent."""
        _log.error(
            "handler returned %s",
            returned,
            extra={"event": "request.failed", "module_name": inflight.module, "route": inflight.template},
        )

    def _judged(self, request: web.Request, error: BaseException, inflight: Inflight) -> Problem:
        if isinstance(error, Problem):
            return error
        if isinstance(error, NotReady):
            return Problem(503, str(error), headers={"Retry-After": "5"})
        if isinstance(error, web.RequestPayloadError):
            return Problem(400, "the body breaks off or is not framed as its header says")
        if isinstance(error, json.JSONDecodeError) and _is_body(request, error.doc):
            return Problem(400, f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}")
        _log_bug("request failed", request, error, inflight)
        return Problem(500, BUG)

    def _of_aiohttp(self, request: web.Request, error: web.HTTPException, inflight: Inflight) -> web.Response:
        if error.status < 400:
            if error.prepared:
                # aiohttp would send nothing, and the caller would wait for ever.
                return self.missing("a redirection that was sent before: make one for each request", inflight)
            raise error
        headers = CIMultiDict(error.headers)
        for name in _ENTITY:
            headers.popall(name, None)
        text = error.text or ""
        detail = "" if text == f"{error.status}: {error.reason}" else text
        if isinstance(error, web.HTTPRequestEntityTooLarge) and str(request.client_max_size) in text:
            detail = "the body is longer than 'global.server.max_body_bytes' allows"
        # A body that its author wrote as a problem stays as it is.
        if error.content_type == CONTENT_TYPE:
            return web.Response(
                status=error.status,
                text=self._scrubber.scrub(text),
                content_type=CONTENT_TYPE,
                headers=_scrubbed_fields(self._scrubber, headers),
            )
        return response(Problem(error.status, detail, title=error.reason), inflight.request_id, self._scrubber, headers)

    def _broken_off(self, request: web.Request, error: BaseException, inflight: Inflight) -> web.StreamResponse:
        # The head is out, so the only honest end is a broken connection: a clean one would say 'complete'.
        if not _is_gone(request):
            _log_bug("answer broke off", request, error, inflight)
        if request.transport is not None:
            request.transport.abort()
        return inflight.response or web.Response()


def _log_bug(message: str, request: web.Request, error: BaseException, inflight: Inflight) -> None:
    _log.error(
        message,
        exc_info=error,
        extra={
            "event": "request.failed",
            "method": request.method,
            "module_name": inflight.module,
            "route": inflight.template,
        },
    )


def _is_body_late(request: web.Request) -> bool:
    # Where reading is paused, the client is held up by a handler that does not read, and not the other way round.
    return not request.content.is_eof() and not request.protocol._reading_paused  # noqa: SLF001 - told in no public way


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _is_body(request: web.Request, document: str) -> bool:
    # A handler may parse JSON of somebody else's too, and that is no fault of the caller.
    body = request._read_bytes  # noqa: SLF001 - reading it by the public way is a coroutine, and reads it if nobody has
    return body is not None and body.decode("utf-8", "replace") == document
