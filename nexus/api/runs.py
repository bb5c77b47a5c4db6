"""`GET /api/runs` and the actions on one run: end it, do it again."""

from typing import TYPE_CHECKING, Final

from aiohttp import web

from nexus.api.answers import Answers
from nexus.api.job_requests import FILTER, read_filter, read_limit, told_as_problems
from nexus.api.resource import Resource
from nexus.api.run_view import RunDetailView, RunPage, RunView, detail_view, run_view
from nexus.host.host import Host
from nexus.http.keys import PRINCIPAL
from nexus.jobs.errors import UnknownRun
from nexus.jobs.run import Page

if TYPE_CHECKING:
    from nexus.jobs.engine import JobEngine

_NONE: Final = Page(runs=(), cursor=None)


def resources(host: Host, answers: Answers) -> tuple[Resource, ...]:
    """Gives the resources of this file."""

    def engine() -> "JobEngine":
        found = host.jobs.find_engine()
        if found is None:
            raise UnknownRun("no module has jobs, so there are no runs")
        return found

    async def page(request: web.Request) -> web.Response:
        """List runs, newest first; the query narrows them."""
        wanted, limit = read_filter(request), read_limit(request)
        with told_as_problems():
            found = host.jobs.find_engine()
            runs = await found.runs(wanted, limit=limit, cursor=request.query.get("cursor")) if found else _NONE
        shown = [run_view(run) for run in runs.runs]
        return answers.one(RunPage(runs=shown, cursor=runs.cursor, searched_since=runs.searched_since))

    async def one(request: web.Request) -> web.Response:
        """Show a run with its attempts, steps and log."""
        with told_as_problems():
            return answers.one(detail_view(await engine().detail(request.match_info["id"])))

    async def cancel(request: web.Request) -> web.Response:
        """End a run; one that has ended stays as it is."""
        with told_as_problems():
            caller = request[PRINCIPAL]
            run = await engine().cancel(request.match_info["id"], by=caller.subject, issuer=caller.issuer)
        return answers.one(run_view(run), status=200 if run.status.is_final else 202)

    async def retry(request: web.Request) -> web.Response:
        """Do a run that has ended again, as a new run with the same options."""
        with told_as_problems():
            caller = request[PRINCIPAL]
            run = await engine().retry(request.match_info["id"], by=caller.subject, issuer=caller.issuer)
        location = f"{host.settings.global_.path.rstrip('/')}/api/runs/{run.id}"
        return answers.one(run_view(run), status=202, headers={"Location": location})

    return (
        Resource(method="GET", path="/api/runs", handler=page, answer=RunPage, query=(*FILTER, "limit", "cursor")),
        Resource(method="GET", path="/api/runs/{id}", handler=one, answer=RunDetailView),
        Resource(method="POST", path="/api/runs/{id}/cancel", handler=cancel, answer=RunView),
        Resource(method="POST", path="/api/runs/{id}/retry", handler=retry, answer=RunView, success=202),
    )
