"""The list of runs: narrowed and paged by the store."""

from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from nexus.api.job_requests import told_as_problems
from nexus.host.host import Host
from nexus.jobs.errors import StoreUnavailable, StoreUnusable
from nexus.jobs.run import Page
from nexus.ui.page_book import PageBook
from nexus.ui.rendering import render
from nexus.ui.viewer import Viewer
from nexus.ui.views.kept import kept
from nexus.ui.views.run_filters import STATUSES, read_filters

_PER_PAGE: Final = 50
_MOST_SUGGESTED: Final = 100

_NO_PAGE: Final = Page(runs=(), cursor=None)


def add(pages: PageBook, host: Host) -> None:
    """Adds the page of this file."""
    modules = kept(host, _with_jobs)

    async def every(request: web.Request, viewer: Viewer) -> web.Response:
        filters = read_filters(request, host.clock.now())
        cursor, trouble, page = request.query.get("cursor"), "", _NO_PAGE
        with told_as_problems():
            try:
                engine = host.jobs.find_engine()
                if engine is not None:
                    page = await engine.runs(
                        filters.wanted, limit=_PER_PAGE, cursor=cursor, oldest_first=filters.oldest_first
                    )
            except (StoreUnavailable, StoreUnusable) as error:
                trouble = str(error)
        data: dict[str, Any] = {
            "filters": filters,
            "statuses": STATUSES,
            "runs": page.runs,
            "following": page.cursor,
            "searched_since": page.searched_since,
            "is_first": cursor is None,
            "modules": _suggested(modules(), page),
            "trouble": trouble,
            "watch": "runs",
        }
        return render(request, "runs.html", data, viewer=viewer)

    pages.page("/runs", every)


def _with_jobs(host: Host) -> list[str]:
    return sorted({module for module, _job in host.jobs.source.definitions()})


def _suggested(modules: Sequence[str], page: Page) -> Sequence[str]:
    """Gives names that the form suggests: every module with jobs, or of very many those whose runs are shown."""
    return modules if len(modules) <= _MOST_SUGGESTED else sorted({run.module for run in page.runs})
