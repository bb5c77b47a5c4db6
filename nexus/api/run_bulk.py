"""Actions on many runs at once: those that a query means are ended, or done again."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from aiohttp import web

from nexus.api.answers import Answers
from nexus.api.job_requests import FILTER, read_filter, told_as_problems
from nexus.api.resource import Resource
from nexus.api.run_view import BulkView
from nexus.host.host import Host
from nexus.http.keys import PRINCIPAL
from nexus.jobs.errors import AlreadyRunning, InvalidOptions, ModuleDown, NotFinal, UnknownJob, UnknownRun
from nexus.jobs.run import Run, RunFilter, RunStatus
from nexus.spec.errors import Problem
from nexus.spec.principal import Principal

if TYPE_CHECKING:
    from nexus.jobs.engine import JobEngine

_BULK: Final = 200
"""Runs that one request acts on: as many as fit well into a request's time."""

_REFUSED: Final = (AlreadyRunning, InvalidOptions, ModuleDown, NotFinal, UnknownJob, UnknownRun)

Act = Callable[["JobEngine", Run, Principal], Awaitable[bool]]
"""Acts on a run for a caller; False where it does not take it."""


def resources(host: Host, answers: Answers) -> tuple[Resource, ...]:
    """Gives the resources of this file."""

    async def cancel_many(request: web.Request) -> web.Response:
        """End the queued and running runs that the query means."""
        active = frozenset({RunStatus.QUEUED, RunStatus.RUNNING})

        async def end(jobs: "JobEngine", run: Run, caller: Principal) -> bool:
            if run.status.is_final:
                return False
            ended = await jobs.cancel(run.id, by=caller.subject)
            return ended.status is RunStatus.CANCELLED or not ended.status.is_final

        return await act_on_many(request, active, end)

    async def retry_many(request: web.Request) -> web.Response:
        """Do the failed runs that the query means again; `status` may name others that have ended."""
        default = frozenset({RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.LOST})

        async def again(jobs: "JobEngine", run: Run, caller: Principal) -> bool:
            await jobs.retry(run.id, by=caller.subject, issuer=caller.issuer)
            return True

        return await act_on_many(request, default, again)

    async def act_on_many(request: web.Request, default: frozenset[RunStatus], act: Act) -> web.Response:
        wanted = read_filter(request)
        if wanted == RunFilter():
            raise Problem(400, "say which runs: narrow them by at least one of " + ", ".join(FILTER))
        chosen = _narrowed(wanted, default)
        with told_as_problems():
            jobs, done, refused = host.jobs.find_engine(), 0, 0
            if jobs is None:
                return answers.one(BulkView(done=0, refused=0, cursor=None))
            found = await jobs.runs(chosen, limit=_BULK, cursor=request.query.get("cursor"))
            for run in found.runs:
                if await _is_done(act(jobs, run, request[PRINCIPAL])):
                    done += 1
                else:
                    refused += 1
        return answers.one(BulkView(done=done, refused=refused, cursor=found.cursor))

    return (
        Resource(
            method="POST", path="/api/runs/cancel", handler=cancel_many, answer=BulkView, query=(*FILTER, "cursor")
        ),
        Resource(method="POST", path="/api/runs/retry", handler=retry_many, answer=BulkView, query=(*FILTER, "cursor")),
    )


async def _is_done(act: Awaitable[bool]) -> bool:
    try:
        return await act
    except _REFUSED:
        return False


def _narrowed(wanted: RunFilter, default: frozenset[RunStatus]) -> RunFilter:
    return RunFilter(
        module=wanted.module,
        job=wanted.job,
        statuses=wanted.statuses or default,
        trigger=wanted.trigger,
        text=wanted.text,
        since=wanted.since,
        until=wanted.until,
    )
