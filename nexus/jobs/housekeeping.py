"""What has to be done again and again while runs are kept: look after them, begin what was forgotten, drop the old."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol

from nexus.jobs.database import Database
from nexus.jobs.execution import Executor
from nexus.jobs.history import History
from nexus.jobs.run import Run
from nexus.jobs.store import RunStore
from nexus.jobs.store_threads import StoreThreads
from nexus.jobs.workflows import Workflows

_LOOK: Final = 1.0
"""Seconds between two looks at what the attempts under way have told, and whether somebody wants to end one."""

_MEND: Final = 15.0
"""Seconds between two looks for runs that were stored and never begun."""

_PRUNE: Final = 300.0
"""Seconds between two looks at the limits of the history."""

_LONG: Final = 30.0
"""Seconds that a store with a long history may take."""

logger = logging.getLogger("nexus.jobs")


class Hand(Protocol):
    """Makes a stored run's next attempt known to the engine's library."""

    def __call__(self, run: Run, /, *, delay: float, at_once: bool) -> Awaitable[None]:
        """Hands it over."""


class Housekeeping:
    """Four duties, each a coroutine that ends when it is cancelled."""

    def __init__(
        self,
        *,
        database: Database,
        store: RunStore,
        history: History,
        executor: Executor,
        workflows: Workflows,
        call_store: StoreThreads,
        keep_runs: int,
        keep_days: float,
        hand: Hand,
        give_places: Callable[[], Awaitable[None]],
        has_limits: Callable[[], bool],
        on_change: Callable[[Run], None],
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._store = store
        self._history = history
        self._executor = executor
        self._workflows = workflows
        self._call = call_store
        self._keep_runs = keep_runs
        self._keep_days = keep_days
        self._hand = hand
        self._give_places = give_places
        self._has_limits = has_limits
        self._note_change = on_change
        self._now = now

    def duties(self) -> tuple[tuple[str, Coroutine[Any, Any, None]], ...]:
        """Gives what is to be kept running, each with its name."""
        return (
            ("jobs.watch", _repeat(_LOOK, self.look)),
            ("jobs.places", _repeat(_LOOK, self.give_places)),
            ("jobs.mend", _repeat(_MEND, self.mend)),
            ("jobs.history", _repeat(_PRUNE, self.prune)),
        )

    async def look(self) -> None:
        """Stores what the attempts under way have told, and ends those that somebody wants to end."""
        if not self._executor.active:
            return
        await self._executor.note_all()
        running = tuple(self._executor.active)
        for run_id, reason in (await self._call(lambda: self._store.cancelled(running))).items():
            if (active := self._executor.active.get(run_id)) is not None:
                active.stop("cancelled", reason)

    async def give_places(self) -> None:
        """Begins what waits for a place where one got free: its run ended elsewhere, or its next attempt is due."""
        if self._has_limits():
            await self._give_places()

    async def mend(self) -> None:
        """Begins what a host stored that died, or could not go on, before it had begun it; ends what is late."""
        for run in await self._call(self._store.skip_late):
            self._note_change(run)
        await self._give_places()  # a limit may be there no longer
        now = self._now()
        for run in await self._call(lambda: self._store.unhanded(_MEND, 500)):
            wait = (run.next_attempt_at - now).total_seconds() if run.next_attempt_at else 0.0
            await self._hand(run, delay=max(wait, 0.0), at_once=False)

    async def prune(self) -> None:
        """Drops the final runs that are kept no longer, and gives their space back."""
        oldest = self._now() - timedelta(days=self._keep_days)
        is_smaller = False
        while runs := await self._call(
            lambda: self._history.beyond(keep=self._keep_runs, older_than=oldest), patience=_LONG
        ):
            await self._workflows.delete(runs)
            await self._call(partial(self._history.drop, [run_id for run_id, _ in runs]), patience=_LONG)
            is_smaller = True
        if is_smaller:
            await self._call(self._database.shrink, patience=_LONG)


async def _repeat(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    was_well = True
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
            was_well = True
        except Exception as error:  # noqa: BLE001 - the next turn tries again
            level = logging.WARNING if was_well else logging.DEBUG  # an outage is told once
            logger.log(level, "housekeeping of runs waits: %s", error, extra={"event": "jobs.housekeeping"})
            was_well = False
