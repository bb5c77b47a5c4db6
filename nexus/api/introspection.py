"""All resources of the introspection API, added to the host's routes under one permission."""

from nexus.api import events, health, jobs, me, modules, openapi, routes, run_bulk, runs, version
from nexus.api.answers import Answers
from nexus.api.resource import Resource
from nexus.auth.counters import Counters
from nexus.host.host import Host
from nexus.http.host_routes import HostRoutes
from nexus.spec.access import requiring


def add(host_routes: HostRoutes, host: Host, *, permission: str, counters: Counters) -> None:
    """Adds every resource; a caller needs `permission` for each, and `counters` tell what became of the tokens."""
    answers = Answers(host.scrubber)
    listed: list[Resource] = []
    listed += version.resources(host, answers)
    listed += modules.resources(host, answers)
    listed += routes.resources(host, answers, lambda: host_routes.routes)
    listed += jobs.resources(host, answers)
    listed += run_bulk.resources(host, answers)
    listed += runs.resources(host, answers)
    listed += health.resources(host, answers, counters)
    listed += me.resources(answers)
    listed += events.resources(host)
    listed += openapi.resources(host, answers, lambda: listed)
    for resource in listed:
        summary = (resource.handler.__doc__ or "").partition("\n")[0]
        host_routes.add(resource.method, resource.path, resource.handler, requiring({permission}), summary)
