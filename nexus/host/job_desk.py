"""Opens the job engine where a module has jobs, and closes it; a host without jobs never loads it."""

import asyncio
import importlib
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nexus.config.scrubber import Scrubber
from nexus.config.settings import GlobalSettings
from nexus.host.hosted_module import HostedModule
from nexus.host.job_source import HostedJobs
from nexus.host.readiness import Readiness, judge
from nexus.host.supervisor import Supervisor
from nexus.jobs.errors import StoreHeld, StoreUnavailable, StoreUnusable
from nexus.spec.state import Reason

if TYPE_CHECKING:
    from nexus.jobs.engine import JobEngine
    from nexus.jobs.run import Run

_AGAIN: Final = 5.0
"""Seconds between two tries to open a store that does not answer."""

logger = logging.getLogger("nexus.host")


class JobDesk:
    """Owner of the job engine.

    Args:
        settings: gives the host's own settings.
        modules: gives all modules by name.
        directory: the configuration's.
        state_dir: of local state.
        replica: unique for each start.
        supervisor: owns the engine's tasks.
        scrubber: knows every secret.
        on_change: told each run that has moved on this replica.
        now: the present instant, UTC.
    """

    def __init__(
        self,
        settings: GlobalSettings,
        modules: Callable[[], Mapping[str, HostedModule]],
        *,
        directory: Path,
        state_dir: Path,
        replica: str,
        supervisor: Supervisor,
        scrubber: Scrubber,
        on_change: "Callable[[Run], None]",
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self.source = HostedJobs(modules)
        self._directory = directory
        self._state_dir = state_dir
        self._replica = replica
        self._supervisor = supervisor
        self._scrubber = scrubber
        self._on_change = on_change
        self._now = now
        self._engine: JobEngine | None = None
        self._opening: asyncio.Task[None] | None = None
        self._trouble: str | None = None
        self._is_ending = False

    @property
    def is_needed(self) -> bool:
        """True where some module has a job."""
        return bool(self.source.definitions())

    @property
    def engine(self) -> "JobEngine":
        """The open engine.

        Raises:
            StoreUnavailable: it is not open, or not yet.
        """
        if self._engine is None:
            raise StoreUnavailable(self._trouble or "the store of runs is not open: no module has jobs, or it opens")
        return self._engine

    def find_engine(self) -> "JobEngine | None":
        """Gives the open engine, None where no module has jobs.

        Raises:
            StoreUnavailable: it is needed, and not open yet.
        """
        return self.engine if self._engine is not None or self.is_needed else None

    async def start(self) -> None:
        """Opens the engine where it is needed; tries again in the background while the store does not answer.

        Raises:
            StoreHeld: another host has the store's file open.
        """
        if self._engine is not None:
            self._engine.refresh()
        elif self.is_needed and self._opening is None and not self._is_ending:
            try:
                await self._open()
            except StoreHeld:
                raise
            except (StoreUnusable, StoreUnavailable) as error:
                self._note_trouble(error)
                self._opening = self._supervisor.start("jobs.open", self._keep_opening())

    def begin_drain(self) -> None:
        """Begins no further runs."""
        self._is_ending = True
        if self._engine is not None:
            self._engine.begin_drain()

    async def close(self, grace: float) -> None:
        """Waits for what runs, up to `grace` seconds, and leaves the rest for others."""
        self.begin_drain()
        if self._opening is not None:
            await self._supervisor.stop((self._opening,), 5.0)
        if self._engine is not None:
            await self._engine.close(grace)
            self._engine = None

    def readiness(self) -> Readiness:
        """Gives a warning while jobs wait: the routes serve, so requests may come."""
        trouble = self._trouble or (self._engine.trouble if self._engine is not None else None)
        return judge((), [Reason("jobs_waiting", trouble)] if trouble else ())

    async def _keep_opening(self) -> None:
        while self._engine is None and not self._is_ending:
            await asyncio.sleep(_AGAIN)
            try:
                await self._open()
            except (StoreUnusable, StoreUnavailable) as error:
                self._note_trouble(error)

    async def _open(self) -> None:
        # In a thread: the library takes most of a second to load.
        await asyncio.to_thread(importlib.import_module, "nexus.jobs.engine")
        from nexus.jobs.engine import JobEngine  # noqa: PLC0415 - loaded for hosts with jobs alone
        from nexus.jobs.engine_settings import EngineSettings  # noqa: PLC0415

        jobs = self._settings.jobs
        engine = JobEngine(
            EngineSettings(
                url=self._settings.store.url,
                directory=self._directory,
                state_dir=self._state_dir,
                name=self._settings.name,
                replica=self._replica,
                concurrency=jobs.concurrency,
                total_concurrency=jobs.total_concurrency,
                keep_runs=jobs.keep_runs,
                keep_days=jobs.keep_days,
                log_lines=jobs.log_lines,
                result_bytes=jobs.result_bytes,
            ),
            self.source,
            spawn=self._supervisor.start,
            scrub=self._scrubber.scrub_data,
            on_change=self._on_change,
            now=self._now,
        )
        await engine.open()
        self._engine = engine
        self._trouble = None

    def _note_trouble(self, error: Exception) -> None:
        told = self._scrubber.scrub(str(error))
        if told != self._trouble:
            logger.error("jobs wait: %s", told, extra={"event": "jobs.store.down"})
        self._trouble = told
