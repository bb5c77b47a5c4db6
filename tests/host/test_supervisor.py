"""Every task has an owner, its end is said, and none outlives the supervisor."""

import asyncio
import contextlib

import pytest

from nexus.host.leash import Leash, ModuleExit
from nexus.host.supervisor import Supervisor


async def immortal():
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.001)


async def test_leaving_ends_every_task():
    before = asyncio.all_tasks()
    async with Supervisor(patience=0.05) as supervisor:
        for number in range(5):
            supervisor.start(f"n{number}", asyncio.sleep(1000), owner=str(number))
        supervisor.start("immortal", immortal())

    assert asyncio.all_tasks() == before
    assert supervisor.tasks() == ()


async def test_stopping_one_owner_spares_the_others():
    async with Supervisor() as supervisor:
        mine = supervisor.start("mine", asyncio.sleep(1000), owner="me")
        yours = supervisor.start("yours", asyncio.sleep(1000), owner="you")

        assert await supervisor.stop_owner("me", 1) == ()
        assert (mine.cancelled(), yours.done()) == (True, False)


async def test_a_task_that_refuses_to_end_is_named_and_ends_all_the_same():
    async with Supervisor() as supervisor:
        task = supervisor.start("immortal", immortal(), owner="me")
        await asyncio.sleep(0)

        assert await supervisor.stop_owner("me", 0.02) == ("immortal",)
        assert task.cancelled()


async def test_a_task_that_cleans_up_slowly_gets_its_time():
    async def slow():
        try:
            await asyncio.sleep(1000)
        finally:
            await asyncio.sleep(0.02)
            done.append(1)

    done = []
    async with Supervisor() as supervisor:
        supervisor.start("slow", slow(), owner="me")
        await asyncio.sleep(0)
        assert await supervisor.stop_owner("me", 2) == ()
    assert done == [1]


async def test_a_failure_is_told_once_and_logged(caplog):
    async def broken():
        raise ValueError("no")

    told = []
    async with Supervisor() as supervisor:
        supervisor.start("told", broken(), on_failure=lambda name, error: told.append((name, str(error))))
        supervisor.start("logged", broken())
        await asyncio.sleep(0.01)

    assert told == [("told", "no")]
    assert [(record.event, record.task) for record in caplog.records if record.levelname == "ERROR"] == [
        ("host.task.failed", "logged")
    ]


async def test_sys_exit_in_a_task_does_not_end_the_loop():
    async def leaves():
        raise SystemExit(4)

    failures = []
    async with Supervisor() as supervisor:
        supervisor.start("leaves", leaves(), on_failure=lambda _, error: failures.append(error))
        await asyncio.sleep(0.01)

    assert isinstance(failures[0], ModuleExit)


async def test_a_leash_is_not_felt_until_it_is_cut():
    async def work():
        async with asyncio.timeout(1):
            await asyncio.sleep(0.001)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await asyncio.sleep(1)
        async with asyncio.TaskGroup() as group:
            inner = group.create_task(asyncio.sleep(0.001, "inner"))
        return inner.result()

    assert await Leash(work()) == "inner"
