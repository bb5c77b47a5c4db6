"""The read models of a module; they hold no secret, since they are made of views that hold none."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue

from nexus.api.read_model import ReadModel
from nexus.checks.board import CheckResult
from nexus.config.effective import as_config_json
from nexus.host.host import HostedModule
from nexus.spec.access import Access
from nexus.spec.route import Route
from nexus.spec.state import ModuleState, ModuleStateChanged


class ReasonView(ReadModel):
    """Why a module is where it is."""

    code: str
    message: str


class RouteView(ReadModel):
    """One path of a module or of the host, with what it asks of a caller."""

    path: str = Field(description="Below the mount point of the host.")
    methods: list[str]
    access: Literal["public", "protected"]
    permissions: list[str]
    summary: str


class JobView(ReadModel):
    """One kind of work that a module declares."""

    type: str
    summary: str


class CheckView(ReadModel):
    """The last result of one check."""

    name: str
    status: Literal["pass", "warn", "fail", "unknown"]
    critical: bool
    at: datetime | None
    duration: float | None = Field(description="Seconds the last run took.")
    output: str | None
    observed: JsonValue = None


class HealthView(ReadModel):
    """The checks of one module and the worst of them."""

    status: Literal["pass", "warn", "fail"]
    checks: list[CheckView]


class RetryView(ReadModel):
    """When a module that was not ready is started again."""

    attempt: int
    next_at: datetime | None


class RefusedReloadView(ReadModel):
    """Why the module goes on as it was after the last reload."""

    code: str
    message: str
    at: datetime


class TransitionView(ReadModel):
    """One step in a module's life."""

    state: ModuleState
    phase: str
    at: datetime
    reason: ReasonView | None


class ModuleView(ReadModel):
    """A module as the introspection API shows it, whether it runs or not."""

    name: str
    version: str | None
    description: str
    source: str = Field(description="Where its code was found.")
    state: ModuleState
    since: datetime
    reason: ReasonView | None
    required: bool
    requires: list[str]
    after: list[str]
    routes: list[RouteView]
    jobs: list[JobView]
    connections: list[str]
    health: HealthView
    config: JsonValue = Field(description="Values, or `{secret, set, source}` where a value is a secret.")
    timing: dict[str, float] = Field(description="Seconds each phase took.")
    retry: RetryView | None
    last_reload: RefusedReloadView | None = Field(description="Null where the last reload was not refused.")
    history: list[TransitionView]


def module_view(module: HostedModule, prefix: str, checks: list[CheckResult]) -> ModuleView:
    """Gives the read model of `module`, whose routes are served below `prefix`."""
    record, status, manifest = module.record, module.status, module.record.manifest
    refused = status.last_reload
    return ModuleView(
        name=module.name,
        version=record.version,
        description=record.description,
        source=record.source,
        state=status.state,
        since=status.since,
        reason=ReasonView(code=status.reason.code, message=status.reason.message) if status.reason else None,
        required=bool(record.entry and record.entry.required),
        requires=sorted(manifest.requires) if manifest else [],
        after=sorted(manifest.after) if manifest else [],
        routes=route_views(module.routes, prefix),
        jobs=[JobView(type=job.type, summary=job.summary) for job in record.jobs],
        connections=[],
        health=health_view(checks),
        config=as_config_json(module.settings_views),
        timing=dict(status.timing),
        retry=RetryView(attempt=status.retry.attempt, next_at=status.retry.next_at) if status.retry else None,
        last_reload=RefusedReloadView(code=refused.reason.code, message=refused.reason.message, at=refused.at)
        if refused
        else None,
        history=[transition_view(event) for event in status.history],
    )


def route_views(routes: tuple[Route, ...], prefix: str) -> list[RouteView]:
    """Gives one view a path and access, the methods of each together, ordered by path."""
    methods: dict[tuple[str, Access, str], set[str]] = {}
    for route in routes:
        known = methods.setdefault((route.path, route.access, route.summary), set())
        known.update({"GET", "HEAD"} if route.method == "GET" else {route.method})
    return [
        RouteView(
            path=prefix + path,
            methods=sorted(names),
            access=access.kind,
            permissions=sorted(access.permissions),
            summary=summary,
        )
        for (path, access, summary), names in sorted(methods.items(), key=lambda item: (item[0][0], sorted(item[1])))
    ]


def checks_by_module(results: Iterable[CheckResult]) -> dict[str, list[CheckResult]]:
    """Gives the results of each module that has any, in their order."""
    checks: dict[str, list[CheckResult]] = {}
    for result in results:
        checks.setdefault(result.module, []).append(result)
    return checks


def health_view(checks: list[CheckResult]) -> HealthView:
    """Gives the checks and the worst status; what is not critical, or not known yet, is a warning at most."""
    failing = any(check.status == "fail" and check.critical for check in checks)
    passing = all(check.status == "pass" for check in checks)
    return HealthView(
        status="fail" if failing else "pass" if passing else "warn",
        checks=[
            CheckView(
                name=check.name,
                status=check.status,
                critical=check.critical,
                at=check.at,
                duration=check.duration,
                output=check.output,
                observed=check.observed,
            )
            for check in checks
        ],
    )


def transition_view(event: ModuleStateChanged) -> TransitionView:
    """Gives one step of a module's history."""
    reason = ReasonView(code=event.reason.code, message=event.reason.message) if event.reason else None
    return TransitionView(state=event.state, phase=event.phase, at=event.at, reason=reason)
