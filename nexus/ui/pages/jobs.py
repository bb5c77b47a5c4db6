"""The list of all jobs."""

from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from nexus.host.host import Host
from nexus.jobs.definition import JobKey
from nexus.ui.page_book import PageBook
from nexus.ui.rendering import render
from nexus.ui.viewer import Viewer
from nexus.ui.views.engine_access import engine_of, standing_of
from nexus.ui.views.job_entries import JobEntry, as_set, count_states, job_entries
from nexus.ui.views.jobs import rows_of
from nexus.ui.views.kept import kept
from nexus.ui.views.listing import listed, read_text

_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_PER_PAGE: Final = 25
_SHOW: Final = ("failing", "scheduled", "paused", "on_demand", "module_down")


def add(pages: PageBook, host: Host) -> None:
    """Adds the page of this file."""
    entries = kept(host, job_entries)

    async def every(request: web.Request, viewer: Viewer) -> web.Response:
        text, show = read_text(request, "q").lower(), read_text(request, "show")
        show = show if show in _SHOW else ""
        standing = await standing_of(host)
        jobs = as_set(entries(), standing.value.paused)
        failing = {key for key in standing.value.failing if key in jobs}
        due = _instants(host)

        def is_shown(job: JobEntry) -> bool:
            return not show or (job.key in failing if show == "failing" else job.state == show)

        table = listed(
            [job for job in jobs.values() if is_shown(job) and text in job.text],
            request,
            columns={
                "module": lambda job: job.key,
                "job": lambda job: (job.definition.name, job.definition.module),
                "state": lambda job: (job.key not in failing, job.state, job.key),
                "next": lambda job: (due.get(job.key, _NEVER) if job.state == "scheduled" else _NEVER, job.key),
            },
            default="module",
            filters=("q", "show"),
            per_page=_PER_PAGE,
        )
        rows = await rows_of(host, [job.key for job in table.rows])
        data: dict[str, Any] = {
            "table": table,
            "rows": rows.value,
            "q": text,
            "show": show,
            "counts": {**count_states(jobs), "failing": len(failing)},
            "trouble": standing.trouble or rows.trouble,
            "watch": "jobs",
        }
        return render(request, "jobs.html", data, viewer=viewer)

    pages.page("/jobs", every)


def _instants(host: Host) -> dict[JobKey, datetime]:
    engine = engine_of(host)
    return {key: at for at, key in engine.states.coming()} if engine is not None else {}
