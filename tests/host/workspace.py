"""A real host over real module files; only time is moved by hand."""

import asyncio
import contextlib
import heapq
import itertools
import textwrap
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nexus.checks.clock import Clock
from nexus.config.host_binding import bind_host
from nexus.config.loading import Loaded, load
from nexus.config.scrubber import Scrubber
from nexus.discovery.catalog import Catalog, discover
from nexus.host.host import Host
from nexus.spec.state import ModuleState


class MovedTime:
    """A clock that stands still until `advance` is called."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()
        self.clock = Clock(now=self.now, monotonic=lambda: self.seconds, sleep=self.sleep, spread=lambda: 0.5)

    def now(self) -> datetime:
        return datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.seconds + seconds, next(self._count), future))
        await future

    async def advance(self, seconds: float) -> None:
        self.seconds += seconds
        while self._sleepers and self._sleepers[0][0] <= self.seconds:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
        for _ in range(20):
            await asyncio.sleep(0)


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Waits for a condition, at most `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


@dataclass
class Workspace:
    """A directory with modules and a configuration, and the hosts made of it."""

    directory: Path
    time: MovedTime
    scrubber: Scrubber = field(default_factory=Scrubber)
    environ: dict[str, str] = field(default_factory=dict)

    def module(self, name: str, body: str = "", *, arguments: str = "") -> None:
        head = (
            f"import asyncio\nimport contextlib\nimport nexus\nm = nexus.Module({name!r}, version='1.0'{arguments})\n"
        )
        (self.directory / "mods").mkdir(exist_ok=True)
        (self.directory / "mods" / f"{name}.py").write_text(head + textwrap.dedent(body))

    def configure(self, text: str) -> None:
        (self.directory / "config.toml").write_text(textwrap.dedent(text))

    def run_all(self, *names: str, extra: str = "") -> None:
        """Writes a configuration that runs the named modules, each quick to time out."""
        tables = (f"[modules.{name}]\npath = 'mods'\nstartup_timeout = 2\nshutdown_timeout = 2\n" for name in names)
        self.configure("".join(tables) + textwrap.dedent(extra))

    def load(self) -> Loaded:
        return load(directory=self.directory, environ=self.environ, scrubber=self.scrubber)

    def catalog(self, reuse: Catalog | None = None) -> Catalog:
        settings = bind_host(self.load(), self.scrubber).value
        assert settings is not None
        return discover(settings, directory=self.directory, shipped=self.directory / "none", reuse=reuse)

    def make(self, **options: object) -> Host:
        loaded = self.load()
        settings = bind_host(loaded, self.scrubber).value
        assert settings is not None, loaded.problems
        return Host(
            loaded,
            settings,
            self.catalog(),
            scrubber=self.scrubber,
            environ={},
            clock=options.pop("clock", self.time.clock),
            rediscover=lambda settings, directory, catalog: discover(
                settings, directory=directory, shipped=self.directory / "none", reuse=catalog
            ),
            **options,
        )

    @contextlib.asynccontextmanager
    async def running(self, **options: object) -> AsyncIterator[Host]:
        """A started host; afterwards none of its tasks is left."""
        before = asyncio.all_tasks()
        async with self.make(**options) as host:
            await host.start()
            yield host
        assert asyncio.all_tasks() == before
        assert host.phase == "stopped"


def state(host: Host, name: str) -> ModuleState:
    return host.modules[name].status.state


def code(host: Host, name: str) -> str | None:
    reason = host.modules[name].status.reason
    return reason.code if reason else None
