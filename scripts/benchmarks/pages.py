"""The pages of a large host beside those of a small one, and what open live tabs cost."""

import asyncio
import os
import sqlite3
import statistics
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
from measurement import Effort, Row, median_ratio
from report import FOR_INFORMATION
from servers import free_port, nexus_command, seconds_to_first_answer, start, stop

from nexus.config.settings import StoreSettings
from nexus.jobs.database import Database
from nexus.ui.sign_in import session as sessions
from nexus.ui.sign_in.database import open_database
from nexus.ui.sign_in.session import Person

LARGE, SMALL = (1000, 100_000), (10, 1000)  # modules and runs: 100 of each module
TABS = 200
PAGES = {
    "overview": "/ui",
    "ten modules of the list": "/ui/modules?q=m000",
    "module": "/ui/modules/m0003",
    "ten jobs of the list": "/ui/jobs?q=m000",
    "job": "/ui/modules/m0003/jobs/sync",
    "runs": "/ui/runs",
    "runs by the text of their error": "/ui/runs?text=handle",
    "routes": "/ui/routes",
    "health": "/ui/health",
}
"""They show the same on both hosts, so what is measured is the price of size alone."""

FULLER = {"modules, 50 rows : 10": "/ui/modules", "jobs, 25 rows : 10": "/ui/jobs"}
AT_MOST, NOTHING = 1.25, 1.0  # of the small host's time; or so many milliseconds more, which nobody waits for

_MODULE = """import asyncio
import nexus

module = nexus.Module({name!r}, version="1.0.0")


@module.job("sync")
async def sync(context: nexus.JobContext) -> None: ...
"""
_TICKER = """

@module.startup
async def begin(context: nexus.ModuleContext) -> None:
    async def tick() -> None:
        while True:
            context.events.publish("tick")
            await asyncio.sleep(0.2)

    context.tasks.start("tick", tick())
"""


def measure(folder: Path, effort: Effort) -> list[Row]:
    rows: list[Row] = []
    with serving(folder / "large", *LARGE) as large, serving(folder / "small", *SMALL) as small:
        for name, path in (PAGES | FULLER).items():
            ours, theirs = asyncio.run(times(large, small, path, max(effort.rounds, 11)))
            has_target = name in PAGES
            rows.append(
                Row(
                    name=f"page {name}, {LARGE[0]:,} modules, {LARGE[1]:,} runs : {SMALL[0]}, {SMALL[1]:,}",
                    unit="ms CPU",
                    ours=ours,
                    theirs=theirs,
                    target=f"{AT_MOST} or less, or {NOTHING:g} ms" if has_target else FOR_INFORMATION,
                    reached=not has_target or is_flat(ours, theirs),
                )
            )
    with serving(folder / "tabs", *SMALL) as host:
        rows += asyncio.run(live_tabs(host, effort))
        began = time.perf_counter()
        stop(host.process)
        rows.append(information("seconds to the end, after the tabs", "s", (time.perf_counter() - began,)))
    return rows


def is_flat(large: tuple[float, ...], small: tuple[float, ...]) -> bool:
    """Whether a page of the large host costs about as much as the same page of the small one."""
    return median_ratio(large, small) <= AT_MOST or statistics.median(large) - statistics.median(small) <= NOTHING


class Host:
    """A host that serves, and the cookie of a session."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, url: str, cookie: str) -> None:
        self.process = process
        self.folder = folder
        self.url = url
        self.headers = {"Cookie": cookie}


@contextmanager
def serving(folder: Path, modules: int, runs: int) -> Iterator[Host]:
    code = folder / "integrations"
    code.mkdir(parents=True)
    port = free_port()
    lines = ["[global]", f'base_url = "http://127.0.0.1:{port}"', "[modules.liveness]"]
    for number in range(modules):
        name = f"m{number:04}"
        (code / f"{name}.py").write_text(_MODULE.format(name=name) + ("" if number else _TICKER))
        lines += [f"[modules.{name}]", 'path = "integrations"', f"[[modules.{name}.jobs]]"]
        # One module is busy: something always happens, so nothing is shown from memory that may have changed.
        lines += ['type = "sync"', 'schedule = "0 3 1 1 *"' if number else 'schedule = "* * * * * *"']
    (folder / "config.toml").write_text("\n".join(lines) + "\n")
    fill(folder, modules, runs)
    process = start(nexus_command(folder, port), folder)
    try:
        seconds_to_first_answer(process, port, "/readyz", patience=300)
        yield Host(process, folder, f"http://127.0.0.1:{port}", cookie(folder, port))
    finally:
        if process.poll() is None:
            stop(process)


def fill(folder: Path, modules: int, runs: int) -> None:
    """Writes runs of three days, 100 of each module. The tables are the host's own."""
    Database.open("sqlite:///.nexus/nexus.db", directory=folder, state_dir=folder / ".nexus").close()
    now = time.time()
    rows = (
        (
            str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))),
            f"m{number % modules:04}",
            "failed" if is_failed(number, modules, runs) else "succeeded",
            *[now - (runs - number) * 259_200 / runs] * 4,
            '{"type": "RuntimeError", "message": "the handle came off"}' if is_failed(number, modules, runs) else None,
        )
        for number in range(runs)
    )
    with sqlite3.connect(folder / ".nexus" / "nexus.db") as database:
        database.executemany(
            "INSERT INTO nexus_runs (id, module, job, type, trigger, status, attempt, attempts, queued_at, started_at,"
            " finished_at, handed, touched_at, options, input, error)"
            " VALUES (?, ?, 'sync', 'sync', 'manual', ?, 1, 1, ?, ?, ?, 1, ?, '{}', '{}', ?)",
            rows,
        )


def is_failed(number: int, modules: int, runs: int) -> bool:
    """Whether the run of this number went wrong: one in ten did, and of the last runs that of one module alone."""
    return number % 10 == 7 and (number < runs - modules or number % modules == 7)


def cookie(folder: Path, port: int) -> str:
    database = open_database(StoreSettings(), folder / ".nexus")
    try:
        person = Person(subject="bench", issuer="bench", name="bench", may_act=True)
        secret, _ = sessions.begin(database, person, now=time.time(), idle=7200, lifetime=7200, user_agent="bench")
    finally:
        database.close()
    return f"nexus_session_{port}={secret}"


async def times(large: Host, small: Host, path: str, rounds: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Gives the processor time that each host takes for a page: what else the machine does is not in it."""
    measured: tuple[list[float], list[float]] = ([], [])
    async with aiohttp.ClientSession() as session:
        for number in range(rounds + 1):
            pairs = list(zip((large, small), measured, strict=True))
            for host, kept in pairs[:: 1 if number % 2 else -1]:
                began = processor_ms(host.process.pid)
                async with session.get(host.url + path, headers=host.headers) as answer:
                    await answer.read()
                    assert answer.status == 200, f"{path} answers {answer.status}"
                if number:  # the first reads templates
                    kept.append(processor_ms(host.process.pid) - began)
            await asyncio.sleep(1)  # what pages share for a moment is found anew
    return tuple(measured[0]), tuple(measured[1])


async def live_tabs(host: Host, effort: Effort) -> list[Row]:
    """Opens tabs that follow a module which changes five times a second, and asks for its page as they do."""
    asked = 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def tab(headers: dict[str, str]) -> None:
            nonlocal asked
            stream = {**headers, "Accept": "text/event-stream"}
            async with session.get(f"{host.url}/ui/events?watch=module:m0000", headers=stream, timeout=None) as answer:
                assert answer.status == 200, f"the stream answers {answer.status}"
                async for line in answer.content:
                    if line.startswith(b"event: changed"):
                        async with session.get(f"{host.url}/ui/modules/m0000", headers=headers) as page:
                            await page.read()
                        asked += 1

        port = int(host.url.rpartition(":")[2])
        headers = [{"Cookie": cookie(host.folder, port)} for _ in range(TABS // 40)]
        before = memory(host.process.pid)
        tabs = [asyncio.ensure_future(tab(headers[number % len(headers)])) for number in range(TABS)]
        await asyncio.sleep(6)
        begun, cpu, first = time.perf_counter(), processor_seconds(host.process.pid), asked
        delays = []
        while time.perf_counter() - begun < max(effort.seconds * 4, 10):
            sent = time.perf_counter()
            async with session.get(f"{host.url}/livez") as answer:
                await answer.read()
            delays.append((time.perf_counter() - sent) * 1000)
            await asyncio.sleep(0.05)
        lasted = time.perf_counter() - begun
        share = (processor_seconds(host.process.pid) - cpu) / lasted * 100
        grown = memory(host.process.pid) - before
        pages = (asked - first) / lasted
        for each in tabs:
            each.cancel()
        await asyncio.gather(*tabs, return_exceptions=True)
    return [
        Row(
            name=f"{TABS} live tabs of a module that changes 5 times a second: of one core",
            unit="%",
            ours=(share,),
            theirs=(),
            target="50 or less",
            reached=share <= 50,
        ),
        information(f"{TABS} live tabs: pages fetched a second", "pages/s", (pages,)),
        information(f"{TABS} live tabs: a probe meanwhile", "ms", tuple(delays)),
        information(f"{TABS} live tabs: memory", "MB", (grown,)),
    ]


def information(name: str, unit: str, values: tuple[float, ...]) -> Row:
    return Row(name=name, unit=unit, ours=values, theirs=(), target=FOR_INFORMATION, reached=True)


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def processor_ms(pid: int) -> float:
    """The processor time of all threads, to the nanosecond."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1_000_000


def memory(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
