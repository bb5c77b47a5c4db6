"""Hosts whose jobs leave a ledger: each step appends a line as it is done, and the lines tell what was done twice."""

import asyncio
import contextlib
import json
import os
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.promises.served import Served, served

PATIENCE = 90.0

FULL = os.environ.get("NEXUS_FAULTS") == "full"
"""`NEXUS_FAULTS=full ./scripts/test tests/faults` takes the sizes that a release is tried with."""

MODULE = """
import asyncio
import os
from pathlib import Path
import nexus
from pydantic import BaseModel

plant = nexus.Module("plant", version="1.0.0")
LEDGER = os.environ["LEDGER"]
LET_GO = Path(LEDGER).with_name("let-go")


def note(*words):
    with open(LEDGER, "a") as ledger:
        ledger.write(" ".join(map(str, (os.getpid(), *words))) + "\\n")


class Options(BaseModel):
    seconds: float = 0.02
    held: bool = False


@plant.job("work", options=Options, overlap="allow")
async def work(context, options):
    async def part(name):
        await asyncio.sleep(options.seconds)
        while options.held and name == "second" and not LET_GO.exists():
            await asyncio.sleep(0.02)
        note(name, context.run_id)

    await context.step("first", part, "first")
    await context.step("second", part, "second")
    note("end", context.run_id)


@plant.job("tick", overlap="allow")
async def tick(context):
    note("tick", context.scheduled_for.isoformat())


@plant.job("poison", overlap="allow")
async def poison(context):
    note("poison", context.run_id)
    os._exit(1)
"""


def config(url: str | None, *, schedule: str | None = None, grace: float = 10) -> str:
    lines = [f"[global.server]\nshutdown_grace = {grace}", "[modules.plant]\npath = 'mods'"]
    if url is not None:
        lines.append(f"[global.store]\nurl = '{url}'")
    if schedule is not None:
        lines.append(f"[[modules.plant.jobs]]\ntype = 'tick'\nschedule = '{schedule}'")
    return "\n".join(lines)


class Ledger:
    """What was done, in order: each entry is process, what, and which run."""

    def __init__(self, file: Path) -> None:
        self.file = file
        file.touch()

    @property
    def entries(self) -> list[tuple[str, str, str]]:
        written, _, _ = self.file.read_text().rpartition("\n")  # the last may not be there in full
        return [tuple(line.split(" ", 2)) for line in written.splitlines()]

    def count(self, what: str) -> int:
        return sum(entry[1] == what for entry in self.entries)

    def repeated(self) -> list[str]:
        """Runs of which a step was done again that had been finished: the step after it had been done."""
        return self.repeated_in(self.entries)

    @staticmethod
    def repeated_in(entries: list[tuple[str, str, str]]) -> list[str]:
        """As `repeated`, of the given entries."""
        found, later = [], set()
        for _, what, run in entries:
            if what == "first" and run in later:
                found.append(run)
            if what == "second":
                later.add(run)
        return found


class Plant:
    """Starts replicas in a folder, each on a port of its own."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder = folder
        self.text = text
        self.modules = {"plant.py": MODULE}
        self.ledger = Ledger(folder / "ledger")
        self._count = 0

    def let_go(self) -> None:
        """Lets the runs that are held do their second step."""
        (self.folder / "let-go").touch()

    @asynccontextmanager
    async def replica(self, *, may_end: bool = False) -> AsyncIterator[Served]:
        self._count += 1
        folder = self.folder / f"replica-{self._count}"
        environ = {"LEDGER": str(self.ledger.file), "NEXUS_STATE_DIR": str(self.folder / "state")}
        async with served(folder, self.text, self.modules, environ=environ, may_end=may_end) as host:
            host.state = self.folder / "state"
            yield host


async def ask(host: Served, method: str, path: str, body: object = None, **fields: str) -> tuple[int, dict]:
    from nexus.auth.local_issuer import LocalIssuer

    token = LocalIssuer.open(host.state).mint(subject="tester", permissions=("admin",), ttl=600)
    headers = {"Authorization": f"Bearer {token}", **fields}
    async with host.session.request(method, host.url + path, headers=headers, json=body) as answer:
        return answer.status, json.loads(await answer.read())


async def answered(host: Served, path: str, *, method: str = "GET", body: object = None, **fields: str) -> dict:
    """What the host answers once its store does: on a busy machine it may not at once. For its caller to bound."""
    while (told := await ask(host, method, path, body, **fields))[0] == 503:
        await asyncio.sleep(0.1)
    assert told[0] < 300, told
    return told[1]


async def trigger(host: Served, job: str = "work", **options: object) -> tuple[int, dict]:
    return await ask(host, "POST", f"/api/modules/plant/jobs/{job}", options)


async def triggered(host: Served, job: str = "work", *, module: str = "plant", **options: object) -> str:
    """Triggers one run until that is acknowledged, and gives its id."""
    key = {"Idempotency-Key": uuid.uuid4().hex}
    run = await answered(host, f"/api/modules/{module}/jobs/{job}", method="POST", body=options, **key)
    return run["id"]


async def trigger_many(host: Served, count: int, into: list[str], **options: object) -> None:
    """Triggers runs, eight at a time, and collects the ids of those that were acknowledged; ends with the host."""
    numbers = iter(range(count))

    async def some() -> None:
        for _ in numbers:
            into.append(await triggered(host, **options))

    with contextlib.suppress(aiohttp.ClientError, OSError):
        await asyncio.gather(*(some() for _ in range(8)))


async def statuses(host: Served, ids: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    cursor = ""
    while True:
        page = await answered(host, f"/api/runs?limit=500{cursor}")
        found.update((run["id"], run["status"]) for run in page["runs"])
        if page["cursor"] is None:
            return {run: found.get(run, "missing") for run in ids}
        cursor = f"&cursor={page['cursor']}"


async def until_all(host: Served, ids: list[str], status: str = "succeeded") -> None:
    """Waits until every run has the status; tells which have not."""
    wrong: dict[str, str] = {}
    try:
        async with asyncio.timeout(PATIENCE):
            while wrong := {run: is_now for run, is_now in (await statuses(host, ids)).items() if is_now != status}:
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"{len(wrong)} of {len(ids)} runs are not {status}: {list(wrong.items())[:5]}") from None


async def until_jobs(host: Served) -> None:
    """Waits until the host has its modules started and its store open."""
    await host.until_started()
    async with asyncio.timeout(PATIENCE):
        while (await ask(host, "GET", "/api/jobs"))[0] != 200:
            await asyncio.sleep(0.05)


async def until(holds) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)
