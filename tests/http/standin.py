"""A host with just what the shell asks of one; modules are put in and taken out by hand."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from nexus.config.scrubber import Scrubber
from nexus.spec.context import ModuleContext
from nexus.spec.route import Route
from nexus.spec.state import ModuleState, Reason


def context_of(name: str, settings: Any = None) -> ModuleContext[Any]:
    parts: Any = SimpleNamespace()
    return ModuleContext(
        name=name,
        settings=settings,
        logger=logging.LoggerAdapter(logging.getLogger(f"nexus.module.{name}"), {}),
        cache=parts,
        http=parts,
        tasks=parts,
        events=parts,
        registry=parts,
    )


class StandInInstance:
    def __init__(self, name: str, routes: tuple[Route, ...]) -> None:
        self.routes = routes
        self.context = context_of(name)


@dataclass
class StandInModule:
    name: str
    instance: Any
    record: Any
    status: Any

    @property
    def serving(self) -> bool:
        return self.instance is not None and self.status.state.serves


@dataclass(frozen=True)
class Health:
    status: str
    reasons: tuple[Reason, ...] = ()


@dataclass
class StandInHost:
    settings: Any
    scrubber: Scrubber = field(default_factory=Scrubber)
    modules: dict[str, StandInModule] = field(default_factory=dict)
    phase: str = "running"
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    stopped_with: float | None = None
    instance_id: str = "here"
    drains: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.health = SimpleNamespace(results=lambda: ())
        self.live = self.ready = self.up = Health("pass")

    def add(self, name: str, *routes: Route, state: ModuleState = ModuleState.RUNNING, retry: Any = None) -> None:
        instance = StandInInstance(name, routes) if state.serves else None
        record = SimpleNamespace(routes=routes)
        self.modules[name] = StandInModule(name, instance, record, SimpleNamespace(state=state, retry=retry))

    def add_drain(self, drain: Any) -> None:
        self.drains.append(drain)

    def affected_routes(self, name: str) -> tuple[str, ...]:
        return tuple(f"/m/{name}{route.path}" for route in self.modules[name].record.routes)

    def begin_drain(self) -> None:
        self.phase = "draining"
        self.ready = Health("fail")

    async def stop(self, grace: float) -> None:
        self.phase = "stopped"
        self.stopped_with = grace

    def readiness(self) -> Health:
        return self.ready

    def liveness(self) -> Health:
        return self.live

    def startup(self) -> Health:
        return self.up
