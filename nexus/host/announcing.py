"""Tells how modules and runs move, and what modules publish: as an event, and by the hook of each that listens."""

import asyncio
import copy
import dataclasses
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from pydantic import JsonValue

from nexus.host.events import EventBus
from nexus.host.hosted_module import HostedModule
from nexus.host.status import ModuleStatus
from nexus.spec.event import ModuleEvent
from nexus.spec.job import RunFinished
from nexus.spec.state import ModuleState, ModuleStateChanged

if TYPE_CHECKING:
    from nexus.jobs.run import Run

_LEVELS: Final[Mapping[ModuleState, int]] = {
    ModuleState.AVAILABLE: logging.DEBUG,
    ModuleState.DISABLED: logging.DEBUG,
    ModuleState.NOT_FOUND: logging.ERROR,
    ModuleState.INCOMPATIBLE: logging.ERROR,
    ModuleState.INVALID_CONFIG: logging.ERROR,
    ModuleState.FAILED: logging.ERROR,
    ModuleState.BLOCKED: logging.WARNING,
    ModuleState.RETRYING: logging.WARNING,
    ModuleState.DEGRADED: logging.WARNING,
}

logger = logging.getLogger("nexus.host")


class Announcer:
    """Told every move, by the status of each module.

    Args:
        modules: gives all modules by name.
        events: takes the events.
    """

    def __init__(self, modules: Callable[[], Mapping[str, HostedModule]], events: EventBus) -> None:
        self._modules = modules
        self._events = events

    def announce(self, status: ModuleStatus, event: ModuleStateChanged) -> None:
        """Tells one move to everybody; the hooks run soon, in the order of the moves."""
        _log(status, event)
        module = self._modules().get(event.module)
        if module is not None:
            module.notify()
        self._events.publish("module.state", as_data(event))
        if listeners := [each for each in self._modules().values() if _listens(each, "nexus_module_state_changed")]:
            asyncio.get_running_loop().call_soon(_call, listeners, event)

    def announce_run(self, run: "Run") -> None:
        """Tells that a run has moved; the hooks, that one has ended."""
        self._events.publish("run.state", _run_data(run))
        if run.status.is_final:
            listeners = [each for each in self._modules().values() if _listens(each, "nexus_run_finished")]
            if listeners:
                asyncio.get_running_loop().call_soon(_call_run_finished, listeners, _finished(run))

    def announce_event(self, module: str, type: str, data: Mapping[str, JsonValue]) -> None:  # noqa: A002 - as it is called
        """Tells what the module has published; the hooks run soon, in the order of the events."""
        told = self._events.publish("module.event", {"module": module, "type": type, "data": dict(data)})
        if listeners := [each for each in self._modules().values() if _listens(each, "nexus_module_event")]:
            event = ModuleEvent(module=module, type=type, data=data, at=told.at)
            asyncio.get_running_loop().call_soon(_call_module_event, listeners, event)


def _run_data(run: "Run") -> dict[str, JsonValue]:
    told = run.progress
    return {
        "run": run.id,
        "module": run.module,
        "job": run.job,
        "status": str(run.status),
        "attempt": run.attempt,
        "progress": {"done": told.done, "total": told.total, "note": told.note} if told else None,
    }


def _finished(run: "Run") -> RunFinished:
    return RunFinished(
        module=run.module,
        job=run.job,
        run_id=run.id,
        status=str(run.status),
        attempt=run.attempt,
        reason=run.error.message if run.error else run.reason,
    )


def _call_run_finished(listeners: list[HostedModule], event: RunFinished) -> None:
    for module in listeners:
        if module.record.plugin is not None:
            module.record.plugin.run_finished(event)


def _call_module_event(listeners: list[HostedModule], event: ModuleEvent) -> None:
    for module in listeners:
        if module.record.plugin is not None:
            # A copy for each: one that writes into it must change nothing for the others.
            module.record.plugin.module_event(dataclasses.replace(event, data=copy.deepcopy(event.data)))


def as_data(event: ModuleStateChanged) -> dict[str, JsonValue]:
    """Gives a move as the data of an event."""
    reason = event.reason
    return {
        "module": event.module,
        "previous": str(event.previous) if event.previous else None,
        "state": str(event.state),
        "phase": event.phase,
        "reason": {"code": reason.code, "message": reason.message} if reason else None,
    }


def _listens(module: HostedModule, hook: str) -> bool:
    plugin = module.record.plugin
    return module.serving and plugin is not None and bool(getattr(plugin.manager.hook, hook).get_hookimpls())


def _call(listeners: list[HostedModule], event: ModuleStateChanged) -> None:
    for module in listeners:
        if module.record.plugin is not None:
            module.record.plugin.state_changed(event)


def _log(status: ModuleStatus, event: ModuleStateChanged) -> None:
    level = _LEVELS.get(event.state, logging.INFO)
    retry = status.retry
    if retry is not None and (retry.attempt > 1 or event.state is ModuleState.STARTING):
        level = logging.DEBUG  # an outage is told once when it begins and once when it ends
    logger.log(
        level,
        "module %s %s%s",
        event.module,
        event.state.in_words,
        f": {event.reason.message}" if event.reason else "",
        extra={
            "event": f"module.{event.state}",
            "module_name": event.module,
            "phase": event.phase,
            "reason": event.reason.code if event.reason else None,
        },
    )
