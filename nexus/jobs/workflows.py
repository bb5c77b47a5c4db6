"""The one file that knows the job engine's library (DBOS Transact): durable attempts, steps and recovery.

An attempt of a run is a workflow of the library. It stays `PENDING` under the executor that runs it until it returns;
whoever finds it so under a dead executor puts it into the library's queue, and the steps that it had finished are not
done again. Nothing else of the library is used: what a run is, when it is due, who waits and how it ended is ours.
"""

import asyncio
import contextlib
import contextvars
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import dbos
from dbos import DBOS

from nexus.jobs.database import Database, told_error
from nexus.jobs.errors import StoreUnavailable, StoreUnusable
from nexus.jobs.exits import kept_from_exit
from nexus.jobs.library_pace import LibraryPace
from nexus.jobs.plain import plain
from nexus.jobs.run import Step
from nexus.jobs.serializer import JsonSerializer
from nexus.spec.errors import NexusError

R = TypeVar("R")

Execute = Callable[[str, int], Awaitable[None]]
"""Does an attempt: given the run's id and the attempt's number."""

_APPLICATION_VERSION: Final = "nexus-1"
"""The library recovers work of its own version alone, which by default is a hash of code: a constant instead."""

_OPEN: Final = 60.0
"""Seconds that the library gets to open the store: its tables may have to be made, or moved, on a slow one."""

_END: Final = 5.0
"""Seconds that the library's threads get to end."""

_STEP: Final = "step:"
"""Begins the names of the steps that are the job's own."""

_GAP: Final = "nexus.gap"
"""Stands where a step was under way beside others, and was not finished, when its host died."""

logger = logging.getLogger("nexus.jobs")

_open: "Workflows | None" = None  # the library keeps one instance a process


class Workflows:
    """Runs attempts through the library; one can be open in a process.

    Args:
        database: where its tables are.
        replica: unique for each start of each host.
        execute: does an attempt.
        scrub: takes secrets out of the messages of exceptions that are kept.
    """

    def __init__(self, database: Database, *, replica: str, execute: Execute, scrub: Callable[[str], str]) -> None:
        self._database = database
        self._scrub = scrub
        self._replica = replica
        self._execute = execute
        self._pace = LibraryPace()
        self._is_launched = False
        self._attempt: Any = None
        self._library: DBOS | None = None
        self._beginnings: set[asyncio.Task[None]] = set()
        self._outside = contextvars.Context()

    async def open(self, join: Callable[[], Awaitable[None]]) -> None:
        """Loads the library, brings its tables up to date and takes part in its queue.

        Args:
            join: awaited between the two, so that the others know of this replica before it takes anything.

        Raises:
            StoreUnusable: another host in this process has it open, or its tables cannot be made.
            StoreUnavailable: the store does not answer in time.
        """
        global _open  # noqa: PLW0603 - says what the library leaves unsaid
        if _open is not None:
            raise StoreUnusable("this process runs the jobs of another host already: one process, one host with jobs")
        _open = self
        foreign = logging.getLogger("dbos")
        foreign.setLevel(logging.ERROR)  # what it warns of, a store that is away say, is told by us in our words
        foreign.addHandler(logging.NullHandler())  # where it finds a handler, it leaves the way of its records alone
        try:
            async with asyncio.timeout(_OPEN):
                await asyncio.to_thread(DBOS.migrate, self._database.url)
                await join()
                await self._launch()
        except TimeoutError as error:
            await self.close()
            raise StoreUnavailable(f"the store of runs does not answer within {_OPEN:g} s") from error
        except NexusError:
            await self.close()
            raise
        except Exception as error:
            await self.close()
            raise StoreUnusable(
                f"the job engine's library cannot make its tables ({told_error(error)}): see that the account may "
                "create a schema in the database"
            ) from error
        except BaseException:
            await self.close()
            raise

    async def _launch(self) -> None:
        config: dbos.DBOSConfig = {
            "name": "nexus",
            "system_database_url": self._database.url,
            "system_database_engine": self._database.library_engine,
            "executor_id": self._replica,
            "application_version": _APPLICATION_VERSION,
            "serializer": JsonSerializer(self._scrub),
            "log_level": "ERROR",
            "run_migrations": False,
            "max_executor_threads": 32,
            # What these two look out for, notifications and the library's own schedules, is never there.
            "notification_coalesce_sec": 1.0,
            "scheduler_polling_interval_sec": 300.0,
        }
        self._library = DBOS(config=config)
        self._is_launched = True

        async def attempt(run_id: str, number: int) -> None:
            await self._execute(run_id, number)

        # Its own limit counts each taking up, that of a host which left in good order too: ours counts deaths.
        self._attempt = DBOS.workflow(name="nexus.attempt", max_recovery_attempts=None)(attempt)
        DBOS.launch()  # here and not in a thread: it runs what it dequeues on the loop that launched it
        for stop in self._library.background_thread_stop_events:
            self._pace.slow_down(stop)
        if not await self._apart(DBOS.list_workflows_async(status="DELAYED", limit=1, load_input=False)):
            # A thread that looks every second for delays, which earlier versions left to the library, and for timeouts,
            # which were never its own. A test fails where this does not end it.
            self._library._background_jobs_stop_event.set()  # noqa: SLF001

    def begin_drain(self) -> None:
        """Takes nothing more from the library's queue: what waits there is for others."""
        # The library has no call for it but its end. Set here, its threads end as they do then; a test tells where not.
        if self._library is not None:
            for stop in self._library.background_thread_stop_events:
                stop.set()

    async def close(self) -> None:
        """Takes part no longer; what still runs stays `PENDING` for others."""
        global _open  # noqa: PLW0603 - see `open`
        if self._is_launched:
            self._is_launched, self._library = False, None
            for beginning in tuple(self._beginnings):  # what they have stored is taken up like all that is left
                beginning.cancel()
            await self._destroy()
            # It has made its own pool the loop's default, and has just shut that down.
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="nexus"))
        if _open is self:
            _open = None

    async def _destroy(self) -> None:
        """Ends the library's threads; those that wait for a store that is away are not waited for."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def destroy() -> None:
            DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=0)
            with contextlib.suppress(RuntimeError):  # the loop may be gone by then
                loop.call_soon_threadsafe(ended.set)

        threading.Thread(target=destroy, name="nexus-jobs-end", daemon=True).start()
        try:
            async with asyncio.timeout(_END):
                await ended.wait()
        except TimeoutError:
            logger.warning("the job engine's library does not end: its store is away", extra={"event": "jobs.end"})

    async def start(self, run_id: str, number: int) -> None:
        """Begins an attempt here and now; once, however often it is called, and on however many replicas.

        Who stops waiting for it does not stop it: cut off between its row and its task, the library would have an
        attempt that it takes for one under way here, and that nobody does.

        Args:
            run_id: the run.
            number: of the attempt.
        """

        async def begin() -> None:
            with dbos.SetWorkflowID(workflow_id(run_id, number)):
                await DBOS.start_workflow_async(self._attempt, run_id, number)

        beginning = asyncio.get_running_loop().create_task(begin(), context=self._outside.copy())
        self._beginnings.add(beginning)
        beginning.add_done_callback(self._ended)
        await asyncio.shield(beginning)

    def _ended(self, beginning: "asyncio.Task[None]") -> None:
        self._beginnings.discard(beginning)
        if not beginning.cancelled() and (error := beginning.exception()) is not None:
            logger.debug("an attempt was not begun: %s", error)  # told where somebody waits; the mending tries again

    async def step(self, name: str, number: int, call: Callable[[], Awaitable[object]]) -> object:
        """Does a step of the attempt that calls, or gives what is kept of it. Called within an attempt.

        Args:
            name: of the step.
            number: tells it from others of its name; counts from 1.
            call: does it.
        """

        async def done() -> object:
            return plain(await kept_from_exit(call))

        return await DBOS.run_step_async({"name": f"{_STEP}{name}#{number}"}, done)

    async def replay(self, run_id: str, number: int) -> dict[tuple[str, int], object]:
        """Gives what the finished steps of the attempt that calls gave before it was taken up, by name and number.

        The library tells steps apart by how many came before, and refuses one of another name in the same place. It is
        shown all of them here, in their old order, so that what follows gets places of its own. Called within an
        attempt, before its first step.
        """

        async def nothing() -> None:
            return None

        found: dict[tuple[str, int], object] = {}
        kept = {info["function_id"]: info for info in await self._every_step(run_id, number)}
        for place in range(1, max(kept, default=0) + 1):
            info = kept.get(place)
            name = info["function_name"] if info is not None else _GAP
            with contextlib.suppress(Exception):  # what the step raised then, it raises again
                await DBOS.run_step_async({"name": name}, nothing)
            if info is not None and info["error"] is None and name.startswith(_STEP):
                found[_read_step(name)] = info["output"]
        return found

    async def finished_steps(self, run_id: str, before: int) -> dict[tuple[str, int], object]:
        """Gives what the steps of the attempts before `before` gave, by name and number."""
        found: dict[tuple[str, int], object] = {}
        for number in range(1, before):
            for info in await self._steps(run_id, number):
                if info["error"] is None:
                    found.setdefault(_read_step(info["function_name"]), info["output"])
        return found

    async def steps(self, run_id: str, attempts: int) -> tuple[Step, ...]:
        """Gives the steps of a run, in the order in which they began."""
        found = [(number, info) for number in range(1, attempts + 1) for info in await self._steps(run_id, number)]
        return tuple(
            Step(
                attempt=number,
                name=_read_step(info["function_name"])[0],
                started_at=_instant(info["started_at_epoch_ms"]),
                finished_at=_instant(info["completed_at_epoch_ms"]),
                error=str(info["error"]) if info["error"] is not None else None,
            )
            for number, info in found
        )

    async def pending_executors(self) -> frozenset[str]:
        """Gives the executors, living or dead, that have attempts under way."""
        found = await self._apart(DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False))
        return frozenset(each.executor_id for each in found if each.executor_id)

    async def recover(self, executors: Iterable[str]) -> None:
        """Has what these executors have under way done again, each attempt once whoever else does so too."""
        # Private, and on purpose: the public resume_workflow moves an attempt also where a living replica has it by
        # now. A test fails where this call is gone or moves more than it should.
        names = sorted(executors)
        await asyncio.to_thread(self._outside.copy().run, DBOS._recover_pending_workflows, names)  # noqa: SLF001
        self._pace.call()

    async def cancel(self, run_id: str, number: int) -> None:
        """Takes an attempt out of the library's queue, where it is in there."""
        await self._apart(DBOS.cancel_workflows_async([workflow_id(run_id, number)]))

    async def delete(self, runs: Iterable[tuple[str, int]]) -> None:
        """Forgets the attempts of runs, each given with the number of its attempts."""
        ids = [workflow_id(run_id, number) for run_id, attempts in runs for number in range(1, attempts + 1)]
        await self._apart(DBOS.delete_workflows_async(ids))

    async def _steps(self, run_id: str, number: int) -> list[Any]:
        found = await self._every_step(run_id, number)
        return [info for info in found if info["function_name"].startswith(_STEP)]

    async def _every_step(self, run_id: str, number: int) -> list[Any]:
        found: list[Any] = await self._apart(DBOS.list_workflow_steps_async(workflow_id(run_id, number)))
        return found

    async def _apart(self, work: Coroutine[Any, Any, R]) -> R:
        """Awaits `work` outside of any attempt: within one, the library would keep it as a step of that."""
        return await asyncio.get_running_loop().create_task(work, context=self._outside.copy())


def workflow_id(run_id: str, number: int) -> str:
    """Names an attempt in the library's tables."""
    return f"{run_id}.{number}"


def _read_step(function_name: str) -> tuple[str, int]:
    name, _, number = function_name.removeprefix(_STEP).rpartition("#")
    return name, int(number)


def _instant(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
