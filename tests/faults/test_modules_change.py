"""A module that is upgraded, or taken away, while runs of it wait."""

import asyncio
import signal

from .plant import MODULE, Plant, answered, config, trigger_many, triggered, until, until_all, until_jobs

UPGRADED = MODULE.replace('version="1.0.0"', 'version="2.0.0"').replace('note("end",', 'note("end-of-2.0",')
GARDEN = MODULE.replace('Module("plant"', 'Module("garden"')
PLACES = "\n[global.jobs]\nconcurrency = 2\n"


async def test_runs_that_wait_are_done_by_the_module_as_it_is_after_an_upgrade(tmp_path, store_url):
    plant = Plant(tmp_path, config(store_url, grace=0) + PLACES)
    acknowledged: list[str] = []
    async with plant.replica() as host:
        await until_jobs(host)
        await trigger_many(host, 12, acknowledged, held=True)
        await until(lambda: plant.ledger.count("first") == 2)
        await host.stop()
    plant.let_go()
    plant.modules = {"plant.py": UPGRADED}
    async with plant.replica() as host:
        await until_jobs(host)
        await until_all(host, acknowledged)

    assert plant.ledger.count("end-of-2.0") == 12
    assert plant.ledger.repeated() == []


async def test_runs_of_a_module_that_is_gone_fail_with_the_reason_and_others_go_on(tmp_path, store_url):
    plant = Plant(tmp_path, config(store_url, grace=0) + PLACES)
    acknowledged: list[str] = []
    async with plant.replica() as host:
        await until_jobs(host)
        await trigger_many(host, 6, acknowledged, held=True)
        await until(lambda: plant.ledger.count("first") == 2)
        await host.stop()
    plant.text = plant.text.replace("[modules.plant]", "[modules.garden]")
    plant.modules = {"garden.py": GARDEN}
    async with plant.replica() as host:
        await until_jobs(host)
        ended = [run for run in acknowledged if await _until_failed(host, run)]
        await until_all(host, [await triggered(host, module="garden")])

    assert ended == acknowledged


async def test_a_reload_that_takes_a_module_away_ends_its_runs_and_no_others(tmp_path, store_url):
    text = config(store_url) + PLACES
    plant = Plant(tmp_path, f"{text}\n[modules.garden]\npath = 'mods'\n")
    plant.modules = {"plant.py": MODULE, "garden.py": GARDEN}
    acknowledged: list[str] = []
    async with plant.replica() as host:
        await until_jobs(host)
        await trigger_many(host, 6, acknowledged, held=True)
        await until(lambda: plant.ledger.count("first") == 2)
        run = await triggered(host, module="garden")
        (host.folder / "config.toml").write_text(plant.text.replace("[modules.plant]\npath = 'mods'\n", ""))
        host.signal(signal.SIGHUP)
        await until(lambda: host.log(event="host.reloaded"))
        plant.let_go()
        ended = [run for run in acknowledged if await _until_failed(host, run)]
        await until_all(host, [run])
        code = await host.stop()

    assert ended
    assert code == 0


async def _until_failed(host, run_id: str) -> bool:
    """True where the run ends as failed for want of its module; False where it had succeeded before."""
    found: dict = {}
    while found.get("status") not in ("failed", "succeeded"):
        found = await answered(host, f"/api/runs/{run_id}")
        await asyncio.sleep(0.05)
    if found["status"] == "succeeded":
        return False
    assert found["error"]["type"] == "UnknownJob"
    assert "has no job 'work' any more" in found["error"]["message"]
    return True
