"""One incarnation of a module, from its start to its stop; whatever it took is given back, however it ends."""

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from nexus.checks.clock import Clock
from nexus.discovery.catalog import ModuleRecord
from nexus.host.module_tasks import ModuleTasks
from nexus.host.reasons import StartFailed, named, task_failure
from nexus.host.registry import StagingRegistry
from nexus.host.supervisor import Supervisor
from nexus.spec.check import Check
from nexus.spec.context import Cache, Events, ModuleContext
from nexus.spec.route import Route
from nexus.spec.state import Reason

if TYPE_CHECKING:
    import aiohttp
    from pydantic import BaseModel

_STARTUP_TIMEOUT: Final = 10.0
_SHUTDOWN_TIMEOUT: Final = 10.0
"""Seconds for a module without a table of its own; the defaults of `ModuleEntry`."""

_LAST_STEPS: Final = 0.5
"""Seconds for the clean-ups that are left when one used up the time."""

_MAX_TASK_FAILURES: Final = 20
"""Failures of background tasks that are kept of one instance."""

_COUNTER: Final = itertools.count(1)

logger = logging.getLogger("nexus.host")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the host shares with a module.

    Attributes:
        supervisor: runs its tasks.
        cache: its own part of the cache.
        http: the client session of all modules.
        events: tells others what happens in it.
        clock: time.
    """

    supervisor: Supervisor
    cache: Cache
    http: "aiohttp.ClientSession"
    events: Events
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class StopReport:
    """How a stop went.

    Attributes:
        in_time: False where the module used up its time and was abandoned.
        problems: what went wrong, one sentence each.
    """

    in_time: bool
    problems: tuple[str, ...]


class ModuleLogger(logging.LoggerAdapter[logging.Logger]):
    """Adds the module's name to what the module logs, beside the module's own `extra`."""

    def __init__(self, module: str) -> None:
        super().__init__(logging.getLogger(f"nexus.modules.{module}"), {"module_name": module})

    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        """Implements `logging.LoggerAdapter`; the base class would drop the module's own fields."""
        kwargs["extra"] = {**(kwargs.get("extra") or {}), **(self.extra or {})}
        return msg, kwargs


class ModuleInstance:
    """A started module. The lifespan is entered and left in one task, as cancel scopes demand.

    Args:
        record: what the module is; a reload may replace it where nothing of weight has changed.
        settings: its bound settings.
        resources: what it is given.
        on_task_failure: told that `task_failures` has grown, once the start has succeeded.
        on_end: told what ended the lifespan where the host did not.
    """

    def __init__(
        self,
        record: ModuleRecord,
        settings: "BaseModel",
        resources: Resources,
        *,
        on_task_failure: Callable[["ModuleInstance"], None],
        on_end: Callable[["ModuleInstance", BaseException], None],
    ) -> None:
        self.name = record.name
        self.record = record
        self.started_at: datetime | None = None
        self.seconds: float | None = None
        self.task_failures: dict[str, Reason] = {}
        self._resources = resources
        self._on_task_failure = on_task_failure
        self._on_end = on_end
        self._owner = f"module {record.name} {next(_COUNTER)}"
        self._registry = StagingRegistry(record.name, record.routes)
        self._tasks = ModuleTasks(
            record.name,
            owner=self._owner,
            supervisor=resources.supervisor,
            on_failure=self._note_task_failure,
        )
        self._life: asyncio.Task[None] | None = None
        self._entered: asyncio.Future[None] | None = None
        self._leave = asyncio.Event()
        self._served: tuple[Route, ...] = ()
        self._is_ending = False
        self._is_cut_off = False
        self._problems: list[str] = []
        self.context: ModuleContext[Any] = ModuleContext(
            name=record.name,
            settings=settings,
            logger=ModuleLogger(record.name),
            cache=resources.cache,
            http=resources.http,
            tasks=self._tasks,
            events=resources.events,
            registry=self._registry,
        )

    @property
    def routes(self) -> tuple[Route, ...]:
        """What it serves: the declared routes and those its start added; empty until the start has succeeded."""
        return self._served

    @property
    def checks(self) -> tuple[Check, ...]:
        """What is looked at while it runs."""
        return self.record.checks

    @property
    def settings(self) -> "BaseModel":
        """Its bound settings."""
        settings: BaseModel = self.context.settings
        return settings

    @property
    def shutdown_seconds(self) -> float:
        """How long its stop may take."""
        return self.record.entry.shutdown_timeout if self.record.entry else _SHUTDOWN_TIMEOUT

    async def start(self) -> None:
        """Starts the module; returns when it may serve.

        Raises:
            StartFailed: the start did not end within the module's `startup_timeout`, or was cancelled from within.
            BaseException: whatever the module's start-up raised. In every case nothing of the module is left.
        """
        entry = self.record.entry
        seconds = entry.startup_timeout if entry else _STARTUP_TIMEOUT
        loop, clock = asyncio.get_running_loop(), self._resources.clock
        began = clock.monotonic()
        entered = self._entered = loop.create_future()
        life = self._life = self._resources.supervisor.start(
            f"{self.name}.lifespan", self._live(entered), owner=f"{self._owner} lifespan", on_failure=self._end_unasked
        )
        warning = loop.call_later(seconds / 2, self._warn_of_slow_start, seconds)
        try:
            await asyncio.wait({life, entered}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self._abort(life)
            raise
        finally:
            warning.cancel()
        if life.done() or not entered.done():
            await self._fail(life, seconds)
        self.started_at = clock.now()
        self.seconds = clock.monotonic() - began
        self._served = self._registry.routes

    async def stop(self, at_most: float | None = None) -> StopReport:
        """Stops the module within its `shutdown_timeout`, and `at_most` so many seconds; raises nothing of its own.

        Background tasks end first, then the lifespan, then the clean-ups in reverse order.
        """
        seconds = self.shutdown_seconds if at_most is None else min(self.shutdown_seconds, at_most)
        self._is_ending = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        refused = await self._stop_tasks(seconds)
        self._leave.set()
        in_time = await self._await_end(max(deadline - loop.time(), _LAST_STEPS))
        return StopReport(in_time=in_time and not refused, problems=tuple(self._problems))

    async def _live(self, entered: asyncio.Future[None]) -> None:
        error: BaseException | None = None
        try:
            plugin = self.record.plugin
            lifespan = plugin.lifespan(self.context) if plugin else None
            if lifespan is not None:
                await self._registry.enter(lifespan)
            self._registry.seal()
            entered.set_result(None)
            await self._leave.wait()
        except (Exception, SystemExit, asyncio.CancelledError) as caught:  # noqa: BLE001 - raised after the clean-up
            error = caught
        if not self._is_ending:
            await self._stop_tasks(_LAST_STEPS)
        raised = await self._registry.close(error)
        if isinstance(error, asyncio.CancelledError) and not self._is_ending:
            # A task group in the lifespan cancels it when a task fails, and tells why only when it is left.
            error = raised.pop(0) if raised else StartFailed("cancelled", "its lifespan was cancelled by its own code")
        self._keep(raised)
        if error is not None:
            try:
                raise error
            finally:
                del error  # its traceback holds this frame

    async def _stop_tasks(self, seconds: float) -> tuple[str, ...]:
        refused = await self._tasks.stop(seconds)
        self._problems += [f"background task {name!r} refused to end" for name in refused]
        return refused

    def _keep(self, raised: list[BaseException]) -> None:
        for problem in raised:
            if self._is_cut_off and isinstance(problem, asyncio.CancelledError):
                continue  # what cutting it off raised in it, and that is told already
            told = named(problem)
            self._problems.append(f"a clean-up raised {told}")
            extra = {"event": "module.cleanup.failed", "module_name": self.name}
            logger.error("module %s: a clean-up raised %s", self.name, told, exc_info=problem, extra=extra)

    async def _fail(self, life: asyncio.Task[None], seconds: float) -> None:
        is_late = not life.done()
        await self._abort(life)
        if is_late:
            raise StartFailed(
                "startup_timeout",
                f"its start-up did not end within {seconds:g} s: see what it waits for, or raise 'startup_timeout'",
            )
        error = None if life.cancelled() else life.exception()
        raise error or StartFailed("cancelled", "its start-up was cancelled by its own code")

    async def _abort(self, life: asyncio.Task[None]) -> None:
        """Undoes a start, within the time of a stop."""
        self._is_ending = True
        life.cancel()
        await self.stop()

    async def _await_end(self, seconds: float) -> bool:
        life = self._life
        if life is None:
            return True
        late = False
        if not life.done():
            await asyncio.wait({life}, timeout=seconds)
            late = not life.done()
        if late:
            self._problems.append(f"its clean-up did not end within {round(seconds, 1):g} s")
            self._is_cut_off = True
            await self._resources.supervisor.stop((life,), _LAST_STEPS)
            await self._close_what_is_left()
        return not late

    async def _close_what_is_left(self) -> None:
        """Runs the clean-ups that are owed still where the lifespan had to be cut off."""
        closing = self._resources.supervisor.start(
            f"{self.name}.cleanup", self._registry.close(None), owner=f"{self._owner} lifespan"
        )
        await asyncio.wait({closing}, timeout=_LAST_STEPS)
        if closing.done() and not closing.cancelled():
            self._keep(closing.result())
        else:
            await self._resources.supervisor.stop((closing,), _LAST_STEPS)

    def _note_task_failure(self, task: str, error: BaseException) -> None:
        reason = task_failure(task, error)
        logger.error(
            "module %s: its background task %s failed",
            self.name,
            task,
            exc_info=error,
            extra={"event": "module.task.failed", "module_name": self.name, "task": task},
        )
        if task in self.task_failures or len(self.task_failures) < _MAX_TASK_FAILURES:
            self.task_failures[task] = reason
        if self.started_at is not None and not self._is_ending:
            self._on_task_failure(self)

    def _warn_of_slow_start(self, seconds: float) -> None:
        logger.warning(
            "module %s is still starting after half of its %g s",
            self.name,
            seconds,
            extra={"event": "module.start.slow", "module_name": self.name},
        )

    def _end_unasked(self, _: str, error: BaseException) -> None:
        if self.started_at is not None and not self._is_ending:
            self._is_ending = True
            self._on_end(self, error)
