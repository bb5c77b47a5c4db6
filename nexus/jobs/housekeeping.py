"""What has to be done again and again while runs are kept: look after them, begin what waits, drop the old."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from nexus.jobs.beginnings import Beginnings
from nexus.jobs.database import Database
from nexus.jobs.execution import Executor
from nexus.jobs.history import History
from nexus.jobs.replicas import Replicas
from nexus.jobs.run import Run
from nexus.jobs.store import RunStore
from nexus.jobs.store_threads import StoreThreads
from nexus.jobs.workflows import Workflows

_LOOK: Final = 1.0
"""Seconds between two looks at what the attempts under way have told, and whether somebody wants to end one."""

_MEND: Final = 15.0
"""Seconds between two looks for runs that can begin no more, or wait for what is no more."""

_PRUNE: Final = 300.0
"""Seconds between two looks at the limits of the history."""

_LONG: Final = 30.0
"""Seconds that a store with a long history may take."""

logger = logging.getLogger("nexus.jobs")


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
        beginnings: Beginnings,
        on_change: Callable[[Run], None],
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._store = store
        self._history = history
        self._executor = executor
        self._workflows = workflows
        self._replicas = Replicas(database)
        self._call = call_store
        self._keep_runs = keep_runs
        self._keep_days = keep_days
        self._beginnings = beginnings
        self._note_change = on_change
        self._now = now

    def duties(self) -> tuple[tuple[str, Coroutine[Any, Any, None]], ...]:
        """Gives what is to be kept running, each with its name."""
        return (
            ("jobs.watch", _repeat(partial(asyncio.sleep, _LOOK), self.look)),
            ("jobs.begin", _repeat(self._beginnings.wait, self._beginnings.look)),
            ("jobs.mend", _repeat(partial(asyncio.sleep, _MEND), self.mend)),
            ("jobs.history", _repeat(partial(asyncio.sleep, _PRUNE), self.prune)),
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

    async def mend(self) -> None:
        """Ends what waits and can begin no more, and gives places where there is a limit no longer."""
        for run in await self._call(self._store.skip_late):
            self._note_change(run)
        await self._beginnings.give_places()

    async def prune(self) -> None:
        """Drops the final runs that are kept no longer and gives their space back, and forgets dead replicas."""
        await self._call(self._replicas.forget_dead)
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


async def _repeat(wait: Callable[[], Awaitable[None]], work: Callable[[], Awaitable[None]]) -> None:
    was_well = True
    while True:
        await wait()
        try:
            await work()
            was_well = True
        except Exception as error:  # noqa: BLE001 - the next turn tries again
            level = logging.WARNING if was_well else logging.DEBUG  # an outage is told once
            logger.log(level, "housekeeping of runs waits: %s", error, extra={"event": "jobs.housekeeping"})
            was_well = False
