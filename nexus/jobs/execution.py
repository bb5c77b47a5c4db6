"""Does attempts: binds the options, runs the module's function within its time, and stores how it ended."""

import asyncio
import contextlib
import dataclasses
import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pydantic_core
from pydantic import BaseModel, JsonValue

from nexus.jobs.active import Active
from nexus.jobs.control import Control
from nexus.jobs.definition import JobDefinition, JobKey, JobSource
from nexus.jobs.errors import InvalidOptions, ModuleDown, StoreRefused, StoreUnavailable, UnknownJob
from nexus.jobs.exits import kept_from_exit
from nexus.jobs.options import bound_options
from nexus.jobs.plain import plain
from nexus.jobs.run import Run, RunError, RunStatus
from nexus.jobs.run_log import RunLog
from nexus.jobs.store import RunStore
from nexus.jobs.store_answers import Outcome
from nexus.jobs.store_threads import StoreThreads
from nexus.jobs.workflows import Workflows
from nexus.spec.context import ModuleContext
from nexus.spec.job_context import JobContext

_LAST_STEPS: Final = 2.0
"""Seconds that a job's function gets to end after it was cancelled."""

_MODULE_WAIT: Final = 60.0
"""Seconds that a run waits for its module to serve: a start with its first retries."""

_MAX_TEXT: Final = 2000
"""Characters of an exception's message that are kept."""

logger = logging.getLogger("nexus.jobs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one replica allows: attempts at once, and the bounds of what is kept of a run."""

    concurrency: int
    log_lines: int
    result_bytes: int


class Executor:
    """Does attempts.

    Args:
        source: tells the jobs and their modules' contexts.
        store: keeps the runs.
        call_store: calls the store off the loop.
        limits: of this replica.
        replica: its id.
        scrub: takes secrets out of JSON-like data.
        may_work: awaited before each step; raises `asyncio.CancelledError` where others may have taken the run up.
        is_limited: tells whether so many runs of a job may go on at once.
        on_free: told that an attempt has ended, so there is room for another one.
        on_due: told in how many seconds a run may begin: its next attempt, or one that gets the place of another.
        on_change: told each run that has changed.
        now: seconds since 1970.
    """

    def __init__(
        self,
        *,
        source: JobSource,
        store: RunStore,
        call_store: StoreThreads,
        limits: Limits,
        replica: str,
        scrub: Callable[[object], object],
        may_work: Callable[[], Awaitable[None]],
        is_limited: Callable[[JobKey], bool],
        on_free: Callable[[], None],
        on_due: Callable[[float], None],
        on_change: Callable[[Run], None],
        now: Callable[[], float],
    ) -> None:
        self._is_limited = is_limited
        self._on_free = on_free
        self._on_due = on_due
        self._source = source
        self._store = store
        self._call = call_store
        self._limits = limits
        self._replica = replica
        self._scrub = scrub
        self._may_work = may_work
        self._on_change = on_change
        self._now = now
        self._places = asyncio.Semaphore(limits.concurrency)
        self._taken = 0
        self.active: dict[str, Active] = {}
        self.workflows: Workflows | None = None
        self.is_leaving = False

    @property
    def room(self) -> int:
        """How many more attempts could begin at once."""
        return 0 if self.is_leaving else max(self._limits.concurrency - self._taken, 0)

    @contextlib.contextmanager
    def expecting(self, count: int) -> Iterator[None]:
        """Keeps places for so many attempts that are to begin here, until the block has begun them."""
        self._taken += count
        try:
            yield
        finally:
            self._taken -= count

    async def execute(self, run_id: str, number: int) -> None:
        """Does one attempt to its end; what it raises leaves the attempt for others."""
        try:
            with self.expecting(1):
                await self._execute(run_id, number)
        finally:
            self._on_free()

    async def _execute(self, run_id: str, number: int) -> None:
        async with self._places:
            if self.is_leaving:
                raise asyncio.CancelledError
            begun = await self._call.until_done(lambda: self._store.begin(run_id, number, self._replica))
            if begun is None:
                return
            run = begun.run
            if run.status.is_final:
                self._on_change(run)
                return
            log = RunLog(lambda text: str(self._scrub(text)), self._limits.log_lines, attempt=number, earlier=begun.log)
            active = Active(run=run, number=number, is_again=begun.is_again, log=log, began=self._now())
            self.active[run_id] = active
            self._on_change(run)
            try:
                outcome = await self._attempt_safely(active)
            except asyncio.CancelledError:
                active.end = active.end or "left"
                await self._leave(active)
                raise
            else:
                await self._finish(active, outcome)
            finally:
                self.active.pop(run_id, None)
                active.ended.set()

    async def _attempt_safely(self, active: Active) -> Outcome:
        try:
            return await self._attempt(active)
        except Exception as error:  # an error of ours: the run would be under way for ever
            run = active.run
            logger.exception("run %s cannot be done", run.id, extra={"event": "job.error", "run": run.id})
            return self._broken(error, "the host failed to do it: see its log")

    def _broken(self, error: BaseException, reason: str) -> Outcome:
        told = RunError(type=type(error).__name__, message=str(self._scrub(_text(error)))[:_MAX_TEXT])
        return Outcome(status=RunStatus.FAILED, error=told, reason=reason)

    async def _attempt(self, active: Active) -> Outcome:
        active.log.collect()
        try:
            prepared = await self._prepare(active)
        except (UnknownJob, ModuleDown, InvalidOptions) as error:
            told = RunError(type=type(error).__name__, message=str(error))
            return Outcome(status=RunStatus.FAILED, error=told, reason="it could not begin")
        if prepared is None:
            return Outcome(status=RunStatus.CANCELLED, reason=active.reason)
        definition, context = prepared
        work = self._body(active, definition, context)
        active.task = asyncio.get_running_loop().create_task(work, name=f"job {definition.module}.{definition.name}")
        if active.end is not None:
            active.task.cancel()
        await self._within(active, definition.timeout)
        return self._outcome(active, definition)

    async def _prepare(self, active: Active) -> tuple[JobDefinition, ModuleContext[Any]] | None:
        """Gives the job and its module's context as soon as that serves; None where somebody ends the run before."""
        key = (active.run.module, active.run.job)
        deadline = asyncio.get_running_loop().time() + _MODULE_WAIT
        while active.end != "cancelled":
            definition, context = self._source.definitions(key[0]).get(key), self._source.context(key[0])
            if definition is not None and context is not None:
                return definition, context
            if self.is_leaving or active.end == "left":  # before the next look: a host that leaves stops its modules
                active.stop("left")
                raise asyncio.CancelledError
            if not self._source.is_coming(key[0]):
                if definition is None:
                    raise UnknownJob(f"module {key[0]!r} has no job {key[1]!r} any more")
                raise ModuleDown(f"module {key[0]!r} does not serve")
            if asyncio.get_running_loop().time() > deadline:
                raise ModuleDown(f"module {key[0]!r} did not come to serve within {_MODULE_WAIT:g} s")
            await asyncio.sleep(0.2)
        return None

    async def _body(self, active: Active, definition: JobDefinition, context: ModuleContext[Any]) -> object:
        run = active.run
        control = Control(active, self._may_work, self.workflows)
        await control.load()
        given = {item.name: getattr(context, item.name) for item in dataclasses.fields(ModuleContext)}
        job_context = JobContext(
            **given,
            run_id=run.id,
            job=run.job,
            attempt=active.number,
            scheduled_for=run.scheduled_for,
            requested_by=run.requested_by,
            control=control,
        )
        options = bound_options(definition, run.input)
        given_options = (options,) if isinstance(options, BaseModel) else ()
        return await kept_from_exit(lambda: definition.run(job_context, *given_options))

    async def _within(self, active: Active, limit: float | None) -> None:
        task = active.task
        if task is None:
            return
        try:
            await asyncio.wait({task, active.stopping}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if not task.done() and active.end is None:
                active.stop("timed_out", f"it took longer than its timeout of {limit:g} s")
        except asyncio.CancelledError:
            active.stop("left")
            await self._await_end(task, active)
            raise
        await self._await_end(task, active)

    async def _await_end(self, task: asyncio.Task[Any], active: Active) -> None:
        if not task.done():
            await asyncio.wait({task}, timeout=_LAST_STEPS)
        if not task.done():
            logger.error(
                "run %s of %s.%s does not end although it was cancelled: its code swallows the cancellation",
                active.run.id,
                active.run.module,
                active.run.job,
                extra={"event": "job.stuck", "module_name": active.run.module, "run": active.run.id},
            )

    def _outcome(self, active: Active, definition: JobDefinition) -> Outcome:
        task = active.task
        error = task.exception() if task is not None and task.done() and not task.cancelled() else None
        returned = task is not None and task.done() and not task.cancelled() and error is None
        if returned and task is not None and active.end not in ("timed_out", "cancelled"):
            return self._success(task.result())
        if active.end == "left":
            raise asyncio.CancelledError
        if active.end == "cancelled":
            return Outcome(status=RunStatus.CANCELLED, reason=active.reason)
        if active.end == "timed_out":
            return self._failure(RunStatus.TIMED_OUT, None, active, definition)
        if error is None:
            error = RuntimeError("the job's code cancelled itself")
        logger.error(
            "run %s of %s.%s failed in attempt %s",
            active.run.id,
            active.run.module,
            active.run.job,
            active.number,
            exc_info=error,
            extra={"event": "job.failed", "module_name": active.run.module, "run": active.run.id},
        )
        return self._failure(RunStatus.FAILED, error, active, definition)

    def _success(self, result: object) -> Outcome:
        try:
            value: JsonValue = plain(self._scrub(plain(result)))
            size = len(pydantic_core.to_json(value))
        except (TypeError, ValueError) as error:  # ValueError: half a surrogate, which no JSON can hold
            told = RunError(type="TypeError", message=f"its result: {error}")
            return Outcome(status=RunStatus.FAILED, error=told, reason="its work was done, but its result is unusable")
        if size > self._limits.result_bytes:
            reason = f"its result of {size} bytes is not kept: {self._limits.result_bytes} are the limit"
            return Outcome(status=RunStatus.SUCCEEDED, reason=reason)
        return Outcome(status=RunStatus.SUCCEEDED, result=value)

    def _failure(
        self, status: RunStatus, error: BaseException | None, active: Active, definition: JobDefinition
    ) -> Outcome:
        retry_at = None
        if active.number < active.run.attempts:
            delay = min(definition.retry_delay * 2 ** (active.number - 1), definition.retry_delay_max)
            retry_at = self._now() + delay * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, keeps no secret
        told = None
        if error is not None:
            told = RunError(type=type(error).__name__, message=str(self._scrub(_text(error)))[:_MAX_TEXT])
        return Outcome(status=status, error=told, reason=active.reason, retry_at=retry_at)

    async def _finish(self, active: Active, outcome: Outcome) -> None:
        run, number, log = active.run, active.number, active.log
        is_limited = self._is_limited((run.module, run.job))
        outcome = dataclasses.replace(outcome, keeps_place=not is_limited)
        try:
            stored = await self._call.until_done(
                lambda: self._store.finish(
                    run.id, number, self._replica, outcome, progress=active.progress, log=(log.lines, log.dropped)
                )
            )
        except StoreRefused as error:
            outcome = self._broken(error, "how it ended cannot be stored")
            stored = await self._call.until_done(
                lambda: self._store.finish(run.id, number, self._replica, outcome, progress=None, log=([], 0))
            )
        if stored is None:  # others have taken it from this replica: the attempt stays theirs to end
            raise asyncio.CancelledError
        if is_limited:
            self._on_due(0.0)
        if stored.next_attempt_at is not None:
            self._on_due(stored.next_attempt_at.timestamp() - self._now())
        self._on_change(stored)

    async def _leave(self, active: Active) -> None:
        try:
            await self._note(active)
            await asyncio.shield(self._call(lambda: self._store.release(active.run.id, self._replica)))
        except StoreUnavailable:
            return  # it stays `running` in the store until somebody takes it up

    async def _note(self, active: Active) -> None:
        if active.is_changed or active.log.is_changed:
            active.is_changed = active.log.is_changed = False
            run, log, told = active.run, active.log, active.progress
            await self._call(lambda: self._store.note(run.id, self._replica, told, log.lines, log.dropped))

    async def note_all(self) -> None:
        """Stores what the attempts under way have told since the last time."""
        for active in list(self.active.values()):
            if active.is_changed or active.log.is_changed:
                await self._note(active)
                self._on_change(dataclasses.replace(active.run, progress=active.progress))


def _text(error: BaseException) -> str:
    try:
        # Half a surrogate and NUL are no text for a database: it would refuse to search what holds them.
        told = str(error).encode("utf-8", "replace").decode().replace("\0", "?")
        return " ".join(told.split())
    except Exception:  # noqa: BLE001 - the message, too, is a stranger's code
        return "its message cannot be shown"
