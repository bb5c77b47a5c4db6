"""Jobs: from the request to the start of the run, runs a second, and idle processor use, beside other engines.

Each engine is a process that stores a run at `POST …` and does it itself. All have databases of their own on one
PostgreSQL, and serve throughout; in each round every one is measured, and they take turns at being first.
"""

import asyncio
import contextlib
import itertools
import os
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from measurement import Effort, Row, median_ratio
from report import FOR_INFORMATION
from servers import HERE, free_port, nexus_command, serving, token

sys.path.append(str(HERE.parent.parent))
from tests.postgres import Postgres, running  # the tests' own server: Debian's programs in a folder of their own

REQUESTS, GAP = 100, 0.05  # on an idle host: so many a round, seconds apart
RUNS = 1000  # for runs a second: so many a round
REFUSED = 100  # requests that a crowded machine may cost
IDLE = 10.0  # seconds of doing nothing

MODULE = '''
import time

import nexus
from aiohttp import web
from pydantic import BaseModel

bench = nexus.Module("bench", version="1.0.0")
begun: dict[int, float] = {}


class Options(BaseModel):
    """Which one it is."""

    number: int


@bench.job("work", options=Options, overlap="allow")
async def work(_context: nexus.JobContext, options: Options) -> None:
    """Note when it begins."""
    begun[options.number] = time.perf_counter()


@bench.get("/starts", access=nexus.PUBLIC)
async def starts(_request: web.Request) -> web.Response:
    """Tell when runs began."""
    answer = web.json_response(begun)
    begun.clear()
    return answer
'''


@dataclass(kw_only=True)
class Engine:
    """One of those that are compared, with what was measured of it: a value each round."""

    name: str
    command: list[str]
    folder: Path
    port: int
    trigger: str = "/trigger"
    starts: str = "/starts"
    headers: dict[str, str] = field(default_factory=dict)
    pid: int = 0
    refused: int = 0
    half: list[float] = field(default_factory=list)
    slowest: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What is measured of an engine, and what it has to reach there."""

    name: str
    unit: str
    values: str
    most: float | None = None
    least_ratio: float | None = None


MEASURES = (
    Measure(name="start on demand, p50", unit="ms", values="half", most=10),
    Measure(name="start on demand, p99", unit="ms", values="slowest", most=50),
    Measure(name="runs a second", unit="runs/s", values="rate", least_ratio=0.9),
    Measure(name="idle processor use", unit="% of a core", values="idle", most=1),
)


def measure(folder: Path, effort: Effort) -> list[Row]:
    with running() as server:
        shared, own = on_postgresql(folder, server), on_sqlite(folder)
        with contextlib.ExitStack() as stack:
            for engine in (*shared, *own):
                path = engine.starts
                process = stack.enter_context(serving(engine.command, engine.folder, engine.port, path))
                engine.pid = process.pid
            for engine in (shared[0], own[0]):
                engine.headers = {"Authorization": f"Bearer {token(engine.folder)}"}
            asyncio.run(measure_all([*shared, *own], effort))
    for engine in (*shared, *own):
        if engine.refused:
            print(f"{engine.name} refused {engine.refused} requests, which were made again", flush=True)
    return [*rows(*shared, where="PostgreSQL"), *rows(*own, where="SQLite")]


def on_postgresql(folder: Path, server: Postgres) -> list[Engine]:
    return [
        nexus_engine(folder / "nexus", server.fresh_database()),
        *(
            library_engine(folder / kind, name, kind, server.fresh_database())
            for kind, name in (
                ("dbos-queue", "the bare engine's queue"),
                ("dbos-direct", "the bare engine, unbounded"),
                ("procrastinate", "procrastinate"),
                ("saq", "SAQ"),
            )
        ),
    ]


def on_sqlite(folder: Path) -> list[Engine]:
    file = folder / "bare.db"
    ours = nexus_engine(folder / "nexus-sqlite", f"sqlite:///{folder}/nexus.db")
    return [ours, library_engine(folder / "bare", "the bare engine's queue", "dbos-queue", f"sqlite:///{file}")]


def nexus_engine(folder: Path, database: str) -> Engine:
    (folder / "modules").mkdir(parents=True)
    (folder / "modules" / "bench.py").write_text(MODULE)
    (folder / "config.toml").write_text(f"[global.store]\nurl = '{database}'\n[modules.bench]\npath = 'modules'\n")
    port = free_port()
    return Engine(
        name="Nexus",
        command=nexus_command(folder, port),
        folder=folder,
        port=port,
        trigger="/api/modules/bench/jobs/work",
        starts="/m/bench/starts",
    )


def library_engine(folder: Path, name: str, kind: str, database: str) -> Engine:
    folder.mkdir()
    port = free_port()
    command = [sys.executable, str(HERE / "job_servers.py"), str(port), kind, database]
    return Engine(name=name, command=command, folder=folder, port=port)


async def measure_all(engines: list[Engine], effort: Effort) -> None:
    numbers = itertools.count()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        for engine in engines:  # what is made at the first use is made now
            await rate(session, engine, numbers, 50, effort.connections)
        for turn in range(effort.rounds):
            await asyncio.sleep(1.0)
            for engine, used in zip(engines, await idle_use(engines), strict=True):
                engine.idle.append(used)
            for engine in engines[turn % len(engines) :] + engines[: turn % len(engines)]:
                delays = await start_delays(session, engine, numbers)
                engine.half.append(statistics.median(delays))
                engine.slowest.append(statistics.quantiles(delays, n=100)[98])
                engine.rate.append(await rate(session, engine, numbers, RUNS, effort.connections))


async def start_delays(session: aiohttp.ClientSession, engine: Engine, numbers: Iterator[int]) -> list[float]:
    """Milliseconds from before each request to the first line of its run, one request at a time."""
    asked = {}
    for number in itertools.islice(numbers, REQUESTS):
        asked[number] = time.perf_counter()
        await trigger(session, engine, number)
        await asyncio.sleep(GAP)
    began = await all_started(session, engine, set(asked))
    return [(began[number] - asked[number]) * 1000 for number in asked]


async def rate(
    session: aiohttp.ClientSession, engine: Engine, numbers: Iterator[int], count: int, connections: int
) -> float:
    """Runs a second, from the first of many requests to the start of the last run."""
    wanted = list(itertools.islice(numbers, count))
    waiting = iter(wanted)

    async def some() -> None:
        for number in waiting:
            await trigger(session, engine, number)

    begin = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(connections)))
    began = await all_started(session, engine, set(wanted))
    return count / (max(began.values()) - begin)


async def trigger(session: aiohttp.ClientSession, engine: Engine, number: int) -> None:
    url = f"http://127.0.0.1:{engine.port}{engine.trigger}"
    while True:
        async with session.post(url, json={"number": number}, headers=engine.headers) as answer:
            if answer.status == 202:
                return
            if answer.status != 503 or engine.refused > REFUSED:
                sys.exit(f"{engine.name} answered {answer.status}: {await answer.text()}")
        engine.refused += 1  # its store was too slow just then: one asks again, and the time counts


async def all_started(session: aiohttp.ClientSession, engine: Engine, wanted: set[int]) -> dict[int, float]:
    found: dict[int, float] = {}
    deadline = time.monotonic() + 120
    while not found.keys() >= wanted:
        if time.monotonic() > deadline:
            sys.exit(f"{engine.name} has begun {len(found)} of {len(wanted)} runs")
        async with session.get(f"http://127.0.0.1:{engine.port}{engine.starts}") as answer:
            found.update({int(number): at for number, at in (await answer.json()).items()})
        await asyncio.sleep(0.05)
    return found


async def idle_use(engines: list[Engine]) -> list[float]:
    """Percent of a core that each has used in the same seconds of rest."""
    before, begin = [processor_seconds(engine.pid) for engine in engines], time.perf_counter()
    await asyncio.sleep(IDLE)
    after, passed = [processor_seconds(engine.pid) for engine in engines], time.perf_counter() - begin
    return [(late - early) / passed * 100 for early, late in zip(before, after, strict=True)]


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rows(ours: Engine, *others: Engine, where: str) -> Iterator[Row]:
    """A row for each measure and each of the others; what has to be reached stands beside the bare engine."""
    for each, other in itertools.product(MEASURES, others):
        mine, theirs = tuple(getattr(ours, each.values)), tuple(getattr(other, each.values))
        target, reached = verdict(each, mine, theirs) if other is others[0] else (FOR_INFORMATION, True)
        name = f"{each.name}, {where} : {other.name}"
        yield Row(name=name, unit=each.unit, ours=mine, theirs=theirs, target=target, reached=reached)


def verdict(each: Measure, mine: tuple[float, ...], theirs: tuple[float, ...]) -> tuple[str, bool]:
    if each.least_ratio is not None:
        return f"ratio {each.least_ratio:.2f} or better", median_ratio(mine, theirs) >= each.least_ratio
    return f"under {each.most:g} {each.unit}", statistics.median(mine) < (each.most or 0)
