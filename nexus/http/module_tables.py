"""The route tables of modules: built at first use, kept as long as what they were built from is in service."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from nexus.http.bound_route import BoundRoute
from nexus.http.headers import Withholding
from nexus.http.inflight import Load
from nexus.http.route_table import RouteTable
from nexus.spec.context import ModuleContext
from nexus.spec.route import Route

if TYPE_CHECKING:
    from nexus.discovery.catalog import ModuleRecord
    from nexus.host.host import HostedModule
    from nexus.host.instance import ModuleInstance


class ModuleTables:
    """One table for each running instance, and one for what a module that is down has declared.

    A table holds the handlers, and through them whatever they close over; `drop_stale` lets go of it.

    Args:
        limit: requests in flight that one module may have.
        withholding: what handlers of modules do not get to see.
    """

    def __init__(self, limit: int, withholding: Withholding) -> None:
        self._limit = limit
        self._withholding = withholding
        self._loads: dict[str, Load] = {}
        self._served: dict[str, tuple[ModuleInstance, RouteTable]] = {}
        self._declared: dict[str, tuple[ModuleRecord, RouteTable]] = {}

    def of_instance(self, name: str, instance: "ModuleInstance") -> RouteTable:
        """Gives the table of what `instance` serves."""
        kept = self._served.get(name)
        if kept is not None and kept[0] is instance:
            return kept[1]
        table = RouteTable(self._bound(name, instance.routes, instance.context))
        self._served[name] = (instance, table)
        return table

    def of_record(self, name: str, record: "ModuleRecord") -> RouteTable:
        """Gives the table of what a module has declared; its handlers are never called."""
        kept = self._declared.get(name)
        if kept is not None and kept[0] is record:
            return kept[1]
        table = RouteTable(self._bound(name, record.routes, None))
        self._declared[name] = (record, table)
        return table

    def drop_stale(self, modules: "Mapping[str, HostedModule]") -> None:
        """Forgets the tables of instances and records that are no longer in service.

        A swap shows at the next request, but a module that nobody calls must not keep its old instance alive.
        """
        for name, (instance, _) in tuple(self._served.items()):
            if (module := modules.get(name)) is None or module.instance is not instance:
                del self._served[name]
        for name, (record, _) in tuple(self._declared.items()):
            if (module := modules.get(name)) is None or module.record is not record or module.serving:
                del self._declared[name]

    def _bound(
        self, name: str, routes: Iterable[Route], context: ModuleContext[Any] | None
    ) -> Iterable[tuple[str, BoundRoute]]:
        load = self._loads.setdefault(name, Load(self._limit))
        for route in routes:
            bound = BoundRoute(
                method=route.method,
                template=f"/m/{name}{route.path}",
                call=route.handler,
                access=route.access,
                module=name,
                load=load,
                context=context,
                withholding=self._withholding,
            )
            yield route.path, bound
