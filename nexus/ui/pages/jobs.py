"""The list of all jobs, the page of one, and what can be done with it: run it now, let its schedule rest or go on."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from nexus.api.job_requests import told_as_problems
from nexus.host.host import Host
from nexus.jobs.definition import JobDefinition, JobKey
from nexus.jobs.errors import InvalidOptions, UnknownJob
from nexus.jobs.run_marks import Standing
from nexus.ui.flash import redirect
from nexus.ui.page_book import PageBook
from nexus.ui.rendering import RENDERING, render
from nexus.ui.viewer import Viewer
from nexus.ui.views.engine_access import ask, engine_of
from nexus.ui.views.job_entries import JobEntry, as_set, count_states, job_entries
from nexus.ui.views.job_page import job_page
from nexus.ui.views.jobs import rows_of
from nexus.ui.views.kept import kept
from nexus.ui.views.listing import listed, read_text
from nexus.ui.views.option_form import Field, option_fields, read_fields, with_mistakes
from nexus.ui.words import segment

_NO_STANDING: Final = Standing(paused={}, failing=())
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_PER_PAGE: Final = 25
_SHOW: Final = ("failing", "scheduled", "paused", "on_demand", "module_down")


def add(pages: PageBook, host: Host) -> None:
    """Adds the pages and actions of this file."""
    entries = kept(host, job_entries)

    async def every(request: web.Request, viewer: Viewer) -> web.Response:
        text, show = read_text(request, "q").lower(), read_text(request, "show")
        show = show if show in _SHOW else ""
        standing = await ask(host, lambda engine: engine.figures.standing(), _NO_STANDING)
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

    async def one(request: web.Request, viewer: Viewer) -> web.Response:
        return await show_job(request, viewer, option_fields(_definition(host, request)))

    async def show_job(
        request: web.Request,
        viewer: Viewer,
        fields: Sequence[Field],
        *,
        mistakes: Sequence[str] = (),
        status: int = 200,
    ) -> web.Response:
        module, job = _names(request)
        with told_as_problems():
            page = await job_page(host, module, job)
        data: dict[str, Any] = {
            "page": page,
            "job": page.row,
            "fields": fields,
            "mistakes": mistakes,
            "wrong": [field for field in fields if field.mistake],
            "once": secrets.token_hex(8),
            "watch": f"job:{module}/{job}",
        }
        return render(request, "job.html", data, viewer=viewer, status=status)

    async def run(request: web.Request, viewer: Viewer) -> web.Response:
        module, job = _names(request)
        form = await request.post()
        reading = read_fields(option_fields(_definition(host, request)), form)
        if reading.has_mistakes:
            return await show_job(request, viewer, reading.fields, status=422)
        once = str(form.get("once", ""))[:64] or None
        key = f"page {once}" if once else None  # a form that is sent twice starts one run
        with told_as_problems():
            try:
                started = await host.jobs.engine.trigger(
                    module, job, reading.options, by=viewer.subject, issuer=viewer.issuer, idempotency_key=key
                )
            except InvalidOptions as error:
                fields, others = with_mistakes(reading.fields, error.mistakes)
                return await show_job(request, viewer, fields, mistakes=others, status=422)
        return _to(request, f"/runs/{segment(started.id)}", "started")

    async def pause(request: web.Request, viewer: Viewer) -> web.Response:
        return await set_paused(request, viewer, paused=True)

    async def resume(request: web.Request, viewer: Viewer) -> web.Response:
        return await set_paused(request, viewer, paused=False)

    async def set_paused(request: web.Request, viewer: Viewer, *, paused: bool) -> web.Response:
        module, job = _names(request)
        with told_as_problems():
            await host.jobs.engine.set_paused(module, job, paused, by=viewer.subject)
        return _to(request, _path(module, job), "paused" if paused else "resumed", job=f"{module} {job}")

    path = "/modules/{module}/jobs/{job}"
    pages.page("/jobs", every)
    pages.page(path, one)
    pages.action(path, run)
    pages.action(f"{path}/pause", pause)
    pages.action(f"{path}/resume", resume)


def _names(request: web.Request) -> tuple[str, str]:
    return request.match_info["module"], request.match_info["job"]


def _path(module: str, job: str) -> str:
    return f"/modules/{segment(module)}/jobs/{segment(job)}"


def _to(request: web.Request, path: str, flash: str, **gaps: str) -> web.Response:
    rendering = request[RENDERING]
    return redirect(rendering.href(path), base=rendering.base, flash=flash, **gaps)


def _definition(host: Host, request: web.Request) -> JobDefinition:
    with told_as_problems():
        try:
            return host.jobs.source.definitions(request.match_info["module"])[_names(request)]
        except KeyError:
            raise UnknownJob("There is no job of this name.") from None


def _instants(host: Host) -> dict[JobKey, datetime]:
    engine = engine_of(host)
    return {key: at for at, key in engine.states.coming()} if engine is not None else {}
