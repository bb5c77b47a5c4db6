"""`/livez`, `/readyz` and `/startupz`: answered from memory, whatever checks and modules are doing."""

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from aiohttp import web

from nexus.http.host_routes import HostRoutes
from nexus.spec.access import PUBLIC
from nexus.spec.errors import Problem
from nexus.spec.route import Handler

if TYPE_CHECKING:
    from nexus.checks.board import CheckResult
    from nexus.host.host import Host
    from nexus.host.readiness import Readiness

DetailAllowed = Callable[[web.Request], Awaitable[bool]]
"""Tells whether a request carries what lets its caller see details; the route itself is public."""

_STATUS: Final = {"pass": "pass", "warn": "warn", "fail": "fail", "unknown": "warn"}
_SHOWN_ENDPOINTS: Final = 20


def add(routes: HostRoutes, host: "Host", detail_allowed: DetailAllowed) -> None:
    """Adds the three probes; they answer also when the host has all the requests it takes."""
    for path, ask, summary in (
        ("/livez", host.liveness, "Tell whether the process is alive."),
        ("/readyz", host.readiness, "Tell whether the host should be given requests."),
        ("/startupz", host.startup, "Tell whether the start is over."),
    ):
        routes.add("GET", path, _probe(host, ask, detail_allowed), PUBLIC, summary, limited=False)


def _probe(host: "Host", ask: "Callable[[], Readiness]", detail_allowed: DetailAllowed) -> Handler:
    async def probe(request: web.Request) -> web.Response:
        health = ask()
        detailed = await _is_allowed(detail_allowed, request)
        document: object = {"status": health.status}
        if detailed:
            document = host.scrubber.scrub_data(details(host, health))
        return web.Response(
            status=503 if health.status == "fail" else 200,
            text=json.dumps(document, ensure_ascii=False, default=str),
            content_type="application/health+json" if detailed else "application/json",
            headers={"Cache-Control": "no-store"},
        )

    return probe


async def _is_allowed(detail_allowed: DetailAllowed, request: web.Request) -> bool:
    try:
        return await detail_allowed(request)
    except Problem:
        return False  # a probe answers without details rather than not at all


def details(host: "Host", health: "Readiness") -> dict[str, object]:
    """Gives the document of draft-inadarei-api-health-check-06, section 3; not scrubbed yet."""
    checks = {f"{result.module}:{result.name}": [_component(host, result)] for result in host.health.results()}
    return {
        "status": health.status,
        "serviceId": host.instance_id,
        "description": host.settings.global_.name,
        "notes": [f"{reason.code}: {reason.message}" for reason in health.reasons],
        "checks": checks,
    }


def _component(host: "Host", result: "CheckResult") -> dict[str, object]:
    shown: dict[str, object] = {"componentType": "component", "status": _STATUS[result.status]}
    if result.at is not None:
        shown["time"] = result.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if result.status == "unknown":
        shown["output"] = result.output or "no recent result"
    elif result.output:
        shown["output"] = result.output
    if result.observed is not None:
        shown["observedValue"] = result.observed
    # The draft leaves endpoints out of what passes: they are there to tell what is affected.
    if result.status != "pass":
        shown["affectedEndpoints"] = list(host.affected_routes(result.module)[:_SHOWN_ENDPOINTS])
    return shown
