"""A long history of runs beside a short one: what lists of runs take, and what housekeeping leaves of the store.

A few real runs are multiplied in all tables, the library's too, so that a row is as long as it is in life. One run in a
hundred has failed, and one in ten is of another job.
"""

import asyncio
import contextlib
import json
import statistics
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from jobs import MODULE
from load import requests_per_second
from measurement import Effort, Row, alternate, median_ratio
from servers import HERE, free_port, nexus_command, serving, token

sys.path.append(str(HERE.parent.parent))
from tests.jobs.shop import Workplace
from tests.postgres import running

SHORT, LONG = 1_000, 100_000
SEED = 20  # real runs to begin with
KEPT = 1_000  # of each job, by default
LEAST = 0.8
NOTHING = 1.0  # so many milliseconds more, which nobody waits for
SEARCHED = "of a text that none has"  # reads the newest errors, at most 1,000: those of the short history are ten

LISTS = {
    "all": "limit=10",
    "of a module": "module=bench&limit=10",
    "of a job": "module=bench&job=work&limit=10",
    "of a job and a status": "module=bench&job=work&status=failed&limit=10",
    "of a status": "status=failed&limit=10",
    "of a trigger that none has": "trigger=retry",
    "of a job and a trigger that none has": "module=bench&job=work&trigger=retry",
    "of a text": "text=answer&limit=10",
    SEARCHED: "text=nowhere",
    "of the last hour": "since={hour_ago}&limit=10",
}


def measure(folder: Path, effort: Effort) -> list[Row]:
    with running() as server:
        databases = {
            "PostgreSQL": (server.fresh_database(), server.fresh_database()),
            "SQLite": (f"sqlite:///{folder}/long.db", f"sqlite:///{folder}/short.db"),
        }
        rows = []
        for where, (many, few) in databases.items():
            places = [(folder / f"{where}-{count}", count, url) for count, url in ((LONG, many), (SHORT, few))]
            for place, count, url in places:
                fill(place, url, count)
            rows += lists(where, places[0][0], places[1][0], effort)
        return [*rows, asyncio.run(kept(folder))]


def fill(folder: Path, database: str, count: int) -> None:
    """Makes a host's store with so many runs."""
    (folder / "modules").mkdir(parents=True)
    (folder / "modules" / "bench.py").write_text(MODULE)
    # Nothing is to be dropped while lists are measured.
    limits = "[global.jobs]\nkeep_runs = 1000000\n"
    store = f"[global.store]\nurl = '{database}'\n"
    (folder / "config.toml").write_text(f"{limits}{store}[modules.bench]\npath = 'modules'\n")
    port = free_port()
    with serving(nexus_command(folder, port), folder, port, "/m/bench/starts"):
        headers = {"Authorization": f"Bearer {token(folder)}", "Content-Type": "application/json", "Prefer": "wait=10"}
        url = f"http://127.0.0.1:{port}/api/modules/bench/jobs/work"
        for number in range(SEED):
            post(urllib.request.Request(url, json.dumps({"number": number}).encode(), headers, method="POST"))
    is_sqlite = database.startswith("sqlite")
    engine = sa.create_engine(database if is_sqlite else database.replace("postgresql:", "postgresql+psycopg:"))
    multiply(engine, count, schema=None if is_sqlite else "dbos")
    engine.dispose()


def post(request: urllib.request.Request) -> None:
    for _ in range(100):
        with contextlib.suppress(urllib.error.HTTPError):  # the store is being opened
            urllib.request.urlopen(request, timeout=20).close()
            return
        time.sleep(0.1)
    sys.exit(f"{request.full_url} takes no run")


def multiply(engine: sa.Engine, count: int, *, schema: str | None) -> None:
    """Makes `count` runs of the `SEED` that are there, in every table that has rows of them."""
    prefix = f"{schema}." if schema else ""
    look = sa.inspect(engine)
    ids = {"nexus_runs": "id", "nexus_attempts": "run_id", f"{prefix}workflow_status": "workflow_uuid"}
    with engine.begin() as connection:
        for table, key in ids.items():
            name = table.removeprefix(prefix)
            columns = [
                column["name"]
                for column in look.get_columns(name, schema=schema if table != name else None)
                if column["name"] not in ("seq", key)
            ]
            # As long as the real ones: the copy's number takes the place of the first twelve characters.
            fresh = f"substr(cast(copy.n + 100000000000 as text), 1, 12) || substr({key}, 13)"
            listed = ", ".join(f'"{column}"' for column in columns)
            last = count // SEED - 1
            numbers = f"WITH RECURSIVE copy(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < {last})"  # noqa: S608
            connection.execute(
                sa.text(
                    f"{numbers} INSERT INTO {table} ({key}, {listed}) SELECT {fresh}, {listed} FROM {table}, copy "  # noqa: S608 - its own names
                    + ("ORDER BY copy.n" if table == "nexus_runs" else "")
                )
            )
        error = json.dumps({"type": "TimeoutError", "message": "no answer"})
        connection.execute(
            sa.text(f"UPDATE nexus_runs SET status = 'failed', error = '{error}' WHERE seq % 100 = 7"),  # noqa: S608
        )
        connection.execute(sa.text("UPDATE nexus_runs SET job = 'other' WHERE seq % 10 = 3"))
    if schema:  # what the server does by itself within a minute; SQLite has to do without
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("ANALYZE"))


def lists(where: str, many: Path, few: Path, effort: Effort) -> Iterator[Row]:
    with hosted(many, effort) as ours, hosted(few, effort) as theirs:
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))
        for name, query in LISTS.items():
            asked = query.format(hour_ago=since)
            measured, beside = alternate(effort.rounds, partial(ours, asked), partial(theirs, asked))
            target = f"ratio {LEAST:.2f} or better" + (f", or {NOTHING:g} ms" if name == SEARCHED else "")
            more = 1000 / statistics.median(measured) - 1000 / statistics.median(beside)
            yield Row(
                name=f"list of runs {name}, {where}, of {LONG:,} : of {SHORT:,}",
                unit="requests/s",
                ours=measured,
                theirs=beside,
                target=target,
                reached=median_ratio(measured, beside) >= LEAST or (name == SEARCHED and more <= NOTHING),
            )


@contextlib.contextmanager
def hosted(folder: Path, effort: Effort) -> Iterator[Callable[[str], float]]:
    """A host on the folder's store; gives what measures a list by its query."""
    port = free_port()
    with serving(nexus_command(folder, port), folder, port, "/m/bench/starts"):
        yield partial(load, port, token(folder), effort)


def load(port: int, bearer: str, effort: Effort, query: str) -> float:
    return requests_per_second(f"http://127.0.0.1:{port}/api/runs?{query}", effort, token=bearer)


async def kept(folder: Path) -> Row:
    """The long store's file after housekeeping down to the default limits, beside the short store's."""
    long, short = folder / "long.db", folder / "short.db"
    workplace = Workplace(f"sqlite:///{long}", folder)
    begin = time.perf_counter()
    async with workplace.engine(keep_runs=KEPT) as engine:
        await engine._housekeeping.prune()  # noqa: SLF001 - what a host does every five minutes
    print(f"housekeeping took {time.perf_counter() - begin:.1f} s", flush=True)
    sizes = [file.stat().st_size / 2**20 for file in (long, short)]
    return Row(
        name=f"the SQLite file, {LONG:,} runs cut down to {KEPT:,} of each job : {SHORT:,} runs",
        unit="MiB",
        ours=(sizes[0],),
        theirs=(sizes[1],),
        target="ratio 2.50 or less, for twice the runs",
        reached=sizes[0] / sizes[1] <= 2.5,
    )
