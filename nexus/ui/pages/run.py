"""One run with everything that is kept of it, and what can be done with it: end it, do it again."""

from typing import Any

from aiohttp import web

from nexus.api.job_requests import told_as_problems
from nexus.host.host import Host
from nexus.jobs.errors import UnknownRun
from nexus.ui.page_book import PageBook
from nexus.ui.pictures.timeline import timeline
from nexus.ui.rendering import go_to, render
from nexus.ui.viewer import Viewer
from nexus.ui.words import segment


def add(pages: PageBook, host: Host) -> None:
    """Adds the page and the actions of this file."""

    async def one(request: web.Request, viewer: Viewer) -> web.Response:
        with told_as_problems():
            engine = host.jobs.find_engine()
            if engine is None:
                raise UnknownRun("No module has jobs, so there are no runs.")
            detail = await engine.detail(request.match_info["id"])
        data: dict[str, Any] = {
            "run": detail.run,
            "detail": detail,
            "timeline": timeline(detail, host.clock.now()),
            "watch": f"run:{detail.run.id}",
        }
        return render(request, "run.html", data, viewer=viewer)

    async def cancel(request: web.Request, viewer: Viewer) -> web.Response:
        with told_as_problems():
            run = await host.jobs.engine.cancel(request.match_info["id"], by=viewer.subject, issuer=viewer.issuer)
        is_late = run.status.is_final and run.cancelled_by is None
        return go_to(request, f"/runs/{segment(run.id)}", "ended" if is_late else "cancelled")

    async def retry(request: web.Request, viewer: Viewer) -> web.Response:
        with told_as_problems():
            run = await host.jobs.engine.retry(request.match_info["id"], by=viewer.subject, issuer=viewer.issuer)
        return go_to(request, f"/runs/{segment(run.id)}", "retried")

    pages.page("/runs/{id}", one)
    pages.action("/runs/{id}/cancel", cancel)
    pages.action("/runs/{id}/retry", retry)
