"""What a module is given: its settings and the host's shared resources, scoped to the module."""

import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from pydantic import JsonValue

from nexus.spec.access import PROTECTED, Access
from nexus.spec.errors import NexusError
from nexus.spec.event import NO_DATA
from nexus.spec.principal import Principal
from nexus.spec.route import Handler

if TYPE_CHECKING:
    import asyncio

    import aiohttp

S_co = TypeVar("S_co", covariant=True)
R = TypeVar("R")


class Cache(Protocol):
    """A cache of the module's own: keys of two modules never meet."""

    async def get(self, key: str) -> object | None:
        """Gives what was kept under `key`, None where it is not there or too old."""

    async def set(self, key: str, value: object, ttl: float | None = None) -> None:
        """Keeps `value` for `ttl` seconds (the host's setting where None); with Redis it must be JSON."""

    async def delete(self, key: str) -> None:
        """Forgets `key`, also where it is not there."""


class Tasks(Protocol):
    """The module's background tasks; the host cancels and awaits them when the module stops."""

    def start(self, name: str, work: Coroutine[Any, Any, R]) -> "asyncio.Task[R]":
        """Starts a task that the host owns; one that raises makes the module `degraded`."""


class Events(Protocol):
    """Tells the other modules, and those who read `/api/events`, what happened in this one."""

    def publish(self, type: str, data: Mapping[str, JsonValue] = NO_DATA) -> None:  # noqa: A002 - the event's field
        """Publishes an event; every serving module with the hook `nexus_module_event` is called soon, in order.

        Nobody confirms it, and nothing is kept for a module that does not serve just now. Where a module publishes
        more than 600 events in a minute, the further ones are dropped and the log says so.

        Args:
            type: up to 64 letters, digits, `.`, `:`, `-` and `_`, a letter first; such as `target.down`.
            data: JSON of up to 16 KiB; secrets are taken out.

        Raises:
            NexusError: the type or the data is not so, or the call comes from another thread than the event loop's.
        """


class Registry(Protocol):
    """What start-up code may add; all of it is gone when the start fails or the module stops."""

    def add_route(
        self, method: str, path: str, handler: Handler, *, access: Access = PROTECTED, permissions: Iterable[str] = ()
    ) -> None:
        """Adds a route that depends on settings; served once start-up has finished.

        Raises:
            InvalidDeclaration: the route is malformed or taken.
        """

    def add_cleanup(self, cleanup: Callable[[], Awaitable[object]]) -> None:
        """Runs `cleanup` when the module stops or its start fails; last added, first run."""

    async def enter(self, resource: AbstractAsyncContextManager[R]) -> R:
        """Enters an async context manager and leaves it when the module stops or its start fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleContext(Generic[S_co]):
    """A module's view of the host, the same object from start-up to stop.

    Attributes:
        name: the module's name.
        settings: the bound model, frozen in practice: a change of configuration makes a new context.
        logger: carries the module's name; what it writes passes the scrubber.
        cache: the module's own part of the host's cache.
        http: one client session shared by all modules, with time-outs; do not close it.
        tasks: background tasks of the module.
        events: tells other modules what happened in this one.
        registry: routes, clean-ups and resources that start-up adds.
    """

    name: str
    settings: S_co
    logger: logging.LoggerAdapter[logging.Logger]
    cache: Cache
    http: "aiohttp.ClientSession"
    tasks: Tasks
    events: Events
    registry: Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext(Generic[S_co]):
    """What a handler gets from `nexus.context(request)`: the module's context and who is calling.

    Attributes:
        module: the module's context.
        principal: the verified caller; None on a public route.
        request_id: the id that the answer and the log lines carry.
    """

    module: ModuleContext[S_co]
    principal: Principal | None
    request_id: str

    @property
    def caller(self) -> Principal:
        """The verified caller of a protected route.

        Raises:
            NexusError: the route is public, so nobody was asked for a token.
        """
        if self.principal is None:
            raise NexusError("a public route has no caller: declare the route protected, or read 'principal'")
        return self.principal

    @property
    def settings(self) -> S_co:
        """The module's settings."""
        return self.module.settings

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """The module's logger."""
        return self.module.logger

    @property
    def cache(self) -> Cache:
        """The module's cache."""
        return self.module.cache

    @property
    def http(self) -> "aiohttp.ClientSession":
        """The shared client session."""
        return self.module.http

    @property
    def tasks(self) -> Tasks:
        """The module's background tasks."""
        return self.module.tasks

    @property
    def events(self) -> Events:
        """What the module tells others with."""
        return self.module.events
