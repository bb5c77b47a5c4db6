"""The first page: how the instance is, what needs a look, what happened lately and what comes next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from aiohttp import web

from nexus.host.host import Host
from nexus.jobs.definition import JobKey
from nexus.jobs.job_state import JobState
from nexus.jobs.run import Page, RunFilter, RunStatus
from nexus.jobs.run_marks import Bucket, Standing
from nexus.ui.page_book import PageBook
from nexus.ui.pictures.activity import activity
from nexus.ui.rendering import render
from nexus.ui.viewer import Viewer
from nexus.ui.views.attention import MOST, Failing, attention, items_of_modules
from nexus.ui.views.engine_access import ask, engine_of, standing_of
from nexus.ui.views.job_entries import Entries, as_set, count_states, job_entries
from nexus.ui.views.kept import kept
from nexus.ui.views.module_rows import count_groups
from nexus.ui.views.recent import Recent

_HOURS: Final = 24
_HOUR: Final = 3600
_LATEST: Final = 8
"""Runs, coming instants and changes that are shown."""

_NO_PAGE: Final = Page(runs=(), cursor=None)
_NO_COUNTS: Final[Mapping[RunStatus, int]] = {}
_NO_BUCKETS: Final[tuple[Bucket, ...]] = ()


def add(pages: PageBook, host: Host) -> None:
    """Adds the page of this file."""
    entries, groups, of_modules = kept(host, job_entries), kept(host, count_groups), kept(host, items_of_modules)
    figures = Recent(lambda: _figures(host, entries()), lambda: host.events.last_id)

    async def overview(request: web.Request, viewer: Viewer) -> web.Response:
        found = await figures.get()
        jobs = as_set(entries(), found.standing.paused)
        checks, ready = host.health.results(), host.readiness()
        data: dict[str, Any] = {
            "attention": attention(host, ready, of_modules(), found.failing, found.trouble),
            "ready": ready.status,
            "counts": groups(),
            "checks": len(checks),
            "passing": sum(result.status == "pass" for result in checks),
            "jobs": count_states(jobs),
            "trouble": found.trouble,
            "coming": _coming(host, jobs),
            "changes": _changes(host),
            "watch": "overview",
            **found.runs,
        }
        return render(request, "overview.html", data, viewer=viewer)

    pages.page("", overview)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figures:
    standing: Standing
    failing: Failing
    runs: Mapping[str, Any]
    trouble: str


async def _figures(host: Host, entries: Entries) -> _Figures:
    standing = await standing_of(host)
    failing = [key for key in standing.value.failing if key in entries]
    none = tuple[JobState, ...]()
    first = await ask(host, lambda engine: engine.states.of(failing[:MOST]), none)
    return _Figures(
        standing=standing.value,
        failing=Failing(total=len(failing), first=first.value),
        runs=await _runs(host),
        trouble=standing.trouble,
    )


def _coming(host: Host, entries: Entries) -> list[tuple[JobKey, datetime]]:
    """Gives the jobs that are due next."""
    engine = engine_of(host)
    timers = sorted(engine.states.coming()) if engine is not None else ()
    due = ((key, at) for at, key in timers if key in entries and entries[key].state == "scheduled")
    return list(islice(due, _LATEST))


async def _runs(host: Host) -> dict[str, Any]:
    until = _next_hour(host.clock.now())
    since = until - timedelta(hours=_HOURS)
    buckets = await ask(host, lambda engine: engine.figures.activity(since, until, _HOUR), _NO_BUCKETS)
    active = await ask(host, lambda engine: engine.figures.active(), _NO_COUNTS)
    latest = await ask(host, lambda engine: engine.runs(RunFilter(), limit=_LATEST), _NO_PAGE)
    return {
        "activity": activity(buckets.value),
        "running": active.value.get(RunStatus.RUNNING, 0),
        "queued": active.value.get(RunStatus.QUEUED, 0),
        "latest": latest.value.runs,
    }


def _changes(host: Host) -> list[dict[str, Any]]:
    """Gives the last changes of modules, newest first, those on the way to another left out."""
    moves = (event for event in reversed(host.events.recent()) if event.type == "module.state")
    ends = (event for event in moves if event.data.get("state") not in ("starting", "stopping"))
    return [{"at": event.at, **event.data} for event in islice(ends, _LATEST)]


def _next_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
