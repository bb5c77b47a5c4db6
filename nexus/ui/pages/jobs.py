"""The list of all jobs, the page of one, and what can be done with it: run it now, let its schedule rest or go on."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from nexus.api.job_requests import told_as_problems
from nexus.host.host import Host
from nexus.jobs.definition import JobDefinition
from nexus.jobs.errors import InvalidOptions, UnknownJob
from nexus.ui.flash import redirect
from nexus.ui.page_book import PageBook
from nexus.ui.rendering import RENDERING, render
from nexus.ui.viewer import Viewer
from nexus.ui.views.job_page import job_page
from nexus.ui.views.jobs import JobRow, every_job, job_row, with_strips
from nexus.ui.views.listing import listed, read_text
from nexus.ui.views.option_form import Field, option_fields, read_fields, with_mistakes
from nexus.ui.words import segment

_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_PER_PAGE: Final = 25
_SHOW: Final = ("failing", "scheduled", "paused", "on_demand", "module_down")


def add(pages: PageBook, host: Host) -> None:
    """Adds the pages and actions of this file."""

    async def every(request: web.Request, viewer: Viewer) -> web.Response:
        text, show = read_text(request, "q").lower(), read_text(request, "show")
        show = show if show in _SHOW else ""
        asked = await every_job(host)
        rows = [job_row(host, state) for state in asked.value]
        found = [row for row in rows if _is_shown(row, show) and _has(row, text)]
        table = listed(
            found,
            request,
            columns={
                "module": lambda row: row.key,
                "job": lambda row: (row.name, row.module),
                "state": lambda row: (not row.is_failing, row.state, row.key),
                "next": lambda row: (row.next_at or _NEVER, row.key),
            },
            default="module",
            filters=("q", "show"),
            per_page=_PER_PAGE,
        )
        table = replace(table, rows=await with_strips(host, table.rows))
        counts = {name: sum(_is_shown(row, name) for row in rows) for name in _SHOW}
        data = {"table": table, "q": text, "show": show, "counts": counts, "trouble": asked.trouble, "watch": "jobs"}
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
            await host.jobs.engine.set_paused(module, job, paused, by=viewer.subject, issuer=viewer.issuer)
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
    rendering = request.app[RENDERING]
    return redirect(rendering.href(path), base=rendering.base, flash=flash, **gaps)


def _definition(host: Host, request: web.Request) -> JobDefinition:
    with told_as_problems():
        try:
            return host.jobs.source.definitions()[_names(request)]
        except KeyError:
            raise UnknownJob("There is no job of this name.") from None


def _is_shown(row: JobRow, show: str) -> bool:
    return not show or (row.is_failing if show == "failing" else row.state == show)


def _has(row: JobRow, text: str) -> bool:
    return not text or any(text in each.lower() for each in (row.module, row.name, row.summary, row.said))
