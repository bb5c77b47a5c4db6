"""Puts the parts of the job engine together: its books, what does attempts, what looks after them, its schedules."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nexus.jobs.abandoned import AbandonedRuns
from nexus.jobs.beginnings import Beginnings, Cancel
from nexus.jobs.database import Database
from nexus.jobs.definition import JobDefinition, JobSource
from nexus.jobs.engine_settings import EngineSettings
from nexus.jobs.execution import Executor, Limits
from nexus.jobs.figures import Figures
from nexus.jobs.firing import Firing
from nexus.jobs.history import History
from nexus.jobs.housekeeping import Housekeeping
from nexus.jobs.job_records import JobRecords
from nexus.jobs.job_states import JobStates
from nexus.jobs.lease import Lease
from nexus.jobs.new_runs import NewRuns
from nexus.jobs.places import Places
from nexus.jobs.run import Run
from nexus.jobs.scheduler import Scheduler
from nexus.jobs.store import RunStore
from nexus.jobs.store_threads import StoreThreads
from nexus.jobs.workflows import Workflows


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the parts are given by the engine.

    Attributes:
        settings: where and how much.
        database: the open one.
        source: tells the jobs and their modules' contexts.
        call_store: calls the store off the loop.
        scrub: takes secrets out of JSON-like data.
        now: the present instant, UTC.
        new_run: makes a run of a job.
        cancel: ends a run.
        wait: gives a run when it is final, or after so many seconds.
        start: starts a task that is ended with the engine.
        on_change: told each run that has moved.
    """

    settings: EngineSettings
    database: Database
    source: JobSource
    call_store: StoreThreads
    scrub: Callable[[object], object]
    now: Callable[[], datetime]
    new_run: NewRuns
    cancel: Cancel
    wait: Callable[[str, float], Awaitable[Run]]
    start: Callable[[str, Coroutine[Any, Any, None]], None]
    on_change: Callable[[Run], None]

    def seconds(self) -> float:
        """Gives the present instant as the store keeps it."""
        return self.now().timestamp()


class Parts:
    """The parts, each made of those before it."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._open_books()
        self._make_executor()
        self._make_beginnings()
        self._look_after()
        self._follow_schedules()

    def _open_books(self) -> None:
        around = self._around
        self.places = Places(around.database, around.settings.total_concurrency, around.seconds)
        self.store = RunStore(around.database, self.places, around.seconds)
        self.history = History(around.database)
        self.figures = Figures(around.database, around.call_store, around.seconds)
        self.records = JobRecords(around.database)

    def _make_executor(self) -> None:
        around, settings = self._around, self._around.settings
        self.executor = Executor(
            source=around.source,
            store=self.store,
            call_store=around.call_store,
            limits=Limits(
                concurrency=settings.concurrency, log_lines=settings.log_lines, result_bytes=settings.result_bytes
            ),
            replica=settings.replica,
            scrub=around.scrub,
            may_work=lambda: self.lease.may_work(),  # noqa: PLW0108 - the lease is made below
            is_limited=lambda key: self.beginnings.is_limited(key),  # noqa: PLW0108 - they are made below
            on_free=lambda: self.beginnings.note_free(),  # noqa: PLW0108
            on_due=lambda seconds: self.beginnings.note_due(seconds),  # noqa: PLW0108
            on_change=around.on_change,
            now=around.seconds,
        )
        self.workflows = Workflows(
            around.database,
            replica=settings.replica,
            execute=self.executor.execute,
            scrub=lambda text: str(around.scrub(text)),
        )
        self.executor.workflows = self.workflows

    def _make_beginnings(self) -> None:
        around = self._around
        self.beginnings = Beginnings(
            source=around.source,
            executor=self.executor,
            workflows=self.workflows,
            store=self.store,
            places=self.places,
            call_store=around.call_store,
            cancel=around.cancel,
            wait=around.wait,
            start=around.start,
            on_change=around.on_change,
        )

    def _look_after(self) -> None:
        around, settings = self._around, self._around.settings
        self.lease = Lease(
            around.database,
            replica=settings.replica,
            name=settings.name,
            state_dir=settings.state_dir,
            abandoned=AbandonedRuns(around.database, around.seconds),
            call_store=around.call_store,
            workflows=self.workflows,
            active=lambda: list(self.executor.active.values()),
            on_end=around.on_change,
        )
        self.housekeeping = Housekeeping(
            database=around.database,
            store=self.store,
            history=self.history,
            executor=self.executor,
            workflows=self.workflows,
            call_store=around.call_store,
            keep_runs=settings.keep_runs,
            keep_days=settings.keep_days,
            beginnings=self.beginnings,
            on_change=around.on_change,
            now=around.now,
        )

    def _follow_schedules(self) -> None:
        around = self._around
        self.firing = Firing(
            store=self.store,
            call_store=around.call_store,
            new_run=around.new_run,
            place=self.beginnings.place,
            begin=self.beginnings.begin,
            on_change=around.on_change,
            now=around.now,
        )

        def scheduled() -> list[JobDefinition]:
            return [job for job in around.source.definitions().values() if job.schedule is not None]

        self.scheduler = Scheduler(
            read=scheduled,
            note=lambda jobs: around.call_store(lambda: self.records.note_schedules(jobs, around.now())),
            fire=self.firing.fire,
            miss=self.firing.miss,
            now=around.now,
        )
        self.states = JobStates(
            source=around.source,
            records=self.records,
            history=self.history,
            scheduler=self.scheduler,
            call=around.call_store,
            now=around.now,
        )
