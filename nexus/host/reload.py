"""Takes over another configuration: restarts only what changed, and keeps the old where the new does not come up."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nexus.config.host_binding import bind_host
from nexus.config.loading import Loaded
from nexus.config.problem import Problem
from nexus.config.settings import GlobalSettings, HostSettings
from nexus.discovery.catalog import Catalog
from nexus.host.hosted_module import HostedModule
from nexus.host.instance import ModuleInstance
from nexus.host.lifecycle import Lifecycle
from nexus.host.module_settings import bind_modules
from nexus.host.reasons import start_failure
from nexus.host.reload_plan import Plan, plan_reload
from nexus.spec.state import Reason

if TYPE_CHECKING:
    from nexus.host.host import Host

Rediscover = Callable[[HostSettings, Path, Catalog], Catalog]
"""Finds the modules again: settings, directory of the configuration, last catalog."""

Drain = Callable[[ModuleInstance], Awaitable[object]]
"""Returns when no request is in the instance any more."""

_OWNER: Final = "reload"
_STOP_GRACE: Final = 600.0
"""Seconds for all that a reload stops; each module has its own `shutdown_timeout` below that."""

_END_SECONDS: Final = 10.0
"""Seconds a reload gets to undo what it has begun when the host stops."""

logger = logging.getLogger("nexus.host")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadReport:
    """What a reload did.

    Attributes:
        restarted: modules whose new instance serves now.
        started: modules that did not serve before and were started; one that is not ready yet is tried again.
        stopped: modules that served before and no longer do.
        failed: modules that could not be taken over or do not run, with the reason; what served before goes on.
        problems: what is wrong with the configuration; with an error of the host's own nothing was taken over.
        needs_restart: keys below `[global]` that changed and are read only when the host starts.
        log_level: the new level where it changed; the caller sets it.
    """

    restarted: tuple[str, ...] = ()
    started: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    failed: Mapping[str, Reason] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    needs_restart: tuple[str, ...] = ()
    log_level: str | None = None

    @property
    def succeeded(self) -> bool:
        """True where the whole new configuration is in effect, but for what needs a restart."""
        return not self.failed and not any(problem.level == "error" for problem in self.problems)


@dataclass(slots=True)
class _Progress:
    failed: dict[str, Reason]
    restarted: list[str] = field(default_factory=list)
    retired: list[ModuleInstance] = field(default_factory=list)
    earlier: set[str] = field(default_factory=set)


class Reloader:
    """Reloads the host, one reload at a time.

    Args:
        host: what is reloaded.
        lifecycle: starts and stops its modules.
        drains: awaited with each instance that is replaced or ended, before it stops.
    """

    def __init__(self, host: "Host", lifecycle: Lifecycle, drains: list[Drain]) -> None:
        self._host = host
        self._lifecycle = lifecycle
        self._drains = drains
        self._lock = asyncio.Lock()

    async def reload(self, loaded: Loaded, settings: HostSettings | None) -> ReloadReport:
        """See `Host.reload`; a second call waits for the first."""
        async with self._lock:
            host = self._host
            if host.phase != "running":
                logger.warning("reload refused: the host is %s", host.phase, extra={"event": "host.reload.refused"})
                return _refused(f"the host is {host.phase} and takes no reload")
            running = host.supervisor.start("reload", self._reload(loaded, settings), owner=_OWNER)
            await asyncio.wait({running})
            return _refused("the host stops, the reload was given up") if running.cancelled() else running.result()

    async def end(self) -> None:
        """Ends a reload that is under way; what it had begun is undone."""
        await self._host.supervisor.stop_owner(_OWNER, _END_SECONDS)

    async def _reload(self, loaded: Loaded, settings: HostSettings | None) -> ReloadReport:
        host, problems = self._host, loaded.problems
        if settings is None:
            bound = bind_host(loaded, host.scrubber)
            settings, problems = bound.value, tuple(dict.fromkeys((*problems, *bound.problems)))
        if settings is None:
            told = "; ".join(str(problem) for problem in problems if problem.level == "error")
            logger.error("reload refused: %s", told, extra={"event": "host.reload.refused"})
            return ReloadReport(problems=problems)
        # In threads: the code of new modules is imported, and the validators are a stranger's.
        catalog = await asyncio.to_thread(host.rediscover, settings, loaded.directory)
        bounds = await asyncio.to_thread(bind_modules, catalog.records.values(), loaded, host.scrubber)
        # What does not serve is begun anew; before the planning, so that nothing comes to serve in between.
        await self._lifecycle.halt([name for name, each in host.modules.items() if not each.serving], _END_SECONDS)
        plan = plan_reload(host.modules, catalog, bounds)
        before = host.settings.global_
        host.settings = settings.model_copy(update={"global_": before.model_copy(update={"log": settings.global_.log})})
        host.catalog, host.loaded = catalog, loaded
        progress = await self._carry_out(plan)
        return self._report(plan, progress, problems, _changed_keys(before, settings.global_))

    async def _carry_out(self, plan: Plan) -> _Progress:
        host, progress = self._host, _Progress(failed=dict(plan.failed))
        for name, reason in plan.failed.items():
            self._tell_failure(host.modules[name], reason)
        await self._lifecycle.stop(plan.stop, phase="reload", grace=_STOP_GRACE, drain=self.drain)
        host.adopt(plan)
        try:
            for level in plan.order.levels:
                await self._level(plan, level, progress)
                progress.earlier |= set(level)
        finally:
            for instance in reversed(progress.retired):
                await self.drain(instance)
                await instance.stop()
        return progress

    async def _level(self, plan: Plan, level: tuple[str, ...], progress: _Progress) -> None:
        async def swap(name: str) -> None:
            outcome = await self._swap(plan, name)
            if isinstance(outcome, Reason):
                progress.failed[name] = outcome
            else:
                progress.restarted.append(name)
                progress.retired += outcome

        modules, starting = self._host.modules, sorted(plan.start.intersection(level))
        followers = {
            name for name in plan.follow.intersection(level) if modules[name].requires.intersection(progress.restarted)
        }
        for name in starting:
            self._lifecycle.drive(name, frozenset(progress.earlier))
        swaps = [swap(name) for name in sorted(plan.swap.intersection(level) | followers)]
        await self._lifecycle.together("swap", swaps, owner=_OWNER)
        await self._lifecycle.settled(starting)

    async def _swap(self, plan: Plan, name: str) -> list[ModuleInstance] | Reason:
        """Starts the new instance beside the old one; gives the old one, or why it stays."""
        module, record, bound = self._host.modules[name], plan.records[name], plan.bounds[name]
        instance = self._lifecycle.make(module, record, bound)
        try:
            await instance.start()
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - a stranger's start-up code
            reason = start_failure(error)
            self._tell_failure(module, reason)
            return reason
        module.take(record, bound)
        old = await self._lifecycle.commit(module, instance, phase="reload")
        module.status.keep_reload_failure(None)
        return [old] if old else []

    async def drain(self, instance: ModuleInstance) -> None:
        """Waits until the instance is left alone, at most its `shutdown_timeout`."""
        seconds = instance.shutdown_seconds
        works = [
            self._host.supervisor.start(f"{instance.name}.drain", _awaited(drain, instance), owner=_OWNER)
            for drain in self._drains
        ]
        if works:
            await asyncio.wait(works, timeout=seconds)
            await self._host.supervisor.stop(tuple(works), 1.0)

    def _tell_failure(self, module: HostedModule, reason: Reason) -> None:
        module.status.keep_reload_failure(reason)
        told = self._host.scrubber.scrub(reason.message)
        extra = {"event": "module.reload.failed", "module_name": module.name, "reason": reason.code}
        logger.error("module %s goes on as it was, the reload failed: %s", module.name, told, extra=extra)
        self._host.events.publish(
            "module.reload_failed", {"module": module.name, "reason": {"code": reason.code, "message": told}}
        )

    def _report(
        self,
        plan: Plan,
        progress: _Progress,
        problems: tuple[Problem, ...],
        changed: tuple[str, ...],
    ) -> ReloadReport:
        failed = {name: reason for name, _state, reason in self._host.failures() if reason} | progress.failed
        report = ReloadReport(
            restarted=tuple(sorted(progress.restarted)),
            started=tuple(sorted(plan.start.difference(failed))),
            stopped=tuple(sorted(plan.stop)),
            failed=dict(sorted(failed.items())),
            problems=problems,
            needs_restart=tuple(key for key in changed if key != "log.level"),
            log_level=self._host.settings.global_.log.level if "log.level" in changed else None,
        )
        logger.info(
            "reloaded: restarted %s, started %s, stopped %s, failed %s",
            *(
                ", ".join(names) or "none"
                for names in (report.restarted, report.started, report.stopped, report.failed)
            ),
            extra={"event": "host.reloaded"},
        )
        if report.needs_restart:
            logger.warning(
                "changed and read only at a start, restart the host: %s",
                ", ".join(f"global.{key}" for key in report.needs_restart),
                extra={"event": "host.reload.needs_restart"},
            )
        return report


async def _awaited(drain: Drain, instance: ModuleInstance) -> None:
    await drain(instance)


def _refused(message: str) -> ReloadReport:
    return ReloadReport(problems=(Problem(None, "", message),))


def _changed_keys(old: GlobalSettings, new: GlobalSettings) -> tuple[str, ...]:
    keys: list[str] = []
    for name in GlobalSettings.model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        if before is None or after is None or not hasattr(type(before), "model_fields"):
            keys.append(name)
        else:
            fields = type(before).model_fields
            keys += [f"{name}.{key}" for key in fields if getattr(before, key) != getattr(after, key)]
    return tuple(keys)
