"""`Module`: declares a module by decorators, and is itself the plugin that the host registers."""

import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar, overload

from pydantic import BaseModel

from nexus.spec.access import PROTECTED, Access, requiring
from nexus.spec.check import Check
from nexus.spec.context import ModuleContext
from nexus.spec.errors import InvalidDeclaration
from nexus.spec.hooks import hookimpl
from nexus.spec.job import Job, Overlap
from nexus.spec.manifest import Manifest
from nexus.spec.names import HOST_API, one_by_one
from nexus.spec.panel import Panel, Place
from nexus.spec.route import Route

S = TypeVar("S", bound=BaseModel)
F = TypeVar("F", bound=Callable[..., Awaitable[Any]])
Lifespan = Callable[[ModuleContext[Any]], AsyncIterator[None]]


class Module(Generic[S]):
    """A module under construction: decorators add to it at import, the host reads it through its hooks.

    Args:
        name: unique in the host; the module's table in the configuration and its URL prefix.
        version: the module's own version.
        settings: the pydantic model that `[modules.<name>.config]` is bound to.
        description: one line; the default is empty.
        requires: names of modules that must run before this one starts.
        after: names of modules this one starts after, where they are there.
        host_api: versions of the authoring interface it is written for (PEP 440 range).

    Raises:
        InvalidDeclaration: a name is not usable, or two parts of one kind have the same name.
    """

    @overload
    def __init__(
        self: "Module[BaseModel]",
        name: str,
        *,
        version: str,
        settings: None = None,
        description: str = "",
        requires: Iterable[str] = (),
        after: Iterable[str] = (),
        host_api: str = ...,
    ) -> None: ...

    @overload
    def __init__(
        self,
        name: str,
        *,
        version: str,
        settings: type[S],
        description: str = "",
        requires: Iterable[str] = (),
        after: Iterable[str] = (),
        host_api: str = ...,
    ) -> None: ...

    def __init__(
        self,
        name: str,
        *,
        version: str,
        settings: type[S] | None = None,
        description: str = "",
        requires: Iterable[str] = (),
        after: Iterable[str] = (),
        host_api: str = f">={HOST_API},<{HOST_API + 1}",
    ) -> None:
        self._manifest = Manifest(
            name=name,
            version=version,
            description=description,
            settings=settings,
            requires=one_by_one(f"the modules that {name!r} requires", requires),
            after=one_by_one(f"the modules that {name!r} starts after", after),
            host_api=host_api,
        )
        self._routes: list[Route] = []
        self._checks: list[Check] = []
        self._jobs: list[Job] = []
        self._panels: list[Panel] = []
        self._lifespans: list[Callable[[ModuleContext[Any]], AbstractAsyncContextManager[object]]] = []
        self._shutdowns: list[Callable[[ModuleContext[Any]], Awaitable[object]]] = []

    @property
    def name(self) -> str:
        """The module's name."""
        return self._manifest.name

    def __repr__(self) -> str:
        return f"<nexus.Module {self.name!r}>"

    def route(
        self, method: str, path: str, *, access: Access = PROTECTED, permissions: Iterable[str] = ()
    ) -> Callable[[F], F]:
        """Declares the decorated async function as the handler of `method` and `path` below `/m/<module>`.

        Args:
            method: `GET`, `POST`, …; a `GET` route answers `HEAD` too.
            path: with a leading slash; `{name}` takes one segment, `{name:regex}` what the expression matches.
            access: `nexus.PUBLIC` or `nexus.PROTECTED`, which is the default.
            permissions: the token must hold every one of them.
        """
        allowed = requiring(permissions, access)

        def declare(handler: F) -> F:
            new = Route(method=method.upper(), path=path, handler=handler, access=allowed)
            if any((old.method, old.path) == (new.method, new.path) for old in self._routes):
                raise InvalidDeclaration(f"module {self.name!r} declares {new.method} {path} twice")
            self._routes.append(new)
            return handler

        return declare

    def get(self, path: str, *, access: Access = PROTECTED, permissions: Iterable[str] = ()) -> Callable[[F], F]:
        """Declares a `GET` (and `HEAD`) route; see `route`."""
        return self.route("GET", path, access=access, permissions=permissions)

    def post(self, path: str, *, access: Access = PROTECTED, permissions: Iterable[str] = ()) -> Callable[[F], F]:
        """Declares a `POST` route; see `route`."""
        return self.route("POST", path, access=access, permissions=permissions)

    def put(self, path: str, *, access: Access = PROTECTED, permissions: Iterable[str] = ()) -> Callable[[F], F]:
        """Declares a `PUT` route; see `route`."""
        return self.route("PUT", path, access=access, permissions=permissions)

    def patch(self, path: str, *, access: Access = PROTECTED, permissions: Iterable[str] = ()) -> Callable[[F], F]:
        """Declares a `PATCH` route; see `route`."""
        return self.route("PATCH", path, access=access, permissions=permissions)

    def delete(self, path: str, *, access: Access = PROTECTED, permissions: Iterable[str] = ()) -> Callable[[F], F]:
        """Declares a `DELETE` route; see `route`."""
        return self.route("DELETE", path, access=access, permissions=permissions)

    def check(
        self, name: str, *, critical: bool = True, interval: float | None = None, timeout: float | None = None
    ) -> Callable[[F], F]:
        """Declares the decorated async function as a health check that raises to fail; times are seconds."""

        def declare(probe: F) -> F:
            if any(old.name == name for old in self._checks):
                raise InvalidDeclaration(f"module {self.name!r} declares the check {name!r} twice")
            self._checks.append(Check(name=name, probe=probe, critical=critical, interval=interval, timeout=timeout))
            return probe

        return declare

    def job(
        self,
        type: str,  # noqa: A002 - the configuration's key has this name
        *,
        options: type[BaseModel] | None = None,
        timeout: float | None = None,
        overlap: Overlap = "forbid",
        attempts: int = 1,
    ) -> Callable[[F], F]:
        """Declares the decorated async function as a job; `timeout` is in seconds."""

        def declare(run: F) -> F:
            if any(old.type == type for old in self._jobs):
                raise InvalidDeclaration(f"module {self.name!r} declares the job {type!r} twice")
            summary = (inspect.getdoc(run) or "").partition("\n")[0]
            self._jobs.append(
                Job(
                    type=type,
                    run=run,
                    options=options,
                    timeout=timeout,
                    overlap=overlap,
                    attempts=attempts,
                    summary=summary,
                )
            )
            return run

        return declare

    def panel(self, name: str, *, title: str, template: str, place: Place = "module") -> Callable[[F], F]:
        """Declares a part of the dashboard: the decorated async function gives the data that the template shows.

        Args:
            name: unique in the module.
            title: its heading.
            template: Jinja text; every value is escaped.
            place: `module` for the module's page, `page` for a page of its own.
        """

        def declare(data: F) -> F:
            if any(old.name == name for old in self._panels):
                raise InvalidDeclaration(f"module {self.name!r} declares the panel {name!r} twice")
            self._panels.append(Panel(name=name, title=title, template=template, data=data, place=place))
            return data

        return declare

    def startup(self, function: F) -> F:
        """Runs the decorated async function, with the module's context, when the module starts."""

        @contextlib.asynccontextmanager
        async def lifespan(context: ModuleContext[Any]) -> AsyncIterator[None]:
            await function(context)
            yield

        self._lifespans.append(lifespan)
        return function

    def shutdown(self, function: F) -> F:
        """Runs the decorated async function, with the module's context, when the module stops.

        It does not run for a start that failed: what a start-up function opens belongs into
        `context.registry`, or into a `lifespan`.
        """
        self._shutdowns.append(function)
        return function

    def lifespan(self, function: Lifespan) -> Lifespan:
        """Enters the decorated async generator function when the module starts, leaves it when it stops."""
        self._lifespans.append(contextlib.asynccontextmanager(function))
        return function

    @hookimpl
    def nexus_manifest(self) -> Manifest:
        """Implements the hook of this name."""
        return self._manifest

    @hookimpl
    def nexus_routes(self) -> tuple[Route, ...]:
        """Implements the hook of this name."""
        return tuple(self._routes)

    @hookimpl
    def nexus_checks(self) -> tuple[Check, ...]:
        """Implements the hook of this name."""
        return tuple(self._checks)

    @hookimpl
    def nexus_jobs(self) -> tuple[Job, ...]:
        """Implements the hook of this name."""
        return tuple(self._jobs)

    @hookimpl
    def nexus_panels(self) -> tuple[Panel, ...]:
        """Implements the hook of this name."""
        return tuple(self._panels)

    @hookimpl
    def nexus_lifespan(self, context: ModuleContext[Any]) -> AbstractAsyncContextManager[object]:
        """Implements the hook of this name."""
        return self._lived(context)

    @contextlib.asynccontextmanager
    async def _lived(self, context: ModuleContext[Any]) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for lifespan in self._lifespans:
                await stack.enter_async_context(lifespan(context))
            for shutdown in self._shutdowns:
                stack.push_async_callback(shutdown, context)
            yield
