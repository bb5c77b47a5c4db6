"""The guide's job on two systems, killed at every point of its code: it ends, and neither system does a thing twice.

One life of a host is enough for every point: each run is held at a point of its own, and then the host is killed.
"""

import ast
import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.faults.plant import PATIENCE, answered, triggered, until_jobs
from tests.promises.served import Served, served

from .fences import ROOT, blocks

PAGE = ROOT / "docs" / "jobs.md"
HOLD = """
import asyncio as _asyncio
import os as _os

_HELD = _os.environ.get("HELD")
_runs, _passed = {}, {}


async def _point(place, run):
    \"\"\"Holds the first run at the first point it comes by, the second at the second, and so on.\"\"\"
    if _HELD is None:
        return
    number = _runs.setdefault(run, len(_runs) + 1)
    _passed[run] = _passed.get(run, 0) + 1
    if _passed[run] == number:
        with open(_HELD, "a") as held:
            held.write(f"{run} {place}\\n")
        await _asyncio.Event().wait()
"""


def module_of_the_page() -> str:
    """The guide's module, with a point before each line of its functions and after the last one."""
    [text] = [block.text for block in blocks(PAGE) if block.words.get("file") == "my_modules/incidents.py"]
    tree = ast.parse(text)
    for function in [node for node in tree.body if isinstance(node, ast.AsyncFunctionDef)]:
        lines = with_points(function.body, function.name)
        function.body = [ast.Try(body=lines, handlers=[], orelse=[], finalbody=[point(function.name, "its end")])]
    return f"{HOLD}\n{ast.unparse(ast.fix_missing_locations(tree))}"


def with_points(lines: list[ast.stmt], name: str) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for line in lines:
        if isinstance(line, ast.AsyncWith):
            line.body = with_points(line.body, name)
        found += [point(name, f"line {line.lineno}"), line]
    return found


def point(function: str, where: str) -> ast.stmt:
    return ast.parse(f"await _point('{function}: {where}', context.run_id)").body[0]


def points_of_a_run() -> int:
    """Those of `report` once, and of `send` twice."""
    of = {name: module_of_the_page().count(f"await _point('{name}:") for name in ("report", "send")}
    return of["report"] + 2 * of["send"]


class System:
    """A system with an API: it makes one thing for each key, however often it is asked.

    Attributes:
        made: the number of the thing of each key.
        asked: how often each key was sent.
        holds: where the next request is held for ever: when it has `come`, or when its thing is `made`.
        held: keys of the requests that are held.
    """

    def __init__(self) -> None:
        self.made: dict[str, int] = {}
        self.asked: Counter[str] = Counter()
        self.holds: str | None = None
        self.held: list[str] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/things", self.take)
        async with TestServer(app, handler_cancellation=True, shutdown_timeout=1.0) as server:
            yield str(server.make_url("/things"))

    async def take(self, request: web.Request) -> web.Response:
        await request.json()
        key = request.headers["Idempotency-Key"]
        self.asked[key] += 1
        await self._perhaps_hold("come", key)
        number = self.made.setdefault(key, len(self.made) + 1)
        await self._perhaps_hold("made", key)
        return web.json_response({"id": number})

    async def _perhaps_hold(self, where: str, key: str) -> None:
        if self.holds == where:
            self.holds = None
            self.held.append(key)
            await asyncio.Event().wait()

    def of(self, run: str) -> tuple[int, int]:
        """How many things it has of a run, and how many requests came for them."""
        keys = [key for key in self.asked if key.startswith(run)]
        return sum(key in self.made for key in keys), sum(self.asked[key] for key in keys)


@pytest.fixture
async def tickets():
    return System()


@pytest.fixture
async def chat():
    return System()


@pytest.fixture
async def life(tmp_path, tickets, chat):
    """Gives what begins one life of the host."""

    @asynccontextmanager
    async def begins(**environ: str) -> AsyncIterator[Served]:
        settings = f"[modules.incidents.config]\ntickets = '{tickets_url}'\nchat = '{chat_url}'\n"
        text = f"[modules.incidents]\npath = 'mods'\n{settings}"
        async with served(tmp_path, text, {"incidents.py": module_of_the_page()}, environ=environ) as host:
            host.state = tmp_path / ".nexus"
            await until_jobs(host)
            yield host

    async with tickets.running() as tickets_url, chat.running() as chat_url:
        yield begins


async def trigger(host: Served) -> str:
    return await triggered(host, "report", module="incidents", title="the lift is stuck")


async def ended(host: Served, run: str) -> tuple[str, int]:
    async with asyncio.timeout(PATIENCE):
        while (found := await answered(host, f"/api/runs/{run}"))["status"] in {"queued", "running"}:
            await asyncio.sleep(0.05)
    return found["status"], found["attempt"]


async def test_killed_at_every_point_between_its_lines_it_does_neither_thing_twice(life, tickets, chat, tmp_path):
    held = tmp_path / "held"
    held.touch()
    async with life(HELD=str(held)) as host:
        runs = [await trigger(host) for _ in range(points_of_a_run())]
        await host.until(lambda: len(held.read_text().splitlines()) == len(runs), "a run at each point")
        host.process.kill()
        await host.ended()
    async with life() as host:
        endings = [await ended(host, run) for run in runs]
    places = dict(line.split(" ", 1) for line in held.read_text().splitlines())

    assert endings == [("succeeded", 1)] * len(runs)
    assert [places[run] for run in runs if (tickets.of(run)[0], chat.of(run)[0]) != (1, 1)] == []
    between = [run for run in runs if places[run].startswith("report")]
    assert len(between) > 5
    assert [places[run] for run in between if (tickets.of(run)[1], chat.of(run)[1]) != (1, 1)] == []


async def test_killed_while_a_system_is_at_work_it_asks_again_and_the_system_does_it_once(life, tickets, chat):
    runs: dict[str, System] = {}
    async with life() as host:
        for system in (tickets, chat):
            for where in ("come", "made"):
                system.holds, before = where, len(system.held)
                runs[await trigger(host)] = system
                await host.until(lambda: len(system.held) > before, f"a request that has {where}")  # noqa: B023
        host.process.kill()
        await host.ended()
    async with life() as host:
        endings = [await ended(host, run) for run in runs]

    assert endings == [("succeeded", 1)] * 4
    for run, interrupted in runs.items():
        for system in (tickets, chat):
            assert system.of(run) == (1, 2 if system is interrupted else 1)
