"""All pages of the dashboard, in the order of its navigation."""

from nexus.auth.counters import Counters
from nexus.auth.recent_decisions import RecentDecisions
from nexus.host.host import Host
from nexus.http.host_routes import HostRoutes
from nexus.spec.access import PUBLIC
from nexus.ui.page_routes import PageRoutes, shown
from nexus.ui.pages import (
    audit,
    events,
    health,
    jobs,
    me,
    module_pages,
    modules,
    not_found,
    overview,
    routes,
    run,
    runs,
    runs_bulk,
    settings,
)
from nexus.ui.static_files import serve_static
from nexus.ui.viewer import Gate


def add(
    host_routes: HostRoutes,
    host: Host,
    gate: Gate,
    *,
    counters: Counters,
    decisions: RecentDecisions,
    permission: str = "admin",
    sessions: me.Sessions | None = None,
) -> None:
    """Adds every page but those of sign-in, which are to be added before: the last page here takes any address.

    Args:
        host_routes: takes the routes; all of them are shown by the page of routes.
        host: what is shown.
        gate: lets signed-in people through.
        counters: tell what became of the tokens.
        decisions: the last decisions on the API and the pages.
        permission: what the API asks for.
        sessions: lists the sessions that somebody may see.
    """
    static = "/ui/static/{version}/{name:.+}"
    host_routes.add("GET", static, shown(serve_static), PUBLIC, "Style and script.", limited=False)
    pages = PageRoutes(host_routes, gate)
    overview.add(pages, host)
    modules.add(pages, host)
    module_pages.add(pages, host)
    jobs.add(pages, host)
    runs_bulk.add(pages, host)
    runs.add(pages, host)
    run.add(pages, host)
    routes.add(pages, host, lambda: host_routes.routes)
    health.add(pages, host, counters)
    audit.add(pages, decisions)
    settings.add(pages, host)
    me.add(pages, sessions, permission=permission)
    events.add(pages, host)
    not_found.add(pages)
