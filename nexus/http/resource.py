"""The one aiohttp resource behind which everything is dispatched, so that modules come and go while the host serves.

aiohttp's own router freezes when the server starts and answers unknown paths before any policy can look. Here every
request gets a match, also one that nothing serves: the guard decides first, then the host answers 404, 405 or 503.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from aiohttp import web
from aiohttp.web_urldispatcher import _InfoDict
from yarl import URL

from nexus.http import refusals
from nexus.http.bound_route import NO_PARAMETERS, BoundRoute, Match, Outcome
from nexus.http.host_routes import MODULES
from nexus.http.inflight import Load
from nexus.http.module_tables import ModuleTables
from nexus.http.route_table import RouteTable
from nexus.spec.access import PROTECTED, PUBLIC, Access
from nexus.spec.errors import NexusError
from nexus.spec.route import Handler
from nexus.spec.state import ModuleState

if TYPE_CHECKING:
    from nexus.host.host import HostedModule

_MODULES_AT: Final = len(MODULES)
_ABSENT: Final = frozenset({ModuleState.AVAILABLE, ModuleState.DISABLED, ModuleState.NOT_FOUND, ModuleState.STOPPED})
_ALLOWED: Final[set[str]] = set()
"""aiohttp's resources tell their methods here; this one never fails to match, so nobody reads it."""


def _now() -> datetime:
    return datetime.now(UTC)


class HostResource(web.AbstractResource):
    """Matches every request.

    Args:
        base_path: `global.path`, taken off first; a path outside it is not found.
        own: the host's own routes that are there at once.
        modules: gives name to module as it is now; a reload replaces the mapping.
        tables: of the modules' routes.
        own_load: counts the requests that belong to no module.
        now: UTC clock, for `Retry-After`.
    """

    def __init__(
        self,
        *,
        base_path: str,
        own: RouteTable,
        modules: "Callable[[], Mapping[str, HostedModule]]",
        tables: ModuleTables,
        own_load: Load,
        now: Callable[[], datetime] = _now,
    ) -> None:
        super().__init__()
        self._base = base_path.rstrip("/")
        self._own = own
        self._modules = modules
        self._tables = tables
        self._own_load = own_load
        self._now = now
        self._not_found = self._refusal("not_found", PROTECTED, refusals.not_found)

    async def resolve(self, request: web.Request) -> tuple[Match, set[str]]:
        """Gives the match of `request`, for aiohttp's own router; never none."""
        return self.match(request), _ALLOWED

    def match(self, request: web.Request) -> Match:
        """Gives the match of `request`; never none."""
        path = request.rel_url.raw_path
        if self._base:
            path = self._below_base(path)
        if not path.startswith(MODULES):
            return self._match(self._own, request.method, path, None)
        name, _, rest = path[_MODULES_AT:].partition("/")
        module = self._modules().get(name)
        if module is None:
            return Match(NO_PARAMETERS, self._not_found)
        instance = module.instance
        if instance is None or not module.serving:
            return self._match_down(module, request.method, "/" + rest)
        table = self._tables.of_instance(name, instance)
        return self._match(table, request.method, "/" + rest, name)

    def serve(self, own: RouteTable) -> None:
        """Serves these routes of the host's own from now on."""
        self._own = own

    def _below_base(self, path: str) -> str:
        if path == self._base:
            return "/"
        return path[len(self._base) :] if path.startswith(self._base + "/") else ""

    def _match(self, table: RouteTable, method: str, path: str, module: str | None) -> Match:
        found = table.find(method, path)
        if found is not None:
            return Match(found[1], found[0])
        methods = table.methods_at(path)
        if not methods:
            return Match(NO_PARAMETERS, self._not_found)
        allowed = ", ".join(sorted({*methods, "OPTIONS"}))
        outcome: Outcome = "options" if method == "OPTIONS" else "method_not_allowed"
        call = refusals.options(allowed) if outcome == "options" else refusals.method_not_allowed(method, allowed)
        return Match(NO_PARAMETERS, self._refusal(outcome, _access_of_path(methods), call, module))

    def _match_down(self, module: "HostedModule", method: str, path: str) -> Match:
        state = module.status.state
        if state in _ABSENT:
            return Match(NO_PARAMETERS, self._refusal("disabled", PROTECTED, refusals.not_found, module.name))
        table = self._tables.of_record(module.name, module.record)
        found = table.find(method, path)
        access = found[0].access if found is not None else _access_of_path(table.methods_at(path))
        call = refusals.unavailable(module.name, state, self._retry_after(module))
        return Match(NO_PARAMETERS, self._refusal("unavailable", access, call, module.name))

    def _retry_after(self, module: "HostedModule") -> int:
        retry = module.status.retry
        if retry is not None:
            return max(1, round((retry.next_at - self._now()).total_seconds()))
        # A failed module stays down until the configuration is read again; one that moves is soon elsewhere.
        return 5 if module.status.state in (ModuleState.STARTING, ModuleState.STOPPING) else 60

    def _refusal(self, outcome: Outcome, access: Access | None, call: Handler, module: str | None = None) -> BoundRoute:
        return BoundRoute(
            method="*",
            template="",
            call=call,
            access=access,
            outcome=outcome,
            module=module,
            load=self._own_load,
        )

    @property
    def canonical(self) -> str:
        """The root: aiohttp asks this resource about every path."""
        return "/"

    def add_prefix(self, prefix: str) -> None:
        """Not to be had.

        Raises:
            NexusError: always; where the host is mounted is `global.path`.
        """
        raise NexusError(f"the host cannot be mounted at {prefix!r} as a sub-application: set 'global.path'")

    def get_info(self) -> _InfoDict:
        """Gives the mount point, as aiohttp's own resources do."""
        return {"prefix": self._base or "/"}

    def raw_match(self, _path: str) -> bool:
        """False: no second resource is ever merged into this one."""
        return False

    def url_for(self, **_kwargs: str) -> URL:
        """Not to be had.

        Raises:
            NexusError: always; links are written by hand below `global.base_url`.
        """
        raise NexusError("routes have no names to build links from: write the path")

    def __iter__(self) -> Iterator[web.AbstractRoute]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _access_of_path(methods: Mapping[str, BoundRoute]) -> Access:
    """Gives what is asked before a path's methods are told: nothing, where one of its routes is public anyway."""
    accesses = [route.access for route in methods.values()]
    return PUBLIC if any(access is not None and access.is_public for access in accesses) else PROTECTED
