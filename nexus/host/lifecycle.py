"""Starts and stops modules in the order of their dependencies, each in a task of its own."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from nexus.checks.board import HealthBoard
from nexus.checks.clock import Clock
from nexus.discovery.catalog import ModuleRecord
from nexus.discovery.ordering import StartOrder, levels
from nexus.host.hosted_module import HostedModule
from nexus.host.instance import ModuleInstance, Resources
from nexus.host.module_settings import BoundModule
from nexus.host.reasons import innermost, is_not_ready, lifespan_ended, start_failure, text_of
from nexus.host.status import Retry
from nexus.host.supervisor import Supervisor
from nexus.spec.errors import NexusError
from nexus.spec.state import ModuleState, Reason

RETRY_DELAYS: Final = (5.0, 10.0, 20.0, 40.0, 80.0)
"""Seconds before each further attempt of a module that is not ready; the last one repeats."""

_SHORTEST_STOP: Final = 0.05
"""Seconds a module gets to stop also where the host's grace is used up."""

_MAX_CHAIN: Final = 400
"""Characters of a blocking module's own reason that its dependent repeats."""

logger = logging.getLogger("nexus.host")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What a lifecycle works with.

    Attributes:
        supervisor: runs the tasks.
        board: runs the checks of what serves.
        resources: gives what a module is given, by its name.
        clock: time, and the waits between attempts.
    """

    supervisor: Supervisor
    board: HealthBoard
    resources: Callable[[str], Resources]
    clock: Clock


class Lifecycle:
    """Moves modules through their states.

    Args:
        modules: gives all modules by name, those of a reload too.
        workshop: what it works with.
    """

    def __init__(self, modules: Callable[[], Mapping[str, HostedModule]], workshop: Workshop) -> None:
        self._modules = modules
        self._workshop = workshop
        self._drives: dict[str, asyncio.Task[None]] = {}
        self._retiring: set[asyncio.Task[None]] = set()

    def order(self, names: Iterable[str] | None = None) -> StartOrder:
        """Gives the order of the modules whose settings bind, of `names` alone where given."""
        wanted = None if names is None else set(names)
        records = {}
        for name, module in self._modules().items():
            record = module.record
            if record.state is ModuleState.STARTING and module.bound is not None and module.bound.reason is not None:
                record = replace(record, state=ModuleState.INVALID_CONFIG, reason=module.bound.reason)
            if wanted is None or name in wanted:
                records[name] = record
        return levels(records)

    async def start(self, order: StartOrder) -> None:
        """Starts what `order` says; returns when each runs, has failed, is blocked or will be tried again."""
        for name, reason in order.blocked.items():
            self._modules()[name].status.move(ModuleState.BLOCKED, phase="startup", reason=reason)
        earlier = frozenset[str]()
        for level in order.levels:
            for name in level:
                self.drive(name, earlier)
            earlier |= set(level)
        for name in sorted(earlier):
            await self._until_settled(name)

    def drive(self, name: str, earlier: frozenset[str] = frozenset()) -> None:
        """Begins to bring the module up, in the background, until it runs or has finally failed.

        Args:
            name: the module's; it must not serve.
            earlier: names that its `after` may wait for; those in a circle with it are not among them.
        """
        module = self._modules()[name]
        if module.status.state is not ModuleState.STARTING:
            module.status.move(ModuleState.STARTING, phase="startup")
        self._drives[name] = self._workshop.supervisor.start(
            f"start {name}",
            self._bring_up(module, earlier),
            owner="lifecycle",
            on_failure=lambda _, error: self._give_up(module, error),
        )

    async def halt(self, names: Iterable[str], seconds: float) -> None:
        """Ends attempts to bring modules up; what they had begun is undone."""
        drives = [drive for name in names if (drive := self._drives.pop(name, None)) is not None]
        await self._workshop.supervisor.stop(tuple(drives), seconds)

    async def settled(self, names: Iterable[str]) -> None:
        """Waits until none of the modules is in an attempt."""
        for name in names:
            await self._until_settled(name)

    def make(self, module: HostedModule, record: ModuleRecord, bound: BoundModule) -> ModuleInstance:
        """Gives a new incarnation, not started yet.

        Raises:
            ValueError: its settings do not bind.
        """
        if bound.settings is None:
            raise ValueError(f"the settings of module {module.name!r} do not bind")
        return ModuleInstance(
            record,
            bound.settings,
            self._workshop.resources(module.name),
            on_task_failure=lambda instance: self._note_tasks(module, instance),
            on_end=lambda instance, error: self._retire(module, instance, error),
        )

    async def commit(self, module: HostedModule, instance: ModuleInstance, *, phase: str) -> ModuleInstance | None:
        """Lets `instance` serve; gives the one that served before."""
        if not module.serving and module.status.state is not ModuleState.STARTING:
            module.status.move(ModuleState.STARTING, phase=phase)  # what served has ended while the new one started
        before, module.instance = module.instance, instance
        module.clear_troubles()
        module.status.measure("startup", instance.seconds or 0.0)
        reason = Reason("reloaded", "its settings have changed") if before else None
        module.status.move(ModuleState.RUNNING, phase=phase, reason=reason)
        self._note_tasks(module, instance)
        board = self._workshop.board
        await board.replace(module.name, instance.checks, instance.context)
        for result in board.results(module.name) if module.instance is instance else ():
            module.note_check(result)
        return before

    async def stop(
        self,
        names: Iterable[str],
        *,
        phase: str,
        grace: float,
        drain: Callable[[ModuleInstance], Awaitable[None]] | None = None,
    ) -> None:
        """Stops the modules among `names` that have an instance, dependents first, within `grace` seconds in all.

        Args:
            names: whose instances end.
            phase: told with the moves.
            grace: seconds for all of them together.
            drain: awaited with each instance once it gets no more requests.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace
        if self._retiring:
            await asyncio.wait(self._retiring, timeout=grace)
        serving = [name for name in names if self._modules()[name].instance is not None]
        ordered = [*reversed(self.order(serving).levels), serving]  # at last what is in no order any more
        for level in ordered:
            modules = [module for name in level if (module := self._modules()[name]).instance is not None]
            stops = [self._stop_one(module, phase, deadline - loop.time(), drain) for module in modules]
            await self.together("stop", stops, owner="shutdown")

    async def _stop_one(
        self,
        module: HostedModule,
        phase: str,
        at_most: float,
        drain: Callable[[ModuleInstance], Awaitable[None]] | None,
    ) -> None:
        instance = module.instance
        if instance is None:
            return
        module.status.move(ModuleState.STOPPING, phase=phase)
        await self._workshop.board.remove_module(module.name)
        if drain is not None:
            await drain(instance)
        report = await instance.stop(max(at_most, _SHORTEST_STOP))
        module.instance = None
        module.clear_troubles()
        problems = "; ".join(report.problems)
        reason = Reason("stop_incomplete" if not report.in_time else "stop_failed", problems) if problems else None
        module.status.move(ModuleState.STOPPED, phase=phase, reason=reason)

    async def _bring_up(self, module: HostedModule, earlier: frozenset[str]) -> None:
        after = module.record.manifest.after & earlier if module.record.manifest else frozenset[str]()
        for name in sorted(after - module.requires):
            await self._until_settled(name)
        attempts = 0
        while True:
            await self._until_unblocked(module)
            error = await self._attempt(module)
            if error is None:
                return
            reason = start_failure(error)
            if not is_not_ready(error):
                self._tell_failure(module, reason, error)
                module.status.move(ModuleState.FAILED, phase="startup", reason=reason)
                return
            attempts += 1
            delay = self._workshop.clock.jittered(RETRY_DELAYS[min(attempts, len(RETRY_DELAYS)) - 1])
            module.status.retry = Retry(attempts, self._workshop.clock.now() + timedelta(seconds=delay))
            module.status.move(ModuleState.RETRYING, phase="startup", reason=reason)
            await self._workshop.clock.sleep(delay)

    async def _attempt(self, module: HostedModule) -> BaseException | None:
        if module.status.state is not ModuleState.STARTING:
            module.status.move(ModuleState.STARTING, phase="startup")
        if module.bound is None:
            raise ValueError(f"the settings of module {module.name!r} were not bound")
        instance = self.make(module, module.record, module.bound)
        try:
            await instance.start()
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - a stranger's start-up code
            return error
        try:
            await self.commit(module, instance, phase="startup")
        except asyncio.CancelledError:
            if module.instance is not instance:
                await instance.stop()
            raise
        return None

    async def _until_unblocked(self, module: HostedModule) -> None:
        while (missing := self._missing(module)) is not None:
            if missing.status.state is not ModuleState.STARTING:
                reason = _blocked_by(missing)
                if module.status.state is not ModuleState.BLOCKED or module.status.reason != reason:
                    module.status.move(ModuleState.BLOCKED, phase="startup", reason=reason)
            await missing.changed()

    def _missing(self, module: HostedModule) -> HostedModule | None:
        modules = self._modules()
        lacking = [modules[name] for name in sorted(module.requires) if name in modules and not modules[name].serving]
        # What is still under way is waited for before anything is said of what has failed.
        return min(lacking, key=lambda other: other.status.state is not ModuleState.STARTING, default=None)

    async def _until_settled(self, name: str) -> None:
        module = self._modules().get(name)
        while module is not None and module.status.state is ModuleState.STARTING:
            await module.changed()

    def _note_tasks(self, module: HostedModule, instance: ModuleInstance) -> None:
        if module.instance is instance:
            for task, reason in instance.task_failures.items():
                module.set_trouble(f"task {task}", reason)

    def _retire(self, module: HostedModule, instance: ModuleInstance, error: BaseException) -> None:
        """The lifespan ended while the module served: everything it had opened is closed."""
        if module.instance is not instance:
            return
        reason = lifespan_ended(error)
        self._tell_failure(module, reason, error)
        module.instance = None
        module.clear_troubles()
        module.status.move(ModuleState.FAILED, phase="serving", reason=reason)
        retiring = self._workshop.supervisor.start(
            f"retire {module.name}", self._clear(module, instance), owner="lifecycle"
        )
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    async def _clear(self, module: HostedModule, instance: ModuleInstance) -> None:
        if module.instance is None:
            await self._workshop.board.remove_module(module.name)
        await instance.stop()

    def _give_up(self, module: HostedModule, error: BaseException) -> None:
        reason = Reason("host_error", f"the host could not start it: {text_of(error)}; report this bug")
        self._tell_failure(module, reason, error)
        if not module.status.state.serves:
            module.status.move(ModuleState.FAILED, phase="startup", reason=reason)

    @staticmethod
    def _tell_failure(module: HostedModule, reason: Reason, error: BaseException) -> None:
        """Logs the traceback of what nobody expected; the move to `FAILED` has a line of its own."""
        if not isinstance(innermost(error), NexusError):
            logger.error(
                "module %s: %s",
                module.name,
                reason.code,
                exc_info=error,
                extra={"event": "module.raised", "module_name": module.name, "reason": reason.code},
            )

    async def together(self, doing: str, works: Iterable[Coroutine[Any, Any, None]], *, owner: str) -> None:
        """Runs `works` at the same time, as tasks named `doing`, and returns when all have ended."""
        tasks = [self._workshop.supervisor.start(doing, work, owner=owner) for work in works]
        if tasks:
            await asyncio.wait(tasks)


def _blocked_by(module: HostedModule) -> Reason:
    state, reason = module.status.state, module.status.reason
    told = f": {reason.message[:_MAX_CHAIN]}" if reason else ""
    waits = state in (ModuleState.RETRYING, ModuleState.STARTING)
    code = "dependency_not_ready" if waits else "dependency_failed"
    return Reason(code, f"it requires {module.name!r}, which {state.in_words}{told}")
