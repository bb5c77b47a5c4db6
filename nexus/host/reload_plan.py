"""Decides what a reload has to do with each module; does nothing of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from nexus.discovery.catalog import Catalog, ModuleRecord
from nexus.discovery.ordering import StartOrder, levels
from nexus.host.hosted_module import HostedModule
from nexus.host.module_settings import BoundModule
from nexus.spec.state import ModuleState, Reason

_FAULTS: Final = frozenset({ModuleState.FAILED, ModuleState.INCOMPATIBLE, ModuleState.NOT_FOUND})
"""States of a new record that nobody asked for: a module that serves goes on as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done, by the modules' names.

    Attributes:
        keep: serve on; only what is shown of them is new.
        swap: serve, and get a new instance: their settings changed, or a background task of theirs died.
        follow: serve, and require a module that is swapped.
        start: do not serve, and are to be started.
        stop: serve, and are to end.
        rest: do not serve, and are not to be started.
        failed: serve, and cannot be taken over, with the reason.
        records: the record of each module that is known from now on.
        bounds: the settings of each module whose code is loaded.
        order: of all that is to run.
    """

    keep: frozenset[str]
    swap: frozenset[str]
    follow: frozenset[str]
    start: frozenset[str]
    stop: frozenset[str]
    rest: frozenset[str]
    failed: Mapping[str, Reason]
    records: Mapping[str, ModuleRecord]
    bounds: Mapping[str, BoundModule]
    order: StartOrder

    def resting_state(self, name: str) -> tuple[ModuleState, Reason | None]:
        """Gives where a module stands that does not run after the reload, and why."""
        blocked = self.order.blocked.get(name)
        if blocked is not None:
            return ModuleState.BLOCKED, blocked
        bound, record = self.bounds.get(name), self.records[name]
        if bound is not None and bound.reason is not None:
            return ModuleState.INVALID_CONFIG, bound.reason
        return record.state, record.reason


@dataclass(slots=True)
class _Draft:
    sets: dict[str, set[str]] = field(
        default_factory=lambda: {key: set() for key in ("keep", "swap", "start", "stop", "rest")}
    )
    failed: dict[str, Reason] = field(default_factory=dict)
    records: dict[str, ModuleRecord] = field(default_factory=dict)
    bounds: dict[str, BoundModule] = field(default_factory=dict)


def plan_reload(modules: Mapping[str, HostedModule], catalog: Catalog, bounds: Mapping[str, BoundModule]) -> Plan:
    """Gives the plan that leads from what runs to what `catalog` and the settings in `bounds` ask for."""
    draft = _Draft(bounds=dict(bounds))
    for name in sorted({*modules, *catalog.records}):
        _place(draft, modules.get(name), catalog.records.get(name), name)
    order = levels(_graph(draft))
    follow = _followers(draft, modules)
    blocked = order.blocked.keys()
    serving = {name for name, module in modules.items() if module.serving}
    going = {key: frozenset(names - blocked) for key, names in draft.sets.items()}
    return Plan(
        keep=going["keep"] - follow,
        swap=going["swap"],
        follow=follow - blocked,
        start=going["start"],
        stop=frozenset(draft.sets["stop"] | (blocked & serving)),
        rest=frozenset(draft.sets["rest"] | (blocked - serving)),
        failed={name: reason for name, reason in draft.failed.items() if name not in blocked},
        records=draft.records,
        bounds=draft.bounds,
        order=order,
    )


def _place(draft: _Draft, module: HostedModule | None, record: ModuleRecord | None, name: str) -> None:
    serves = module is not None and module.serving
    if record is None:
        if serves:
            draft.sets["stop"].add(name)
        return
    fault = record.reason if record.state in _FAULTS else None
    if record.state is ModuleState.STARTING:
        fault = draft.bounds[name].reason
    if module is not None and serves and fault is not None:
        draft.failed[name] = fault
        draft.records[name] = module.record
        if module.bound is not None:
            draft.bounds[name] = module.bound
        return
    draft.records[name] = record
    draft.sets[_fate(module if serves else None, record, draft.bounds.get(name))].add(name)


def _fate(serving: HostedModule | None, record: ModuleRecord, bound: BoundModule | None) -> str:
    is_asked_for = bound is not None and bound.reason is None
    if serving is None:
        return "start" if is_asked_for else "rest"
    if bound is None:
        return "stop"
    return "swap" if _has_lost_a_task(serving) or _has_changed(serving, record, bound) else "keep"


def _has_lost_a_task(module: HostedModule) -> bool:
    """A task that died comes back with a new instance only, and a reload is how an operator asks for one."""
    return module.instance is not None and bool(module.instance.task_failures)


def _has_changed(module: HostedModule, record: ModuleRecord, bound: BoundModule) -> bool:
    """Time limits and `required` are taken over without a restart; what the module itself was given is not."""
    old = module.bound
    return (
        old is None
        or old.settings != bound.settings
        or old.jobs != bound.jobs
        or module.record.source != record.source
        or _jobs(module.record) != _jobs(record)
    )


def _jobs(record: ModuleRecord) -> object:
    return record.entry.jobs if record.entry else ()


def _graph(draft: _Draft) -> dict[str, ModuleRecord]:
    graph = {}
    for name, record in draft.records.items():
        bound = draft.bounds.get(name)
        reason = bound.reason if bound is not None and record.state is ModuleState.STARTING else None
        graph[name] = replace(record, state=ModuleState.INVALID_CONFIG, reason=reason) if reason else record
    return graph


def _followers(draft: _Draft, modules: Mapping[str, HostedModule]) -> frozenset[str]:
    changed, followers = set(draft.sets["swap"]), set[str]()
    while True:
        fresh = {name for name in draft.sets["keep"] - followers if modules[name].requires & (changed | followers)}
        if not fresh:
            return frozenset(followers)
        followers |= fresh
