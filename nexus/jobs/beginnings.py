"""Begins what is stored: at once, after a delay, after those that it replaces, or when it gets a place."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol

from nexus.jobs.definition import JobKey, JobSource
from nexus.jobs.errors import StoreUnavailable, UnknownRun
from nexus.jobs.execution import Executor
from nexus.jobs.places import Places
from nexus.jobs.run import Run
from nexus.jobs.store import Enqueued, RunStore
from nexus.jobs.store_threads import StoreThreads
from nexus.jobs.workflows import Workflows

_LAST_WORDS: Final = 10.0
"""Seconds that a run waits for those it replaces: their clean-up, on whatever replica. Shorter than what is mended."""

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

    async def begin(self, run: Run, stored: Enqueued, *, delay: float) -> None:
        """Begins a new run, `delay` seconds from now.

        Raises:
            StoreUnavailable: the store does not answer; the run is stored, and begun later.
        """
        for old in stored.replaced:
            await self._cancel(old.id, by="nexus", reason=f"replaced by run {run.id}")
        self._note_change(run)
        if not stored.is_placed:
            await self.give_places()  # one may have got free since
        elif stored.replaced:
            self._start(f"jobs.replace {run.id}", self._follow(run, stored.replaced, delay=delay))
        else:
            await self._begin_soon(run, delay=delay)

    async def _follow(self, run: Run, replaced: tuple[Run, ...], *, delay: float) -> None:
        """Begins a run when those that it replaces have ended, or do not end in time."""
        try:
            async with asyncio.timeout(_LAST_WORDS):
                for old in replaced:
                    with contextlib.suppress(UnknownRun):
                        await self._wait(old.id, _LAST_WORDS)
        except (TimeoutError, StoreUnavailable):
            logger.warning("run %s does not wait for those it replaces any longer", run.id, extra={"run": run.id})
        with contextlib.suppress(StoreUnavailable):  # it is stored, so it is begun when the store answers again
            await self._begin_soon(run, delay=delay)

    async def _begin_soon(self, run: Run, *, delay: float = 0.0, ahead: int = 0) -> bool:
        try:
            async with asyncio.timeout(2.0):
                await self.hand(run, delay=delay, at_once=self._executor.has_place(ahead))
        except TimeoutError:  # it is stored, so it is begun when the store answers again
            logger.warning("run %s begins late: the store is slow", run.id, extra={"event": "job.late", "run": run.id})
            return False
        return True

    async def hand(self, run: Run, /, *, delay: float, at_once: bool) -> None:
        """Makes a stored run's next attempt known to the engine's library; once, however often it is called."""
        is_direct = at_once and not delay
        await self._workflows.start(run.id, run.attempt + 1, at_once=is_direct, delay=delay)
        if not is_direct:
            await self._call(lambda: self._store.hand([run.id]))

    def has_limits(self) -> bool:
        """True where any job is limited."""
        jobs = self._source.definitions().values()
        return self._places.total is not None or any(job.concurrency is not None for job in jobs)

    def is_limited(self, key: JobKey) -> bool:
        """True where only so many runs of a job, or of all, may go on at once over all replicas."""
        return self._places.total is not None or self._limit_of(key) is not None

    def _limit_of(self, key: JobKey) -> int | None:
        definition = self._source.definitions().get(key)
        return definition.concurrency if definition is not None else None

    async def give_places(self) -> None:
        """Begins the runs that get a place now; what the store does not give now, the housekeeping asks for again."""
        with contextlib.suppress(StoreUnavailable):
            placed = await self._call(lambda: self._places.give(self._limit_of))
            for ahead, run in enumerate(placed):
                if not await self._begin_soon(run, ahead=ahead):
                    return
