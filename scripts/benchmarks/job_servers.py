"""Job engines behind plain aiohttp: python job_servers.py PORT KIND DATABASE, each with 50 places in one process.

`POST /trigger` stores a run and answers, as it does at Nexus but for the guard; `GET /starts` tells when runs began, by
the clock that all processes of a machine share. KIND is `dbos-queue` or `dbos-direct` (the engine that Nexus stands on,
through its queue and without), `procrastinate` or `saq`.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from aiohttp import web

PLACES = 50
POLL = 0.1  # seconds between two looks of DBOS into its queue; its default of 1 s is made for less

# Last, so that what the project has installed itself is what runs.
sys.path.append(str(Path(sys.prefix) / "queues"))

Trigger = Callable[[int], Awaitable[object]]

port, kind, database = sys.argv[1:]
starts: dict[int, float] = {}


async def work(number: int) -> None:
    starts[number] = time.perf_counter()


@contextlib.asynccontextmanager
async def dbos() -> AsyncIterator[Trigger]:
    from dbos import DBOS  # noqa: PLC0415 - each process loads one engine

    DBOS(config={"name": "bench", "system_database_url": database, "log_level": "ERROR"})
    run = DBOS.workflow(name="work")(work)
    DBOS.launch()
    await DBOS.register_queue_async("bench", worker_concurrency=PLACES, polling_interval_sec=POLL)
    if kind == "dbos-direct":
        yield lambda number: DBOS.start_workflow_async(run, number)
    else:
        yield lambda number: DBOS.enqueue_workflow_async("bench", run, number)
    await asyncio.to_thread(DBOS.destroy)


@contextlib.asynccontextmanager
async def procrastinate() -> AsyncIterator[Trigger]:
    from procrastinate import App, PsycopgConnector  # noqa: PLC0415 - each process loads one engine

    app = App(connector=PsycopgConnector(conninfo=database))
    task = app.task(name="work")(work)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        worker = asyncio.create_task(app.run_worker_async(concurrency=PLACES, install_signal_handlers=False))
        yield lambda number: task.defer_async(number=number)
        worker.cancel()
        await asyncio.wait([worker])


@contextlib.asynccontextmanager
async def saq() -> AsyncIterator[Trigger]:
    from saq import Queue, Worker  # noqa: PLC0415 - each process loads one engine

    async def run(_context: object, *, number: int) -> None:
        await work(number)

    queue = Queue.from_url(database)
    worker = Worker(queue, functions=[("work", run)], concurrency=PLACES)
    await queue.connect()
    working = asyncio.create_task(worker.start())
    yield lambda number: queue.enqueue("work", number=number)
    await worker.stop()
    working.cancel()
    await asyncio.wait([working])
    await queue.disconnect()


ENGINES = {"dbos-queue": dbos, "dbos-direct": dbos, "procrastinate": procrastinate, "saq": saq}


async def serve() -> None:
    async with ENGINES[kind]() as trigger:

        async def post(request: web.Request) -> web.Response:
            await trigger((await request.json())["number"])
            return web.json_response({}, status=202)

        async def told(_request: web.Request) -> web.Response:
            answer = web.json_response(starts)
            starts.clear()
            return answer

        application = web.Application()
        application.router.add_post("/trigger", post)
        application.router.add_get("/starts", told)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", int(port)).start()
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(15, ended.set)
        await ended.wait()
        await runner.cleanup()


asyncio.run(serve())
