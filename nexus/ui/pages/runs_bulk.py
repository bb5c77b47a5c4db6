"""Ends or repeats many runs at once: a page that tells which ones, and the action itself."""

from typing import Any, Final

from aiohttp import web

from nexus.api.job_requests import told_as_problems
from nexus.api.run_bulk import BULK, CANCEL, RETRY, BulkAction, act_on_many, chosen_runs
from nexus.host.host import Host
from nexus.jobs.run import Page
from nexus.ui.page_book import PageBook
from nexus.ui.rendering import go_to, render
from nexus.ui.viewer import Page as PageHandler
from nexus.ui.viewer import Viewer
from nexus.ui.views.run_filters import filters_of, read_filters
from nexus.ui.words import plural

_SHOWN: Final = 10
"""Runs that the page of confirmation names."""

_NO_PAGE: Final = Page(runs=(), cursor=None)


def add(pages: PageBook, host: Host) -> None:
    """Adds the pages and actions of this file."""
    for path, verb, action, flash in (
        ("/runs/retry", "retry", RETRY, "retried"),
        ("/runs/cancel", "cancel", CANCEL, "cancelled"),
    ):
        pages.page(path, _confirmation(host, verb, action))
        pages.action(path, _doing(host, action, path, flash))


def _confirmation(host: Host, verb: str, action: BulkAction) -> PageHandler:
    async def confirm(request: web.Request, viewer: Viewer) -> web.Response:
        now = host.clock.now()
        filters = read_filters(request, now)
        with told_as_problems():
            engine = host.jobs.find_engine()
            chosen = chosen_runs(action, filters.wanted)
            cursor = request.query.get("cursor")
            page = await engine.runs(chosen, limit=BULK, cursor=cursor) if engine is not None else _NO_PAGE
        data: dict[str, Any] = {
            "verb": verb,
            "filters": filters,
            "fixed": {**filters.fixed(now), **({"cursor": cursor} if cursor else {})},
            "statuses": sorted(chosen.statuses),
            "count": len(page.runs),
            "more": page.cursor is not None,
            "shown": page.runs[:_SHOWN],
            "most": BULK,
        }
        return render(request, "runs_bulk.html", data, viewer=viewer)

    return confirm


def _doing(host: Host, action: BulkAction, path: str, flash: str) -> PageHandler:
    async def do(request: web.Request, viewer: Viewer) -> web.Response:
        form = await request.post()
        texts = form.copy()
        filters = filters_of(texts, host.clock.now())  # type: ignore[arg-type]  # a file among them is taken as text
        cursor = str(form.get("cursor", "")) or None
        became = await act_on_many(host, action, filters.wanted, by=viewer.subject, issuer=viewer.issuer, cursor=cursor)
        # Where more match, the page of confirmation asks for them next.
        to = f"{path}?{filters.query(cursor=became.cursor)}" if became.cursor else f"/runs?{filters.query()}"
        told = f"{'some' if became.refused else 'many'}_{flash}"
        return go_to(request, to, told, done=plural(became.done, "run"), refused=plural(became.refused, "run"))

    return do
