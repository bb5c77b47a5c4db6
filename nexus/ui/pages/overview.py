"""The first page: how the instance is, what needs a look, what happened lately and what comes next."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from nexus.host.host import Host
from nexus.jobs.run import Page, RunFilter, RunStatus
from nexus.jobs.run_marks import Bucket
from nexus.ui.page_book import PageBook
from nexus.ui.pictures.activity import activity
from nexus.ui.rendering import render
from nexus.ui.viewer import Viewer
from nexus.ui.views.attention import MOST, attention
from nexus.ui.views.engine_access import Asked, ask
from nexus.ui.views.jobs import every_job, job_row
from nexus.ui.views.module_rows import count_groups
from nexus.ui.views.recent import Recent

if TYPE_CHECKING:
    from nexus.jobs.job_state import JobState

_HOURS: Final = 24
_HOUR: Final = 3600
_LATEST: Final = 8
"""Runs, coming instants and changes that are shown."""

_NO_PAGE: Final = Page(runs=(), cursor=None)
_NO_COUNTS: Final[Mapping[RunStatus, int]] = {}
_NO_BUCKETS: Final[tuple[Bucket, ...]] = ()


def add(pages: PageBook, host: Host) -> None:
    """Adds the page of this file."""
    figures = Recent(lambda: _figures(host), lambda: host.events.last_id)

    async def overview(request: web.Request, viewer: Viewer) -> web.Response:
        jobs, runs = await figures.get()
        rows = [job_row(host, state) for state in jobs.value]
        items = attention(host, rows, jobs.trouble)
        coming = sorted((row for row in rows if row.next_at is not None), key=lambda row: (row.next_at, row.key))
        checks = host.health.results()
        data: dict[str, Any] = {
            "items": items[:MOST],
            "more": max(len(items) - MOST, 0),
            "bad": sum(item.level == "bad" for item in items),
            "ready": host.readiness().status,
            "counts": count_groups(host),
            "checks": len(checks),
            "passing": sum(result.status == "pass" for result in checks),
            "jobs": rows,
            "trouble": jobs.trouble,
            "coming": coming[:_LATEST],
            "changes": _changes(host),
            "watch": "overview",
            **runs,
        }
        return render(request, "overview.html", data, viewer=viewer)

    pages.page("", overview)


async def _figures(host: Host) -> "tuple[Asked[Sequence[JobState]], dict[str, Any]]":
    return await every_job(host), await _runs(host)


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
    found = [
        {"at": event.at, **event.data}
        for event in host.events.recent()
        if event.type == "module.state" and event.data.get("state") not in ("starting", "stopping")
    ]
    return found[: -_LATEST - 1 : -1]


def _next_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
