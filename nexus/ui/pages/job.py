"""One job, and what can be done with it: run it now, let its schedule rest or go on."""

import secrets
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from nexus.api.job_requests import told_as_problems
from nexus.host.host import Host
from nexus.jobs.definition import JobDefinition
from nexus.jobs.errors import InvalidOptions, UnknownJob
from nexus.ui.page_book import PageBook
from nexus.ui.rendering import go_to, render
from nexus.ui.viewer import Page, Viewer
from nexus.ui.views.job_page import job_page
from nexus.ui.views.option_form import Field, option_fields, read_fields, with_mistakes
from nexus.ui.words import segment


def add(pages: PageBook, host: Host) -> None:
    """Adds the page and the actions of this file."""
    path = "/modules/{module}/jobs/{job}"
    pages.page(path, _showing(host))
    pages.action(path, _running(host))
    pages.action(f"{path}/pause", _setting(host, paused=True))
    pages.action(f"{path}/resume", _setting(host, paused=False))


def _showing(host: Host) -> Page:
    async def one(request: web.Request, viewer: Viewer) -> web.Response:
        return await _show(host, request, viewer, option_fields(_definition(host, request)))

    return one


def _running(host: Host) -> Page:
    async def run(request: web.Request, viewer: Viewer) -> web.Response:
        module, job = _names(request)
        form = await request.post()
        reading = read_fields(option_fields(_definition(host, request)), form)
        if reading.has_mistakes:
            return await _show(host, request, viewer, reading.fields, status=422)
        once = str(form.get("once", ""))[:64] or None
        key = f"page {once}" if once else None  # a form that is sent twice starts one run
        with told_as_problems():
            try:
                started = await host.jobs.engine.trigger(
                    module, job, reading.options, by=viewer.subject, issuer=viewer.issuer, idempotency_key=key
                )
            except InvalidOptions as error:
                fields, others = with_mistakes(reading.fields, error.mistakes)
                return await _show(host, request, viewer, fields, mistakes=others, status=422)
        return go_to(request, f"/runs/{segment(started.id)}", "started")

    return run


def _setting(host: Host, *, paused: bool) -> Page:
    async def set_paused(request: web.Request, viewer: Viewer) -> web.Response:
        module, job = _names(request)
        with told_as_problems():
            await host.jobs.engine.set_paused(module, job, paused, by=viewer.subject, issuer=viewer.issuer)
        path = f"/modules/{segment(module)}/jobs/{segment(job)}"
        return go_to(request, path, "paused" if paused else "resumed", job=f"{module} {job}")

    return set_paused


async def _show(
    host: Host,
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


def _names(request: web.Request) -> tuple[str, str]:
    return request.match_info["module"], request.match_info["job"]


def _definition(host: Host, request: web.Request) -> JobDefinition:
    module, job = _names(request)
    with told_as_problems():
        try:
            return host.jobs.source.definitions(module)[module, job]
        except KeyError:
            raise UnknownJob("There is no job of this name.") from None
