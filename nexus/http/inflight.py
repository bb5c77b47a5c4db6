"""The record of one request while its handler runs, and the context variable by which log lines find it."""

import asyncio
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from aiohttp import web

if TYPE_CHECKING:
    from nexus.http.bound_route import BoundRoute

Ending = Literal["timeout", "shutdown", "expired"]
"""Why the shell ended a request before its handler did."""


class Load:
    """How many requests are in one module, and how many may be.

    Attributes:
        active: requests in flight.
        limit: more than these are refused.
    """

    __slots__ = ("active", "limit")

    def __init__(self, limit: int) -> None:
        self.active = 0
        self.limit = limit


class Inflight:
    """One request whose handler has not returned yet.

    A plain class with slots: one is made for each request, and a frozen dataclass costs a microsecond more.

    Attributes:
        request_id: as answered in `X-Request-ID`.
        route: what it was dispatched to; None where it could not be.
        task: what runs the handler.
        started: loop time in seconds.
        response: set once the head of the answer is on its way; a request that is still in flight then is a stream.
        expires_at: instant at which a stream ends because its caller's token does; set by the guard.
        ending: set when the shell cancels the request.
    """

    __slots__ = ("ending", "expires_at", "request_id", "response", "route", "started", "task")

    def __init__(
        self, request_id: str, route: "BoundRoute | None", task: "asyncio.Task[object] | None", started: float
    ) -> None:
        self.request_id = request_id
        self.route = route
        self.task = task
        self.started = started
        self.response: web.StreamResponse | None = None
        self.expires_at: datetime | None = None
        self.ending: Ending | None = None

    @property
    def module(self) -> str | None:
        """The module's name; None for a route of the host's own."""
        return self.route.module if self.route is not None else None

    @property
    def template(self) -> str:
        """Of the matched route, never the path with its values."""
        return self.route.template if self.route is not None else ""

    def end(self, ending: Ending) -> None:
        """Cancels the handler, once; the shell then answers what `ending` asks for."""
        if self.ending is None and self.task is not None:
            self.ending = ending
            self.task.cancel()


CURRENT: Final[ContextVar[Inflight | None]] = ContextVar("nexus.http.current", default=None)
"""The request that the running task works for; tasks that a handler starts inherit it."""
