"""Begins what is stored: at once, when it is due, after those that it replaces, or when it gets a place."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, Final, Protocol

from nexus.jobs.definition import JobKey, JobSource
from nexus.jobs.errors import StoreUnavailable, UnknownRun
from nexus.jobs.execution import Executor
from nexus.jobs.places import Places
from nexus.jobs.run import Run
from nexus.jobs.store import RunStore
from nexus.jobs.store_answers import Enqueued
from nexus.jobs.store_threads import StoreThreads
from nexus.jobs.workflows import Workflows

_LAST_WORDS: Final = 10.0
"""Seconds that a run waits for those it replaces: their clean-up, on whatever replica. Shorter than others wait."""

_LOOK: Final = 1.0
"""Seconds between two looks for runs that may begin: what other replicas leave, and what is due."""

_BATCH: Final = 100
"""Runs that are begun together."""

logger = logging.getLogger("nexus.jobs")


class Cancel(Protocol):
    """Ends a run."""

    def __call__(self, run_id: str, /, *, by: str, reason: str) -> Coroutine[Any, Any, Run]:
        """Gives it as it then is."""


class Beginnings:
    """Hands runs to the engine's library.

    Args:
        source: tells the limits of jobs.
        executor: tells whether this replica has a place.
        workflows: take the attempts.
        store: keeps the runs.
        places: those of all replicas.
        call_store: calls the store off the loop.
        cancel: ends a run that is replaced.
        wait: gives a run when it is final, or after so many seconds.
        start: starts a task that is ended with the engine.
        on_change: told each run that is new.
    """

    def __init__(
        self,
        *,
        source: JobSource,
        executor: Executor,
        workflows: Workflows,
        store: RunStore,
        places: Places,
        call_store: StoreThreads,
        cancel: Cancel,
        wait: Callable[[str, float], Awaitable[Run]],
        start: Callable[[str, Coroutine[Any, Any, None]], None],
        on_change: Callable[[Run], None],
    ) -> None:
        self._wake = asyncio.Event()
        self._is_anybody_waiting = False
        self._source = source
        self._executor = executor
        self._workflows = workflows
        self._store = store
        self._places = places
        self._call = call_store
        self._cancel = cancel
        self._wait = wait
        self._start = start
        self._note_change = on_change

    @contextlib.contextmanager
    def place(self) -> Iterator[bool]:
        """Keeps a place for a new run while it is stored and begun; False where it has to wait for its turn."""
        is_free = self._executor.room > 0 and not self._is_anybody_waiting
        with self._executor.expecting(1 if is_free else 0):
            yield is_free

    async def begin(self, run: Run, stored: Enqueued, *, at_once: bool) -> None:
        """Begins a new run that was stored: here and now, or when it is its turn.

        Raises:
            StoreUnavailable: the store does not answer; the run is stored, and begun later.
        """
        for old in stored.replaced:
            await self._cancel(old.id, by="nexus", reason=f"replaced by run {run.id}")
        self._note_change(run)
        if not stored.is_placed:
            self._wake.set()  # a place may have got free since
        elif stored.replaced:
            self._start(f"jobs.replace {run.id}", self._follow(run, stored.replaced))
        elif at_once:
            await self._begin_soon(run)
        else:
            self._is_anybody_waiting = True
            self._wake.set()

    async def _follow(self, run: Run, replaced: tuple[Run, ...]) -> None:
        """Begins a run when those that it replaces have ended, or do not end in time."""
        try:
            async with asyncio.timeout(_LAST_WORDS):
                for old in replaced:
                    with contextlib.suppress(UnknownRun):
                        await self._wait(old.id, _LAST_WORDS)
        except (TimeoutError, StoreUnavailable):
            logger.warning("run %s does not wait for those it replaces any longer", run.id, extra={"run": run.id})
        with contextlib.suppress(StoreUnavailable):  # it is stored, so it is begun when the store answers again
            await self._begin_soon(run)

    async def _begin_soon(self, run: Run) -> None:
        try:
            async with asyncio.timeout(2.0):
                await self._workflows.start(run.id, run.attempt + 1)
        except TimeoutError:  # it is stored, so it is begun when the store answers again
            logger.warning("run %s begins late: the store is slow", run.id, extra={"event": "job.late", "run": run.id})

    def note_free(self) -> None:
        """Has this replica look for what may begin: it has room again."""
        if self._is_anybody_waiting:
            self._wake.set()

    def note_due(self, seconds: float) -> None:
        """Has this replica look for what may begin so many seconds from now."""
        asyncio.get_running_loop().call_later(max(seconds, 0.0), self._wake.set)

    async def wait(self) -> None:
        """Returns when it is time for a look."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK):
                await self._wake.wait()
        self._wake.clear()

    async def give_places(self) -> None:
        """Lets runs begin that wait while so many others go on, as far as there is room again.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        await self._call(lambda: self._places.give(self._limit_of))

    async def look(self) -> None:
        """Begins what waits here or elsewhere, as far as there is room.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        if self.has_limits():
            await self.give_places()
        if not (room := min(self._executor.room, _BATCH)):
            self._is_anybody_waiting = True  # for all that is known: the next place that gets free tells
            return
        claimed = await self._call(lambda: self._store.claim(room))
        self._is_anybody_waiting = claimed.may_be_more
        if claimed.may_be_more:
            self._wake.set()
        with self._executor.expecting(len(claimed.runs)):
            await asyncio.gather(*(self._begin_soon(run) for run in claimed.runs))

    def has_limits(self) -> bool:
        """True where any job is limited."""
        jobs = self._source.definitions().values()
        return self._places.total is not None or any(job.concurrency is not None for job in jobs)

    def is_limited(self, key: JobKey) -> bool:
        """True where only so many runs of a job, or of all, may go on at once over all replicas."""
        return self._places.total is not None or self._limit_of(key) is not None

    def _limit_of(self, key: JobKey) -> int | None:
        definition = self._source.definitions(key[0]).get(key)
        return definition.concurrency if definition is not None else None
