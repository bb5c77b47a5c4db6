"""Stores the run of a schedule's instant, and begins it: once, on whichever replica comes first."""

import logging
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

from nexus.jobs.definition import JobDefinition
from nexus.jobs.identity import scheduled_id
from nexus.jobs.run import Run
from nexus.jobs.store import Enqueued, RunStore
from nexus.jobs.store_threads import StoreThreads

logger = logging.getLogger("nexus.jobs")


class Begin(Protocol):
    """Begins a stored run."""

    def __call__(self, run: Run, stored: Enqueued, /, *, delay: float) -> Awaitable[None]:
        """Begins it after `delay` seconds."""


class Firing:
    """Stores what is due.

    Args:
        store: keeps the runs.
        call_store: calls the store off the loop.
        new_run: makes a run of a job.
        begin: begins it once it is stored.
        on_change: told each run that is skipped.
    """

    def __init__(
        self,
        *,
        store: RunStore,
        call_store: StoreThreads,
        new_run: Callable[..., Run],
        begin: Begin,
        on_change: Callable[[Run], None],
    ) -> None:
        self._store = store
        self._call = call_store
        self._new_run = new_run
        self._begin = begin
        self._note_change = on_change

    async def fire(self, definition: JobDefinition, due: datetime) -> None:
        """Has the run of an instant stored, and begun, skipped or left out, as the job has it.

        Raises:
            StoreUnavailable: it could not be stored.
        """
        delay = definition.jitter * random.random()  # noqa: S311 - spreads load, keeps no secret
        run = self._due_run(definition, due, delay)
        if run is None:
            return
        stored = await self._call(
            lambda: self._store.enqueue_due(
                run, definition.overlap, paused=definition.paused, limit=definition.concurrency
            )
        )
        if stored.outcome == "new":
            await self._begin(run, stored, delay=delay)
        elif stored.outcome == "overlaps" and stored.run is not None:
            logger.warning(
                "job %s.%s: the run due at %s is skipped: %s",
                definition.module,
                definition.name,
                due.isoformat(),
                stored.run.reason,
                extra={"event": "job.skipped", "module_name": definition.module, "run": run.id},
            )
            self._note_change(stored.run)

    async def miss(self, definition: JobDefinition, due: datetime, reason: str) -> None:
        """Has a run stored that was due and does not start: with the reason.

        Raises:
            StoreUnavailable: it could not be stored.
        """
        run = self._due_run(definition, due, 0.0)
        if run is None:
            return
        skipped = await self._call(lambda: self._store.skip(run, reason, paused=definition.paused))
        if skipped is not None:
            self._note_change(skipped)

    def _due_run(self, definition: JobDefinition, due: datetime, delay: float) -> Run | None:
        limit = definition.deadline
        try:
            return self._new_run(
                definition,
                {},
                id=scheduled_id(definition.key, due),
                trigger="schedule",
                scheduled_for=due,
                start_by=None if limit is None else due + timedelta(seconds=delay + limit),
            )
        except Exception:
            logger.exception(
                "job %s.%s cannot be run: its options do not bind",
                definition.module,
                definition.name,
                extra={"event": "job.options", "module_name": definition.module},
            )
            return None
