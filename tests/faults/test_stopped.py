"""Hosts that are told to stop, that are frozen, and two that want the same file."""

import signal

import pytest

from .plant import Ledger, Plant, answered, config, trigger_many, triggered, until, until_all, until_jobs


@pytest.mark.parametrize("grace", [50, 0])
async def test_a_signal_waits_for_the_grace_period_and_leaves_the_rest(tmp_path, store_url, grace):
    plant = Plant(tmp_path, config(store_url, grace=grace))
    acknowledged: list[str] = []
    async with plant.replica() as host:
        await until_jobs(host)
        await trigger_many(host, 5, acknowledged, held=True)
        await until(lambda: plant.ledger.count("first") == 5)
        host.signal(signal.SIGTERM)
        await host.until(lambda: host.log(event="host.draining"))
        if grace:
            plant.let_go()

        code = await host.ended()

        ended = plant.ledger.count("end")
    plant.let_go()
    async with plant.replica() as host:
        await until_jobs(host)
        await until_all(host, acknowledged)

    assert code == 0
    assert ended == (5 if grace else 0)
    assert plant.ledger.repeated() == []


async def test_a_second_host_on_the_same_file_is_refused(tmp_path):
    plant = Plant(tmp_path, config(f"sqlite:///{tmp_path}/runs.db"))
    async with plant.replica() as first:
        await until_jobs(first)
        async with plant.replica(may_end=True) as second:
            code = await second.ended()
            said = second.output.decode()
        await until_all(first, [await triggered(first)])

    assert code == 1
    assert f"is held by another host (process {first.process.pid})" in said
    assert "use PostgreSQL where several replicas are to share a store" in said
    assert "Traceback" not in said


async def test_a_frozen_replica_does_no_step_that_another_has_taken_up(tmp_path, postgres):
    plant = Plant(tmp_path, config(postgres.fresh_database()))
    acknowledged: list[str] = []
    async with plant.replica() as frozen, plant.replica() as other:
        await until_jobs(frozen)
        await until_jobs(other)
        await trigger_many(frozen, 8, acknowledged, held=True)
        await until(lambda: plant.ledger.count("first") == 8)
        frozen.signal(signal.SIGSTOP)
        plant.let_go()

        await until_all(other, acknowledged)
        before = plant.ledger.entries
        frozen.signal(signal.SIGCONT)
        await until(lambda: frozen.log(event="jobs.replica.silent"))
        after = await triggered(frozen)
        await until_all(other, [after])

    entries = plant.ledger.entries
    thawed = [run for process, _, run in entries[len(before) :] if run in acknowledged]
    assert sorted(run for _, what, run in entries if what == "end") == sorted([*acknowledged, after])
    assert len(thawed) == len(set(thawed)), "only the one step of a run that was under way when it froze"
    assert Ledger.repeated_in(before) == []


async def test_what_a_leaving_replica_has_not_finished_is_taken_up_at_once(tmp_path, postgres):
    plant = Plant(tmp_path, config(postgres.fresh_database(), grace=0))
    acknowledged: list[str] = []
    async with plant.replica() as leaving, plant.replica() as staying:
        await until_jobs(leaving)
        await until_jobs(staying)
        await trigger_many(leaving, 6, acknowledged, held=True)
        await until(lambda: plant.ledger.count("first") == 6)
        await leaving.stop()
        plant.let_go()

        await until_all(staying, acknowledged)
        page = await answered(staying, "/api/runs?limit=50")

    assert len({run["replica"] for run in page["runs"]}) == 1
