"""This replica's sign of life, and what follows from its absence: its own silence, and others' runs taken up.

A replica that could not give a sign of life for `DEAD_AFTER` seconds is dead to the others. It must know so first: it
begins no further step once it has been silent for a shorter time, until it has asked the store who it is.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from nexus.jobs.abandoned import AbandonedRuns
from nexus.jobs.active import Active
from nexus.jobs.database import Database, told_error
from nexus.jobs.errors import StoreUnavailable
from nexus.jobs.farewells import Farewells
from nexus.jobs.replicas import DEAD_AFTER, Replicas
from nexus.jobs.run import Run
from nexus.jobs.store_threads import StoreThreads
from nexus.jobs.workflows import Workflows

_BEAT: Final = 3.0
"""Seconds between two signs of life, so also until an outage of the store is told."""

_SILENT_AFTER: Final = DEAD_AFTER - 5.0

_TAKE_UP: Final = 10.0
"""Seconds that looking for the dead may take."""

logger = logging.getLogger("nexus.jobs")


class Lease:
    """Beats, and takes up what dead replicas have left.

    Args:
        database: tells whether others may be there.
        replica: this one's id.
        name: this one's name, for people.
        state_dir: of local state.
        abandoned: takes the runs of the dead.
        call_store: calls the store off the loop.
        active: the attempts under way here.
        on_end: told each run that ends because its host died.
    """

    def __init__(
        self,
        database: Database,
        *,
        replica: str,
        name: str,
        state_dir: Path,
        abandoned: AbandonedRuns,
        call_store: StoreThreads,
        workflows: Workflows,
        active: Callable[[], list[Active]],
        on_end: Callable[[Run], None],
    ) -> None:
        self._is_shared = database.is_shared
        self._replicas = Replicas(database)
        self._replica = replica
        self._name = name
        self._abandoned = abandoned
        self._farewells = Farewells(state_dir, abandoned, self._replicas)
        self._call = call_store
        self._workflows = workflows
        self._active = active
        self._on_end = on_end
        self._beaten_at = 0.0
        self._is_beating = asyncio.Lock()
        self.trouble: str | None = None

    async def join(self) -> None:
        """Takes part; before this replica takes anything, which the others would take for a dead one's."""
        await self._call(self._farewells.tell)
        await self._call(lambda: self._replicas.join(self._replica, self._name))
        self._beaten_at = time.monotonic()

    async def leave(self) -> None:
        """Takes part no longer: others take up at once what is still under way here."""
        await self._call(lambda: self._farewells.leave(self._replica))

    async def keep(self) -> None:
        """Beats until it is cancelled."""
        while True:
            await asyncio.sleep(_BEAT)
            try:
                await self._beat()
                await self.take_up()
            except Exception as error:  # noqa: BLE001 - without signs of life this replica would be dead to the others
                told = str(error) if isinstance(error, StoreUnavailable) else f"the store fails: {told_error(error)}"
                if self.trouble is None:
                    logger.warning("jobs wait: %s", told, extra={"event": "jobs.store.down"})
                self.trouble = told
                continue
            if self.trouble is not None:
                logger.info("the store of runs answers again", extra={"event": "jobs.store.up"})
                self.trouble = None

    async def may_work(self) -> None:
        """Returns where this replica may begin a step.

        Raises:
            asyncio.CancelledError: others may have taken its runs up.
        """
        while time.monotonic() - self._beaten_at > _SILENT_AFTER and self._is_shared:
            try:
                await self._beat()
            except StoreUnavailable:
                await asyncio.sleep(1.0)

    async def _beat(self) -> None:
        async with self._is_beating:
            began = time.monotonic()  # the store's clock reads no earlier than this
            if await self._call(lambda: self._replicas.beat(self._replica)):
                self._beaten_at = began
                return
            if self._is_shared:
                await self._start_anew()
            else:
                await self._call(lambda: self._replicas.join(self._replica, self._name))
                self._beaten_at = began

    async def _start_anew(self) -> None:
        """Ends what is under way here: others have it, or will; then takes part again."""
        mine = self._active()
        logger.error(
            "this replica was silent for over %g s, so others may have taken up its runs: it gives up %d attempts",
            DEAD_AFTER,
            len(mine),
            extra={"event": "jobs.replica.silent"},
        )
        for active in mine:
            active.stop("left")
        current = asyncio.current_task()
        ending = [active.ended.wait() for active in mine if active.task is not current]
        if ending:
            await asyncio.wait([asyncio.ensure_future(each) for each in ending], timeout=5.0)
        await self._workflows.recover([self._replica])
        began = time.monotonic()
        await self._call(lambda: self._replicas.join(self._replica, self._name))
        self._beaten_at = began

    async def take_up(self) -> None:
        """Takes up what is left of replicas that are known to be dead.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        try:
            async with asyncio.timeout(_TAKE_UP):
                await self._look_for_dead()
        except TimeoutError as error:
            raise StoreUnavailable(f"the store of runs does not answer within {_TAKE_UP:g} s") from error

    async def _look_for_dead(self) -> None:
        pending = await self._workflows.pending_executors() | await self._call(self._abandoned.owners)
        living = await self._call(self._replicas.living) if self._is_shared else frozenset({self._replica})
        dead = pending - living - {self._replica}
        if dead:
            logger.warning(
                "taking up the runs of %s",
                ", ".join(sorted(dead)),
                extra={"event": "jobs.take_up", "replicas": sorted(dead)},
            )
            # First our books, then the library's: a replica that thaws in between finds the run no longer its own.
            ended = await self._call(lambda: self._abandoned.take_from(dead))
            await self._workflows.recover(dead)
            for run in ended:
                self._on_end(run)
