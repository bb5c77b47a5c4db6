"""The list of modules: made from the hosted modules alone, so that a thousand of them cost little."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from nexus.checks.board import CheckResult
from nexus.host.host import Host, HostedModule
from nexus.spec.state import ModuleState

Group = Literal["attention", "running", "off"]

_OFF: Final = frozenset({ModuleState.AVAILABLE, ModuleState.DISABLED, ModuleState.STOPPED})

_ORDER: Final = {
    state: number
    for number, state in enumerate(
        (
            ModuleState.FAILED,
            ModuleState.INVALID_CONFIG,
            ModuleState.INCOMPATIBLE,
            ModuleState.NOT_FOUND,
            ModuleState.BLOCKED,
            ModuleState.DEGRADED,
            ModuleState.RETRYING,
            ModuleState.STARTING,
            ModuleState.STOPPING,
            ModuleState.RUNNING,
            ModuleState.STOPPED,
            ModuleState.DISABLED,
            ModuleState.AVAILABLE,
        )
    )
}
"""The worst first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleRow:
    """One module in the list.

    Attributes:
        name: unique.
        version: None where it is not known.
        description: one line.
        source: where its code comes from.
        state: where it stands.
        group: whether somebody should look at it, it runs, or nobody wants it to.
        reason: why it stands there; empty where there is nothing to explain.
        since: UTC instant.
        required: the host is not ready without it.
        routes: how many.
        jobs: how many kinds.
        checks: how many.
        failing: names of the checks that do not pass.
        text: in lower case, what people look for in it.
    """

    name: str
    version: str | None
    description: str
    source: str
    state: ModuleState
    group: Group
    reason: str
    since: datetime
    required: bool
    routes: int
    jobs: int
    checks: int
    failing: tuple[str, ...]
    text: str

    @property
    def weight(self) -> tuple[int, str]:
        """Sorts the worst first."""
        return _ORDER[self.state], self.name


def module_rows(host: Host) -> list[ModuleRow]:
    """Gives every module, ordered by name."""
    checks: dict[str, list[CheckResult]] = {}
    for result in host.health.results():
        checks.setdefault(result.module, []).append(result)
    return [_row(module, checks.get(module.name, ())) for module in host.modules.values()]


def group_of(module: HostedModule) -> Group:
    """Tells whether somebody should look at a module, it runs, or nobody wants it to."""
    if module.status.state in _OFF:
        return "off"
    return "running" if module.status.state is ModuleState.RUNNING else "attention"


def count_groups(host: Host) -> Mapping[str, int]:
    """Gives how many modules are in each group."""
    return Counter(group_of(module) for module in host.modules.values())


def _row(module: HostedModule, checks: Iterable[CheckResult]) -> ModuleRow:
    record, status = module.record, module.status
    results = tuple(checks)
    reason = status.reason.message if status.reason else ""
    return ModuleRow(
        name=module.name,
        version=record.version,
        description=record.description,
        source=record.source,
        state=status.state,
        group=group_of(module),
        reason=reason,
        since=status.since,
        required=module.required,
        routes=len(module.routes),
        jobs=len(record.jobs),
        checks=len(record.checks),
        failing=tuple(result.name for result in results if result.status in ("fail", "warn")),
        text="\n".join((module.name, record.description, reason, status.state)).lower(),
    )
