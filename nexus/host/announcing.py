"""Tells the moves of modules: a log line, an event, and the hook of each module that listens."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from pydantic import JsonValue

from nexus.host.events import EventBus
from nexus.host.hosted_module import HostedModule
from nexus.host.status import ModuleStatus
from nexus.spec.state import ModuleState, ModuleStateChanged

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
        if listeners := [module for module in self._modules().values() if _listens(module)]:
            asyncio.get_running_loop().call_soon(_call, listeners, event)


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


def _listens(module: HostedModule) -> bool:
    plugin = module.record.plugin
    return (
        module.serving and plugin is not None and bool(plugin.manager.hook.nexus_module_state_changed.get_hookimpls())
    )


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
        "module %s is %s%s",
        event.module,
        event.state,
        f": {event.reason.message}" if event.reason else "",
        extra={
            "event": f"module.{event.state}",
            "module_name": event.module,
            "phase": event.phase,
            "reason": event.reason.code if event.reason else None,
        },
    )
