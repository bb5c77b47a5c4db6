"""`Host`: the one object that upper layers get; it opens what modules share, starts them, and stops them."""

import asyncio
import contextlib
import logging
import os
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

import aiohttp

from nexus.checks.board import CheckResult, HealthBoard
from nexus.checks.clock import Clock
from nexus.config.loading import Loaded
from nexus.config.scrubber import Scrubber
from nexus.config.settings import HostSettings
from nexus.config.state_dir import state_directory
from nexus.discovery.catalog import Catalog, ModuleRecord, discover
from nexus.host import readiness
from nexus.host.announcing import Announcer
from nexus.host.cache import Caches
from nexus.host.client import SharedClient
from nexus.host.events import EventBus
from nexus.host.hosted_module import HostedModule
from nexus.host.instance import ModuleInstance, Resources
from nexus.host.job_desk import JobDesk
from nexus.host.lifecycle import Lifecycle, Workshop
from nexus.host.module_events import ModuleEvents
from nexus.host.module_settings import bind_modules
from nexus.host.readiness import Phase, Readiness
from nexus.host.reload import Drain, Rediscover, Reloader, ReloadReport
from nexus.host.reload_plan import Plan
from nexus.host.stall import StallWatch
from nexus.host.status import ModuleStatus
from nexus.host.supervisor import Supervisor
from nexus.spec.state import ModuleState, Reason

__all__ = ["Host", "HostedModule", "ModuleInstance", "Readiness"]

_STALL_REMEMBERED: Final = 60.0
"""Seconds for which a stall is told by `/livez` after it ended: longer than any usual interval of a probe."""

_HEAD_START: Final = 0.1
"""Seconds that the start of modules has for itself."""

_MODULES_STOP: Final = 1.0
"""Seconds of the grace that runs leave to the stop of the modules."""

_FAILED: Final = frozenset(
    {ModuleState.FAILED, ModuleState.INVALID_CONFIG, ModuleState.INCOMPATIBLE, ModuleState.NOT_FOUND}
)

logger = logging.getLogger("nexus.host")


class Host:
    """Runs modules; an async context manager that leaves nothing behind.

    Entering it opens what modules share; `start` starts them, `stop` stops them. What it raises when entered is a
    `NexusError`: the configured cache cannot be used.

    Args:
        loaded: the configuration as it was read.
        settings: the host's own, bound from it.
        catalog: the modules that were found.
        scrubber: knows every secret.
        instance_id: unique for each start of each replica; made up where None.
        rediscover: finds the modules again at a reload, given the settings, the directory and the last catalog.
        clock: time, and the waits between attempts and checks.
        stall_threshold: seconds for which the event loop may be held.
    """

    def __init__(
        self,
        loaded: Loaded,
        settings: HostSettings,
        catalog: Catalog,
        *,
        scrubber: Scrubber,
        instance_id: str | None = None,
        rediscover: Rediscover | None = None,
        environ: Mapping[str, str] = os.environ,
        clock: Clock | None = None,
        stall_threshold: float = 1.0,
    ) -> None:
        self.clock = clock or Clock()
        self.loaded = loaded
        self.settings = settings
        self.catalog = catalog
        self.scrubber = scrubber
        self.instance_id = instance_id or str(uuid.uuid4())
        self.started_at = self.clock.now()
        self.state_dir: Path = state_directory(loaded, environ)
        self.events = EventBus(self.clock, kept=settings.global_.events.kept, waiting=settings.global_.events.waiting)
        self.supervisor = Supervisor()
        checks = settings.global_.checks
        self.health = HealthBoard(
            self.supervisor,
            scrubber=scrubber,
            interval=checks.interval,
            timeout=checks.timeout,
            on_change=self._note_check,
            clock=self.clock,
        )
        self.stall = StallWatch(self._packages, threshold=stall_threshold)
        self._began = self.clock.monotonic()
        self._phase: Phase = "starting"
        self._left_start = asyncio.Event()
        self._is_started = False
        self._rediscover = rediscover or _discover_again
        self._sources: dict[str, Callable[[], Readiness]] = {}
        self._drains: list[Drain] = []
        self._stack = contextlib.AsyncExitStack()
        self._client = SharedClient(settings.global_.client)
        self._caches: Caches | None = None
        self._announcer = Announcer(lambda: self._modules, self.events)
        self._modules: dict[str, HostedModule] = {}
        self.jobs = JobDesk(
            settings.global_,
            lambda: self._modules,
            directory=loaded.directory,
            state_dir=self.state_dir,
            replica=self.instance_id,
            supervisor=self.supervisor,
            scrubber=scrubber,
            on_change=self._announcer.announce_run,
            now=self.clock.now,
        )
        self._sources["jobs"] = self.jobs.readiness
        self._shown = MappingProxyType(self._modules)
        workshop = Workshop(supervisor=self.supervisor, board=self.health, resources=self._resources, clock=self.clock)
        self._lifecycle = Lifecycle(lambda: self._modules, workshop)
        self._reloader = Reloader(self, self._lifecycle, self._drains)
        for record in catalog.records.values():
            self._modules[record.name] = self._host(record)

    @property
    def modules(self) -> Mapping[str, HostedModule]:
        """All modules by name, in the order of the names, also those that do not run; follows reloads."""
        return self._shown

    @property
    def phase(self) -> Phase:
        """What the host is doing: `starting`, `running`, `draining` or `stopped`."""
        return self._phase

    @property
    def session(self) -> aiohttp.ClientSession:
        """The HTTP client whose connections all modules share; there while the host is entered."""
        return self._client.session

    def uptime(self) -> float:
        """Gives the seconds since the host was made."""
        return self.clock.monotonic() - self._began

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self.supervisor)
            self._caches = Caches(self.settings.global_.cache, name=self.settings.global_.name, clock=self.clock)
            stack.push_async_callback(self._caches.close)
            await stack.enter_async_context(self._client)
            await stack.enter_async_context(self.stall)
            stack.callback(self.events.close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *details: object) -> None:
        try:
            await self.stop(self.settings.global_.server.shutdown_grace)
        finally:
            await self._stack.aclose()

    async def start(self, rest: Callable[[], Awaitable[object]] | None = None) -> None:
        """Binds the settings of all modules, then starts them; returns when each runs, failed, waits or retries.

        Args:
            rest: opens what there is besides modules, before the host counts as running. Modules that start at once
                have the processor for themselves until they run; `rest` begins then, and beside any that take longer.
        """
        await self._bind_all()
        if self._phase != "starting":
            return
        modules = asyncio.create_task(self._start_modules(), name="nexus-start")
        try:
            done, _ = await asyncio.wait({modules}, timeout=_HEAD_START)
            for failed in done:
                failed.result()
            if rest is not None:
                await rest()
            await modules
        finally:
            modules.cancel()
            await asyncio.wait({modules})
        if self._phase == "starting":
            self._enter_phase("running")

    async def _start_modules(self) -> None:
        await self._lifecycle.start(self._lifecycle.order())
        await self.jobs.start()

    def begin_drain(self) -> None:
        """Makes readiness fail from now on; modules go on serving. Idempotent."""
        if self._phase in ("starting", "running"):
            self.jobs.begin_drain()
            self._enter_phase("draining")

    async def stop(self, grace: float) -> None:
        """Stops all modules, dependents first, each within its own `shutdown_timeout` and `grace` seconds in all.

        Idempotent; raises nothing of a module's.
        """
        if self._phase == "stopped":
            return
        self.begin_drain()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace
        await self._reloader.end()
        await self.jobs.close(max(deadline - loop.time() - _MODULES_STOP, 0.0))
        await self._lifecycle.halt(tuple(self._modules), max(deadline - loop.time(), 0.0))
        await self._lifecycle.stop(tuple(self._modules), phase="shutdown", grace=max(deadline - loop.time(), 0.0))
        for module in self._modules.values():
            if module.status.state in (ModuleState.STARTING, ModuleState.RETRYING, ModuleState.BLOCKED):
                module.status.move(ModuleState.STOPPED, phase="shutdown")
        self._enter_phase("stopped")

    async def reload(self, loaded: Loaded, settings: HostSettings | None = None) -> ReloadReport:
        """Takes over another configuration: restarts the modules whose settings changed, and what requires them.

        While the host starts it waits: who asked for it by a signal would not learn that it was refused.

        Args:
            loaded: the configuration as it was read anew.
            settings: bound from it; where None, they are bound here.

        Returns:
            What was done, and what was refused. What could not be taken over goes on as it was.
        """
        await self._left_start.wait()
        report = await self._reloader.reload(loaded, settings)
        await self.jobs.start()
        return report

    def readiness(self) -> Readiness:
        """Gives whether the host should be sent requests, from memory."""
        given = [source() for source in self._sources.values()]
        return readiness.readiness(self._phase, self._modules, self.health.results(), given)

    def liveness(self) -> Readiness:
        """Gives whether the event loop turns; a stall that is over is a warning for a minute."""
        stall = self.stall.last(_STALL_REMEMBERED)
        told = f"by {f'module {stall.module!r}' if stall.module else 'code of no module'}" if stall else ""
        if self.stall.stalled():
            return readiness.judge([Reason("loop_stalled", f"the event loop is held {told}".strip())])
        if stall is not None:
            return readiness.judge((), [Reason("loop_stalled", f"the event loop was held {told}")])
        return Readiness(status="pass")

    def startup(self) -> Readiness:
        """Gives whether the start is over; once it is, it stays so."""
        if self._is_started:
            return Readiness(status="pass")
        if self._phase == "starting":
            return readiness.judge([Reason("host_starting", "the host is starting")])
        answer = readiness.startup(self._modules)
        self._is_started = answer.status == "pass"
        return answer

    def add_readiness_source(self, name: str, source: Callable[[], Readiness]) -> None:
        """Asks `source` too whenever readiness is asked for; it answers from memory."""
        self._sources[name] = source

    def add_drain(self, drain: Drain) -> None:
        """Awaits `drain` with an instance that a reload has replaced, before that is stopped.

        It returns when no request is in the instance any more, and is cancelled after the module's
        `shutdown_timeout`.
        """
        self._drains.append(drain)

    def failures(self) -> tuple[tuple[str, ModuleState, Reason | None], ...]:
        """Gives the modules that will not run without a change: name, state and reason."""
        return tuple(
            (name, module.status.state, module.status.reason)
            for name, module in self._modules.items()
            if module.status.state in _FAILED
            or (module.status.state is ModuleState.BLOCKED and not readiness.is_undecided(name, self._modules))
        )

    def affected_routes(self, name: str) -> tuple[str, ...]:
        """Gives the paths that suffer where the module `name` does, below the host's mount point."""
        module = self._modules.get(name)
        return tuple(sorted({f"/m/{name}{route.path}" for route in module.routes})) if module else ()

    def adopt(self, plan: Plan) -> None:
        """Takes over what a reload knows of the modules that are not restarted; used by `reload`."""
        known = {name: self._modules.get(name) or self._host(record) for name, record in sorted(plan.records.items())}
        self._modules.clear()  # in place: upper layers hold the mapping
        self._modules.update(known)
        for name, record in plan.records.items():
            module, bound = self._modules[name], plan.bounds.get(name)
            if name in plan.swap or name in plan.follow or name in plan.failed:
                continue
            module.take(record, bound)
            if name in plan.keep:
                module.status.keep_reload_failure(None)
            elif name in plan.rest or name in plan.stop:
                state, reason = plan.resting_state(name)
                if (module.status.state, module.status.reason) != (state, reason):
                    module.status.move(state, phase="reload", reason=reason)

    def rediscover(self, settings: HostSettings, directory: Path) -> Catalog:
        """Finds the modules again; blocks while code is imported. Used by `reload`."""
        return self._rediscover(settings, directory, self.catalog)

    async def _bind_all(self) -> None:
        records = [module.record for module in self._modules.values()]
        # In a thread: the models' validators are a stranger's code, and the probes answer meanwhile.
        bounds = await asyncio.to_thread(bind_modules, records, self.loaded, self.scrubber)
        for name, bound in bounds.items():
            module = self._modules[name]
            module.bound = bound
            module.status.measure("settings", bound.seconds)
            if bound.reason is not None:
                module.status.move(ModuleState.INVALID_CONFIG, phase="settings", reason=bound.reason)

    def _host(self, record: ModuleRecord) -> HostedModule:
        status = ModuleStatus(
            record.name, on_change=self._announcer.announce, scrub=self.scrubber.scrub, clock=self.clock
        )
        if record.import_seconds is not None:
            status.measure("import", record.import_seconds)
        status.move(record.state, phase="discovery", reason=record.reason)
        return HostedModule(record, status)

    def _resources(self, name: str) -> Resources:
        if self._caches is None:
            raise RuntimeError("the host has not been entered: use 'async with host'")
        return Resources(
            supervisor=self.supervisor,
            cache=self._caches.scoped(name),
            http=self._client.view(name),
            events=ModuleEvents(
                name, announce=self._announcer.announce_event, scrubber=self.scrubber, clock=self.clock
            ),
            clock=self.clock,
        )

    def _packages(self) -> dict[str, str]:
        modules = tuple(self._modules.values())  # one step for another thread, also while a reload changes them
        return {module.name: module.record.package for module in modules if module.record.package}

    def _note_check(self, result: CheckResult) -> None:
        module = self._modules.get(result.module)
        if module is not None:
            module.note_check(result)
        self.events.publish(
            "health.changed",
            {
                "module": result.module,
                "check": result.name,
                "status": result.status,
                "critical": result.critical,
                "output": result.output,
            },
        )

    def _enter_phase(self, phase: Phase) -> None:
        self._phase = phase
        self._left_start.set()
        logger.info("the host is %s", phase, extra={"event": f"host.{phase}"})
        self.events.publish("host.phase", {"phase": phase})


def _discover_again(settings: HostSettings, directory: Path, catalog: Catalog) -> Catalog:
    return partial(discover, reuse=catalog)(settings, directory=directory)
