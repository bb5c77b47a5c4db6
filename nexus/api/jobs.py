"""`GET /api/jobs` and the actions on one job: run it, let its schedule rest, let it go on."""

from typing import TYPE_CHECKING, Final

from aiohttp import web
from pydantic import JsonValue

from nexus.api.answers import Answers
from nexus.api.job_requests import read_idempotency_key, read_options, read_wait, told_as_problems
from nexus.api.resource import Resource
from nexus.api.run_view import JobStateView, RunView, job_state_view, run_view
from nexus.host.host import Host
from nexus.http.keys import PRINCIPAL
from nexus.jobs.definition import JobDefinition
from nexus.jobs.errors import ModuleDown, UnknownJob
from nexus.jobs.options import shown_options

if TYPE_CHECKING:
    from nexus.jobs.engine import JobEngine

_SPARE: Final = 5.0
"""Seconds between the longest wait and the request's own time limit."""


def resources(host: Host, answers: Answers) -> tuple[Resource, ...]:
    """Gives the resources of this file."""
    server = host.settings.global_.server
    longest_wait = max(server.request_timeout - _SPARE, server.request_timeout / 2)

    def engine_of(module: str, job: str) -> "JobEngine":
        engine = host.jobs.find_engine()
        if engine is not None:
            return engine
        if host.jobs.source.is_declared((module, job)):
            raise ModuleDown(f"module {module!r} cannot be used: see GET /api/modules/{module}")
        raise UnknownJob("no module has jobs: GET /api/modules lists all modules")

    async def every(_request: web.Request) -> web.Response:
        """List all jobs with their schedules, next and last runs."""
        with told_as_problems():
            engine = host.jobs.find_engine()
            states = await engine.jobs() if engine is not None else ()
        return answers.many([job_state_view(state, _options(state.definition)) for state in states])

    async def run(request: web.Request) -> web.Response:
        """Run a job now; the body is an object of options that override the configured ones."""
        given, key = await read_options(request), read_idempotency_key(request)
        wait = read_wait(request, longest_wait)
        with told_as_problems():
            module, job = request.match_info["module"], request.match_info["job"]
            engine = engine_of(module, job)
            caller = request[PRINCIPAL]
            started = await engine.trigger(
                module, job, given, by=caller.subject, issuer=caller.issuer, idempotency_key=key
            )
            if wait:
                started = await engine.wait(started.id, wait)
        location = f"{host.settings.global_.path.rstrip('/')}/api/runs/{started.id}"
        headers = {"Location": location, **({"Preference-Applied": f"wait={wait:.0f}"} if wait else {})}
        return answers.one(run_view(started), status=200 if started.status.is_final else 202, headers=headers)

    async def pause(request: web.Request) -> web.Response:
        """Let a job's schedule rest; it can still be run on demand."""
        return await set_paused(request, paused=True)

    async def resume(request: web.Request) -> web.Response:
        """Let a job's schedule go on from now."""
        return await set_paused(request, paused=False)

    async def set_paused(request: web.Request, *, paused: bool) -> web.Response:
        with told_as_problems():
            module, job = request.match_info["module"], request.match_info["job"]
            caller, engine = request[PRINCIPAL], engine_of(module, job)
            state = await engine.set_paused(module, job, paused, by=caller.subject, issuer=caller.issuer)
        return answers.one(job_state_view(state, _options(state.definition)))

    job_path = "/api/modules/{module}/jobs/{job}"
    return (
        Resource(method="GET", path="/api/jobs", handler=every, answer=JobStateView, many=True),
        Resource(method="POST", path=job_path, handler=run, answer=RunView, success=202, takes_body=True),
        Resource(method="POST", path=f"{job_path}/pause", handler=pause, answer=JobStateView),
        Resource(method="POST", path=f"{job_path}/resume", handler=resume, answer=JobStateView),
    )


def _options(definition: JobDefinition) -> dict[str, JsonValue]:
    return shown_options(definition.options)
