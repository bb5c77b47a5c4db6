"""`JobEngine`: the face of all this; what the host opens, and what the API asks."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any, Self

from pydantic import JsonValue

from nexus.jobs.database import Database
from nexus.jobs.definition import JobDefinition, JobKey, JobSource
from nexus.jobs.engine_settings import EngineSettings, Spawn
from nexus.jobs.errors import (
    AlreadyRunning,
    KeyReused,
    ModuleDown,
    NotFinal,
    UnknownJob,
    UnknownRun,
)
from nexus.jobs.figures import Figures
from nexus.jobs.identity import check_run_id, requested_id
from nexus.jobs.job_state import JobState
from nexus.jobs.job_states import JobStates
from nexus.jobs.new_runs import NewRuns
from nexus.jobs.options import options_again
from nexus.jobs.parts import Parts, Surroundings
from nexus.jobs.run import Page, Run, RunDetail, RunFilter, RunStatus, Trigger
from nexus.jobs.run_log import RunLogHandler
from nexus.jobs.store_threads import StoreThreads
from nexus.jobs.waiters import Waiters

logger = logging.getLogger("nexus.jobs")


class JobEngine:
    """Runs jobs; an async context manager.

    Args:
        settings: where and how much.
        source: tells the jobs and their modules' contexts.
        spawn: starts its background tasks.
        scrub: takes secrets out of JSON-like data.
        on_change: told each run that has moved, on this replica.
        now: the present instant, UTC.

    Attributes:
        figures: of many runs, for people who look; there while it is open.
        states: jobs as they stand; there while it is open.
    """

    figures: Figures
    states: JobStates

    def __init__(
        self,
        settings: EngineSettings,
        source: JobSource,
        *,
        spawn: Spawn,
        scrub: Callable[[object], object],
        on_change: Callable[[Run], None],
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._source = source
        self._spawn = spawn
        self._scrub = scrub
        self._tell = on_change
        self._now = now
        self._new_run = NewRuns(scrub, now)
        self._waiters = Waiters(self.run)
        self._tasks: list[asyncio.Task[None]] = []
        self._passing: set[asyncio.Task[None]] = set()
        self._handler = RunLogHandler()
        self._call = StoreThreads()
        self._is_open = False

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def open(self) -> None:
        """Opens the store and begins: with what earlier hosts have left, then with the schedules.

        Raises:
            StoreUnusable: the store cannot be opened.
            StoreUnavailable: it does not answer.
        """
        settings = self._settings
        self._database = await asyncio.to_thread(
            Database.open, settings.url, directory=settings.directory, state_dir=settings.state_dir
        )
        logging.getLogger().addHandler(self._handler)  # first: what is taken up logs at once
        try:
            self._assemble()
            await self._workflows.open(self._lease.join)
            await self._lease.take_up()
        except BaseException:
            logging.getLogger().removeHandler(self._handler)
            await self._workflows.close()
            self._database.close()
            raise
        self._is_open = True
        for name, work in (
            ("jobs.schedules", self._scheduler.keep()),
            ("jobs.lease", self._lease.keep()),
            *self._housekeeping.duties(),
        ):
            self._tasks.append(self._spawn(name, work))

    def _assemble(self) -> None:
        parts = Parts(
            Surroundings(
                settings=self._settings,
                database=self._database,
                source=self._source,
                call_store=self._call,
                scrub=self._scrub,
                now=self._now,
                new_run=self._new_run,
                cancel=self.cancel,
                wait=self.wait,
                start=self._start,
                on_change=self._note_change,
            )
        )
        self._store, self._history, self._records = parts.store, parts.history, parts.records
        self._executor, self._workflows, self._beginnings = parts.executor, parts.workflows, parts.beginnings
        self._lease, self._housekeeping = parts.lease, parts.housekeeping
        self._scheduler, self._fire, self._miss = parts.scheduler, parts.firing.fire, parts.firing.miss
        self.figures, self.states = parts.figures, parts.states

    async def __aexit__(self, *details: object) -> None:
        await self.close(0.0)

    def begin_drain(self) -> None:
        """Begins no further attempts; those under way go on."""
        self._executor.is_leaving = True
        self._workflows.begin_drain()

    async def close(self, grace: float) -> None:
        """Begins nothing more, waits up to `grace` seconds for what is under way, and leaves the rest for others."""
        if not self._is_open:
            return
        self._is_open = False
        self.begin_drain()
        active = list(self._executor.active.values())
        if active and grace > 0:
            waits = [asyncio.ensure_future(each.ended.wait()) for each in active]
            _, late = await asyncio.wait(waits, timeout=grace)
            for wait in late:
                wait.cancel()
        left = list(self._executor.active.values())
        for each in left:
            each.stop("left")
        if left:
            logger.warning(
                "%d runs are left for another replica or the next start", len(left), extra={"event": "jobs.left"}
            )
            await asyncio.wait([asyncio.ensure_future(each.ended.wait()) for each in left], timeout=3.0)
        tasks = (*self._tasks, *self._passing)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        logging.getLogger().removeHandler(self._handler)
        try:
            await self._lease.leave()
        except Exception as error:  # noqa: BLE001 - the store may be down; the others find out by themselves
            logger.warning("the store was not told that this replica leaves: %s", error, extra={"event": "jobs.leave"})
        await self._workflows.close()
        self._call.close()
        await asyncio.to_thread(self._database.close)

    @property
    def trouble(self) -> str | None:
        """Why jobs wait, None where they do not."""
        return self._lease.trouble

    def refresh(self) -> None:
        """Reads the schedules again soon: modules have come, gone or changed."""
        if self._is_open:
            self._scheduler.refresh()

    async def jobs(self, module: str | None = None) -> tuple[JobState, ...]:
        """Gives every job, or those of one module, ordered by module and name.

        Raises:
            StoreUnavailable: what is remembered cannot be read.
        """
        return await (self.states.every() if module is None else self.states.of_module(module))

    async def trigger(
        self,
        module: str,
        job: str,
        given: Mapping[str, JsonValue],
        *,
        by: str,
        issuer: str | None = None,
        idempotency_key: str | None = None,
        trigger: Trigger = "manual",
        retry_of: str | None = None,
    ) -> Run:
        """Stores a run and begins it, at once where there is a place; gives the known run of the same key.

        Args:
            module: the module's name.
            job: the job's.
            given: options that override the configured ones.
            by: the subject who asks.
            issuer: whose subject that is.
            idempotency_key: the same key of the same subject of the same issuer means the same run.
            trigger: why.
            retry_of: the run that is done again.

        Raises:
            UnknownJob: there is no such job.
            ModuleDown: its module does not serve.
            InvalidOptions: the options do not fit.
            AlreadyRunning: the job forbids a second run.
            KeyReused: the key was used with other options.
            StoreUnavailable: it could not be stored; with a key it may be asked for again without harm.
        """
        definition = self._definition((module, job))
        if self._source.context(module) is None:
            raise ModuleDown(f"module {module!r} does not serve just now: see GET /api/modules/{module}")
        run = self._new_run(
            definition,
            given,
            id=requested_id(definition.key, by, issuer, idempotency_key),
            trigger=trigger,
            requested_by=by,
            requested_issuer=issuer,
            retry_of=retry_of,
        )
        with self._beginnings.place() as at_once:
            stored = await self._call(
                lambda: self._store.enqueue(run, definition.overlap, limit=definition.concurrency, at_once=at_once)
            )
            if stored.outcome == "new":
                await self._beginnings.begin(run, stored, at_once=at_once)
        if stored.outcome == "overlaps" and stored.run is not None:
            raise AlreadyRunning(
                f"run {stored.run.id} of this job is {stored.run.status}: wait for it, cancel it, or set "
                "overlap = 'allow'",
                stored.run.id,
            )
        if stored.outcome == "known" and stored.run is not None:
            if stored.run.input != run.input:
                raise KeyReused("the idempotency key belongs to a run with other options: take a new key")
            return stored.run
        return run

    async def retry(self, run_id: str, *, by: str, issuer: str | None = None) -> Run:
        """Does a final run again, with the options it had.

        Raises:
            UnknownRun: it is not kept.
            NotFinal: it is under way.
            UnknownJob, ModuleDown, InvalidOptions, AlreadyRunning, StoreUnavailable: as `trigger`.
        """
        run = await self.run(run_id)
        if not run.status.is_final:
            raise NotFinal(f"the run is {run.status}: it can be done again when it has ended, or cancel it")
        given = options_again(self._definition((run.module, run.job)), run.options, run.input)
        return await self.trigger(run.module, run.job, given, by=by, issuer=issuer, trigger="retry", retry_of=run.id)

    async def cancel(self, run_id: str, *, by: str, issuer: str | None = None, reason: str = "") -> Run:
        """Ends a run: one that waits at once, one that runs within about two seconds; a final one stays as it is.

        Args:
            run_id: the run.
            by: the subject who asks.
            issuer: whose subject that is.
            reason: what the run tells of its end; by default who has cancelled it.

        Raises:
            UnknownRun: it is not kept.
            StoreUnavailable: nobody could be told.
        """
        told = reason or f"cancelled by {by}"
        check_run_id(run_id)
        run = await self._call(lambda: self._store.cancel(run_id, by, told, issuer=issuer))
        if run is None:
            raise UnknownRun("there is no run of this id, or it is no longer kept")
        active = self._executor.active.get(run_id)
        if active is not None:
            active.stop("cancelled", told)
        elif run.status is RunStatus.CANCELLED:
            self._note_change(run)
            self._start("jobs.cancel", self._workflows.cancel(run_id, run.attempt + 1))
        return run

    async def set_paused(
        self,
        module: str,
        job: str,
        paused: bool,  # noqa: FBT001 - it is what is set
        *,
        by: str,
        issuer: str | None = None,
    ) -> JobState:
        """Makes a schedule rest or go on, on every replica and over restarts; runs under way are not touched.

        Args:
            module: the module's name.
            job: the job's.
            paused: whether it is to rest.
            by: the subject who asks.
            issuer: whose subject that is.

        Raises:
            UnknownJob: there is no such job.
            StoreUnavailable: it could not be stored.
        """
        definition = self._definition((module, job))
        await self._call(
            lambda: self._records.set_paused(definition.key, paused=paused, by=by, issuer=issuer, now=self._now())
        )
        return await self.states.one(definition)

    async def run(self, run_id: str) -> Run:
        """Gives a run.

        Raises:
            UnknownRun: it is not kept.
            StoreUnavailable: it cannot be read.
        """
        check_run_id(run_id)
        run = await self._call(lambda: self._store.get(run_id))
        if run is None:
            raise UnknownRun("there is no run of this id, or it is no longer kept")
        return run

    async def detail(self, run_id: str) -> RunDetail:
        """Gives a run with its attempts, steps and log.

        Raises:
            UnknownRun: it is not kept.
            StoreUnavailable: it cannot be read.
        """
        run = await self.run(run_id)
        attempts = await self._call(lambda: self._history.attempts(run_id))
        lines, dropped = await self._call(lambda: self._history.log(run_id))
        steps = await self._workflows.steps(run_id, run.attempt)
        return RunDetail(run=run, attempts=attempts, steps=steps, log=lines, log_dropped=dropped)

    async def runs(
        self, wanted: RunFilter, *, limit: int, cursor: str | None = None, oldest_first: bool = False
    ) -> Page:
        """Gives runs, newest first unless asked otherwise.

        Raises:
            InvalidCursor: no list gave this cursor.
            StoreUnavailable: they cannot be read.
        """
        return await self._call(lambda: self._history.page(wanted, limit, cursor, oldest_first=oldest_first))

    async def wait(self, run_id: str, seconds: float) -> Run:
        """Gives the run when it is final, or as it is after `seconds`.

        Raises:
            UnknownRun: it is not kept.
            StoreUnavailable: it cannot be read.
        """
        return await self._waiters.wait(run_id, seconds)

    def _definition(self, key: JobKey) -> JobDefinition:
        try:
            return self._source.definitions(key[0])[key]
        except KeyError:
            if self._source.is_declared(key):
                raise ModuleDown(f"module {key[0]!r} cannot be used: see GET /api/modules/{key[0]}") from None
            raise UnknownJob("there is no such job: GET /api/jobs lists all") from None

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._spawn(name, work)
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    def _note_change(self, run: Run) -> None:
        self.figures.note_change(run)
        self._waiters.wake(run.id)
        self._tell(run)
