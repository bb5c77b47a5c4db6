"""What one start of a module adds: routes, clean-ups and resources, all undone in reverse order."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Final, TypeVar

from nexus.spec.access import PROTECTED, Access, requiring
from nexus.spec.errors import InvalidDeclaration
from nexus.spec.route import Handler, Route

R = TypeVar("R")

_MAX_ROUTES: Final = 10_000
_MAX_CLEANUPS: Final = 10_000

_Leave = Callable[[BaseException | None], Awaitable[object]]


class StagingRegistry:
    """Collects what start-up code adds; sealed once the start has succeeded.

    Args:
        module: whose start it is.
        declared: the routes the module declares; what is added must not clash with them.
    """

    def __init__(self, module: str, declared: Iterable[Route]) -> None:
        self._module = module
        self._routes = list(declared)
        self._taken = {(route.method, route.path) for route in self._routes}
        self._leaving: list[_Leave] = []
        self._is_sealed = False

    @property
    def routes(self) -> tuple[Route, ...]:
        """The declared routes and those that were added."""
        return tuple(self._routes)

    def add_route(
        self, method: str, path: str, handler: Handler, *, access: Access = PROTECTED, permissions: Iterable[str] = ()
    ) -> None:
        """Adds a route, served once the start has succeeded.

        Raises:
            InvalidDeclaration: it is malformed or taken, or the start is over.
        """
        self._refuse_late("a route")
        route = Route(method=method.upper(), path=path, handler=handler, access=requiring(permissions, access))
        if (route.method, route.path) in self._taken:
            raise InvalidDeclaration(f"route {route.method} {path!r} is there already: keep one of them")
        if len(self._routes) >= _MAX_ROUTES:
            raise InvalidDeclaration(f"module {self._module!r} has more than {_MAX_ROUTES} routes: add fewer")
        self._taken.add((route.method, route.path))
        self._routes.append(route)

    def add_cleanup(self, cleanup: Callable[[], Awaitable[object]]) -> None:
        """Runs `cleanup` when the module stops or its start fails; last added, first run.

        Raises:
            InvalidDeclaration: the start is over.
        """
        self._refuse_late("a clean-up")

        async def leave(_: BaseException | None) -> None:
            await cleanup()

        self._leaving.append(leave)

    async def enter(self, resource: AbstractAsyncContextManager[R]) -> R:
        """Enters `resource` and leaves it when the module stops or its start fails.

        Raises:
            InvalidDeclaration: the start is over.
        """
        self._refuse_late("a resource")
        entered = await resource.__aenter__()

        async def leave(error: BaseException | None) -> None:
            await resource.__aexit__(type(error) if error else None, error, error.__traceback__ if error else None)

        self._leaving.append(leave)
        return entered

    def seal(self) -> None:
        """Takes no more from now on."""
        self._is_sealed = True

    async def close(self, error: BaseException | None) -> list[BaseException]:
        """Undoes all that was added, in reverse order; gives what that raised.

        Each step is guarded, a cancellation ends only the step that it meets: the others are owed all the same.

        Args:
            error: what ended the start or the service, shown to the resources; None at an ordinary stop.
        """
        self.seal()
        raised: list[BaseException] = []
        while self._leaving:
            leave = self._leaving.pop()
            try:
                await leave(error)
            except (Exception, SystemExit, asyncio.CancelledError) as problem:  # noqa: BLE001 - a stranger's code
                if problem is not error:
                    raised.append(problem)
        return raised

    def _refuse_late(self, what: str) -> None:
        if self._is_sealed:
            raise InvalidDeclaration(f"module {self._module!r} adds {what} after its start: add it in start-up code")
        if len(self._leaving) >= _MAX_CLEANUPS:
            raise InvalidDeclaration(f"module {self._module!r} has more than {_MAX_CLEANUPS} clean-ups: add fewer")
