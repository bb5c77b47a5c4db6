"""All handlers; imported with the first page that somebody looks at."""

from collections.abc import Callable

from nexus.auth.counters import Counters
from nexus.auth.recent_decisions import RecentDecisions
from nexus.host.host import Host
from nexus.spec.route import Route
from nexus.ui.page_book import PageBook
from nexus.ui.pages import (
    audit,
    events,
    health,
    job,
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


def write(
    book: PageBook,
    host: Host,
    *,
    counters: Counters,
    decisions: RecentDecisions,
    permission: str,
    sessions: me.Sessions | None,
    host_routes: Callable[[], tuple[Route, ...]],
) -> None:
    """Writes every handler into `book`; the arguments are those of `dashboard.add`."""
    overview.add(book, host)
    modules.add(book, host)
    module_pages.add(book, host)
    jobs.add(book, host)
    job.add(book, host)
    runs_bulk.add(book, host)
    runs.add(book, host)
    run.add(book, host)
    routes.add(book, host, host_routes)
    health.add(book, host, counters)
    audit.add(book, decisions)
    settings.add(book, host)
    me.add(book, sessions, permission=permission)
    events.add(book, host)
    not_found.add(book)
