"""Tells the job engine which jobs the modules have, and gives it their contexts."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nexus.discovery.catalog import ModuleRecord
from nexus.host.hosted_module import HostedModule
from nexus.host.module_settings import BoundModule
from nexus.host.readiness import is_undecided
from nexus.spec.context import ModuleContext

if TYPE_CHECKING:
    from nexus.jobs.definition import JobDefinition, JobKey


class HostedJobs:
    """Implements `nexus.jobs.definition.JobSource` on the hosted modules.

    Args:
        modules: gives all modules by name.
    """

    def __init__(self, modules: Callable[[], Mapping[str, HostedModule]]) -> None:
        self._modules = modules
        self._made: dict[str, tuple[ModuleRecord, BoundModule, dict[JobKey, JobDefinition]]] = {}

    def definitions(self, module: str | None = None) -> "Mapping[JobKey, JobDefinition]":
        """Gives every job of every module whose settings are bound, or of one of them alone, by module and name."""
        modules = self._modules()
        asked = modules.values() if module is None else [modules[module]] if module in modules else ()
        found: dict[JobKey, JobDefinition] = {}
        for each in asked:
            if each.bound is not None and each.bound.reason is None and each.record.jobs:
                found.update(self._of(each.record, each.bound))
        return found

    def is_declared(self, key: "JobKey") -> bool:
        """True where a module has such a job, but cannot be used as it is configured, or could not be loaded."""
        module = self._modules().get(key[0])
        if module is None or key in self.definitions(key[0]):
            return False
        if module.bound is not None and module.bound.reason is None and module.record.jobs:
            return False
        entries = module.record.entry.jobs if module.record.entry else ()
        plain = {job.type for job in module.record.jobs} - {entry.type for entry in entries}
        return key[1] in plain or any(key[1] == (entry.name or entry.type) for entry in entries)

    def context(self, module: str) -> ModuleContext[Any] | None:
        """Gives the module's context while it serves."""
        hosted = self._modules().get(module)
        return hosted.instance.context if hosted is not None and hosted.serving and hosted.instance else None

    def is_coming(self, module: str) -> bool:
        """True where the module may still come to serve by itself."""
        return module in self._modules() and is_undecided(module, self._modules())

    def _of(self, record: ModuleRecord, bound: BoundModule) -> "dict[JobKey, JobDefinition]":
        made = self._made.get(record.name)
        if made is None or made[0] is not record or made[1] is not bound:
            # What reads schedules is loaded where a module has jobs.
            from nexus.host.job_definitions import job_definitions  # noqa: PLC0415

            made = self._made[record.name] = (record, bound, job_definitions(record, bound))
        return made[2]
