"""Stores the run of a schedule's instant, and begins it: once, on whichever replica comes first."""

import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from nexus.jobs.definition import JobDefinition
from nexus.jobs.identity import scheduled_id
from nexus.jobs.run import Run
from nexus.jobs.store import RunStore
from nexus.jobs.store_answers import Enqueued
from nexus.jobs.store_threads import StoreThreads

logger = logging.getLogger("nexus.jobs")


class Begin(Protocol):
    """Begins a stored run."""

    def __call__(self, run: Run, stored: Enqueued, /, *, at_once: bool) -> Awaitable[None]:
        """Begins it here and now, or when it is due and has a place."""


class Firing:
    """Stores what is due.

    Args:
        store: keeps the runs.
        call_store: calls the store off the loop.
        new_run: makes a run of a job.
        place: keeps a place for a run while it is stored and begun, where there is one.
        begin: begins it once it is stored.
        on_change: told each run that is skipped.
        now: the present instant, UTC.
    """

    def __init__(
        self,
        *,
        store: RunStore,
        call_store: StoreThreads,
        new_run: Callable[..., Run],
        place: Callable[[], AbstractContextManager[bool]],
        begin: Begin,
        on_change: Callable[[Run], None],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._call = call_store
        self._new_run = new_run
        self._place = place
        self._begin = begin
        self._note_change = on_change
        self._now = now

    async def fire(self, definition: JobDefinition, due: datetime) -> None:
        """Has the run of an instant stored, and begun, skipped or left out, as the job has it.

        Raises:
            StoreUnavailable: it could not be stored.
        """
        delay = definition.jitter * random.random()  # noqa: S311 - spreads load, keeps no secret
        run = self._due_run(definition, due, delay)
        if run is None:
            return
        with self._place() as is_free:
            at_once = is_free and not delay
            stored = await self._call(
                lambda: self._store.enqueue_due(
                    run, definition.overlap, paused=definition.paused, limit=definition.concurrency, at_once=at_once
                )
            )
            if stored.outcome == "new":
                await self._begin(run, stored, at_once=at_once)
        if stored.outcome == "new":
            return
        if stored.outcome == "overlaps" and stored.run is not None:
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
                next_attempt_at=self._now() + timedelta(seconds=delay) if delay else None,
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
