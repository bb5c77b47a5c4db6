"""`GET /api/health`: the probes' answers with their reasons, and every check."""

from typing import Literal

from aiohttp import web
from pydantic import Field

from nexus.api.answers import Answers
from nexus.api.module_view import HealthView, ReasonView, checks_by_module, health_view
from nexus.api.read_model import ReadModel
from nexus.api.resource import Resource
from nexus.auth.counters import Counters
from nexus.host.host import Host
from nexus.host.readiness import Readiness


class ProbeView(ReadModel):
    """What one probe answers, and why."""

    status: Literal["pass", "warn", "fail"]
    reasons: list[ReasonView]


class TokensView(ReadModel):
    """What became of the tokens since the start."""

    verified: int = Field(description="Verified in full.")
    cached: int = Field(description="Taken because they had been verified before.")
    unavailable: int = Field(description="Not decided on, because no keys were to be had.")
    refused: dict[str, int] = Field(description="How many by each reason that there was.")


class HostHealth(ReadModel):
    """The health of the host and of every module that has checks."""

    live: ProbeView
    ready: ProbeView
    startup: ProbeView
    loop_lag: float = Field(description="Seconds the event loop was late at the last heartbeat.")
    tokens: TokensView
    modules: dict[str, HealthView]


def resources(host: Host, answers: Answers, counters: Counters) -> tuple[Resource, ...]:
    """Gives the resource of this file."""

    async def health(_request: web.Request) -> web.Response:
        """Show the probes with their reasons and every check's last result."""
        checks = checks_by_module(host.health.results())
        return answers.one(
            HostHealth(
                live=_probe(host.liveness()),
                ready=_probe(host.readiness()),
                startup=_probe(host.startup()),
                loop_lag=round(host.stall.lag(), 4),
                tokens=_tokens(counters),
                modules={name: health_view(results) for name, results in sorted(checks.items())},
            )
        )

    return (Resource(method="GET", path="/api/health", handler=health, answer=HostHealth),)


def _tokens(counters: Counters) -> TokensView:
    return TokensView(
        verified=counters.verified,
        cached=counters.cached,
        unavailable=counters.unavailable,
        refused={reason.value: count for reason, count in counters.refused.items()},
    )


def _probe(readiness: Readiness) -> ProbeView:
    reasons = [ReasonView(code=reason.code, message=reason.message) for reason in readiness.reasons]
    return ProbeView(status=readiness.status, reasons=reasons)
