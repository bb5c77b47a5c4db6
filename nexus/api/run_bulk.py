"""Actions on many runs at once: those that a query means are ended, or done again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
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

if TYPE_CHECKING:
    from nexus.jobs.engine import JobEngine

BULK: Final = 200
"""Runs that one request acts on: as many as fit well into a request's time."""

_REFUSED: Final = (AlreadyRunning, InvalidOptions, ModuleDown, NotFinal, UnknownJob, UnknownRun)

Act = Callable[["JobEngine", Run, str, str], Awaitable[bool]]
"""Acts on a run for a subject of an issuer; False where it does not take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkAction:
    """Something that is done to many runs.

    Attributes:
        default: the statuses that are meant where the query names none.
        act: does it to one run, asked for by a subject of an issuer.
    """

    default: frozenset[RunStatus]
    act: Act


async def _end(jobs: "JobEngine", run: Run, by: str, issuer: str) -> bool:
    if run.status.is_final:
        return False
    ended = await jobs.cancel(run.id, by=by, issuer=issuer)
    return ended.status is RunStatus.CANCELLED or not ended.status.is_final


async def _again(jobs: "JobEngine", run: Run, by: str, issuer: str) -> bool:
    await jobs.retry(run.id, by=by, issuer=issuer)
    return True


CANCEL: Final = BulkAction(default=frozenset({RunStatus.QUEUED, RunStatus.RUNNING}), act=_end)
RETRY: Final = BulkAction(default=frozenset({RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.LOST}), act=_again)


def resources(host: Host, answers: Answers) -> tuple[Resource, ...]:
    """Gives the resources of this file."""

    async def cancel_many(request: web.Request) -> web.Response:
        """End the queued and running runs that the query means."""
        return await answer(request, CANCEL)

    async def retry_many(request: web.Request) -> web.Response:
        """Do the failed runs that the query means again; `status` may name others that have ended."""
        return await answer(request, RETRY)

    async def answer(request: web.Request, action: BulkAction) -> web.Response:
        wanted, cursor, caller = read_filter(request), request.query.get("cursor"), request[PRINCIPAL]
        became = await act_on_many(host, action, wanted, by=caller.subject, issuer=caller.issuer, cursor=cursor)
        return answers.one(became)

    return (
        Resource(
            method="POST", path="/api/runs/cancel", handler=cancel_many, answer=BulkView, query=(*FILTER, "cursor")
        ),
        Resource(method="POST", path="/api/runs/retry", handler=retry_many, answer=BulkView, query=(*FILTER, "cursor")),
    )


async def act_on_many(
    host: Host, action: BulkAction, wanted: RunFilter, *, by: str, issuer: str, cursor: str | None
) -> BulkView:
    """Acts on at most 200 runs, and gives what became of them.

    Args:
        host: whose runs.
        action: what is done.
        wanted: which runs; it has to narrow them.
        by: the subject who asks.
        issuer: whose subject that is.
        cursor: where an earlier answer has left off.

    Raises:
        Problem: 400, nothing narrows the runs, or the cursor is none; 503, the store is away.
    """
    chosen = chosen_runs(action, wanted)
    with told_as_problems():
        jobs, done, refused = host.jobs.find_engine(), 0, 0
        if jobs is None:
            return BulkView(done=0, refused=0, cursor=None)
        found = await jobs.runs(chosen, limit=BULK, cursor=cursor)
        for run in found.runs:
            if await _is_done(action.act(jobs, run, by, issuer)):
                done += 1
            else:
                refused += 1
    return BulkView(done=done, refused=refused, cursor=found.cursor)


async def _is_done(act: Awaitable[bool]) -> bool:
    try:
        return await act
    except _REFUSED:
        return False


def chosen_runs(action: BulkAction, wanted: RunFilter) -> RunFilter:
    """Gives which runs an action means.

    Raises:
        Problem: 400, nothing narrows them.
    """
    if wanted == RunFilter():
        raise Problem(400, "say which runs: narrow them by at least one of " + ", ".join(FILTER))
    return replace(wanted, statuses=wanted.statuses or action.default)
