"""A source of jobs for the engine alone: no host, no HTTP, and jobs that a test writes as plain functions."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nexus.config.scrubber import Scrubber
from nexus.jobs.definition import JobDefinition
from nexus.jobs.engine import JobEngine
from nexus.jobs.engine_settings import EngineSettings
from nexus.jobs.run import Run
from nexus.jobs.schedule import parse_schedule
from nexus.spec.context import ModuleContext

PATIENCE = 60.0


class Shop:
    """The module `shop`; implements `JobSource`."""

    def __init__(self) -> None:
        self.jobs: dict[tuple[str, str], JobDefinition] = {}
        self.is_serving = True
        self.may_come = False

    def add(self, name: str, run: Callable[..., object], **options: object) -> JobDefinition:
        line, zone = options.pop("line", None), options.pop("timezone", "UTC")
        values = {
            "module": "shop",
            "name": name,
            "type": name,
            "summary": "",
            "run": run,
            "model": None,
            "options": None,
            "line": line,
            "timezone": zone,
            "schedule": parse_schedule(line, zone) if line else None,
            "overlap": "forbid",
            "concurrency": None,
            "deadline": None,
            "jitter": 0.0,
            "attempts": 1,
            "retry_delay": 0.01,
            "retry_delay_max": 1.0,
            "timeout": None,
            "paused": False,
        }
        job = JobDefinition(**{**values, **options})
        self.jobs[job.key] = job
        return job

    def definitions(self, module: str | None = None):
        return {key: job for key, job in self.jobs.items() if module in (None, key[0])}

    def is_declared(self, _key: tuple[str, str]) -> bool:
        return False

    def context(self, module: str):
        if module != "shop" or not self.is_serving:
            return None
        nothing = None
        return ModuleContext(
            **{
                **dict.fromkeys(ModuleContext.__dataclass_fields__, nothing),
                "name": "shop",
                "logger": logging.LoggerAdapter(logging.getLogger("nexus.modules.shop"), {}),
            }
        )

    def is_coming(self, _module: str) -> bool:
        return self.may_come


class Workplace:
    """Opens engines, one after another, on one store."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.shop = Shop()
        self.scrubber = Scrubber()
        self.told: list[Run] = []
        self.ahead = 0.0
        self.limits: dict[str, object] = {}
        self._count = 0

    def now(self) -> datetime:
        return datetime.fromtimestamp(datetime.now(UTC).timestamp() + self.ahead, UTC)

    def hold_clock(self, at: datetime) -> None:
        """Lets the time go on by `ahead` alone."""
        self.now = lambda: at + timedelta(seconds=self.ahead)

    def engine(self, **limits: object) -> JobEngine:
        self._count += 1
        settings = {
            "concurrency": 10,
            "total_concurrency": None,
            "keep_runs": 1000,
            "keep_days": 30,
            "log_lines": 50,
            "result_bytes": 1000,
            **limits,
        }
        return JobEngine(
            EngineSettings(
                url=self.url,
                directory=self.folder,
                state_dir=self.folder,
                name="test",
                replica=f"replica-{self._count}",
                **settings,
            ),
            self.shop,
            spawn=lambda name, work: asyncio.get_running_loop().create_task(work, name=name),
            scrub=self.scrubber.scrub_data,
            on_change=self.told.append,
            now=self.now,
        )


async def finished(engine: JobEngine, run: Run) -> Run:
    """The run once it has ended."""
    ended = await engine.wait(run.id, PATIENCE)
    assert ended.status.is_final, ended
    return ended


async def done(engine: JobEngine, name: str, given: dict | None = None, **asked: object) -> Run:
    """Runs a job of the shop to its end."""
    return await finished(engine, await engine.trigger("shop", name, given or {}, by="ann", **asked))


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.005)
