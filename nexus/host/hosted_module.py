"""A module in the host: its record, where it stands, and the instance that serves."""

import asyncio
from typing import Final

from nexus.checks.board import CheckResult
from nexus.config.effective import SettingView
from nexus.discovery.catalog import ModuleRecord
from nexus.host.instance import ModuleInstance
from nexus.host.module_settings import BoundModule
from nexus.host.status import ModuleStatus
from nexus.spec.route import Route
from nexus.spec.state import ModuleState, Reason

_MAX_TROUBLES: Final = 20
"""Troubles of one instance that are kept; a module whose tasks die in rows has no more to say after these."""


class HostedModule:
    """One module, whether it runs or not; the same object as long as the host knows the module.

    Args:
        record: what discovery found.
        status: where it stands.

    Attributes:
        name: unique in the host.
        record: replaced by a reload.
        status: its state machine.
        instance: what serves; None while nothing does.
        bound: its settings as they are configured now; None before they were bound.
    """

    def __init__(self, record: ModuleRecord, status: ModuleStatus) -> None:
        self.name = record.name
        self.record = record
        self.status = status
        self.instance: ModuleInstance | None = None
        self.bound: BoundModule | None = None
        self._troubles: dict[str, Reason] = {}
        self._changed = asyncio.Event()

    @property
    def serving(self) -> bool:
        """True where its routes answer."""
        return self.instance is not None and self.status.state.serves

    @property
    def required(self) -> bool:
        """True where the host is not ready without it; a module that is switched off is not waited for."""
        entry = self.record.entry
        return entry is not None and entry.required and self.record.state is not ModuleState.DISABLED

    @property
    def requires(self) -> frozenset[str]:
        """Names of the modules it cannot run without."""
        return self.record.manifest.requires if self.record.manifest else frozenset()

    @property
    def routes(self) -> tuple[Route, ...]:
        """What it serves; what it declares while nothing serves."""
        return self.instance.routes if self.instance else self.record.routes

    @property
    def settings_views(self) -> tuple[SettingView, ...]:
        """Its settings as they may be shown; empty where they do not bind or its code is not loaded."""
        return self.bound.views if self.bound else ()

    def take(self, record: ModuleRecord, bound: BoundModule | None) -> None:
        """Takes over a record and the settings that belong to it."""
        self.record = record
        self.bound = bound
        if self.instance is not None:
            self.instance.record = record

    def notify(self) -> None:
        """Wakes who waits for a change of its state."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self) -> None:
        """Waits for the next change of its state."""
        await self._changed.wait()

    def set_trouble(self, key: str, reason: Reason | None, *, phase: str = "serving") -> None:
        """Notes what is wrong with a module that serves, None where that is over: degrades it, or heals it."""
        if reason is None:
            self._troubles.pop(key, None)
        elif key in self._troubles or len(self._troubles) < _MAX_TROUBLES:
            self._troubles[key] = reason
        self.settle(phase=phase)

    def note_check(self, result: CheckResult) -> None:
        """Degrades or heals the module as a critical check of its own has it."""
        if result.critical and result.status != "unknown":
            told = f"check {result.name!r} fails: {result.output}"
            self.set_trouble(f"check {result.name}", Reason("check_failed", told) if result.status == "fail" else None)

    def clear_troubles(self) -> None:
        """Forgets what was wrong with the instance before."""
        self._troubles.clear()

    def settle(self, *, phase: str) -> None:
        """Moves a module that serves to `RUNNING` or `DEGRADED`, as its troubles have it."""
        if not self.status.state.serves:
            return
        worst = next(iter(self._troubles.values()), None)
        wanted = ModuleState.DEGRADED if worst else ModuleState.RUNNING
        known = self.status.reason
        if self.status.state is not wanted or (worst and known and worst.code != known.code):
            self.status.move(wanted, phase=phase, reason=worst)
