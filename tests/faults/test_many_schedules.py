"""A thousand schedules on one host: all are kept, none has a thread of its own."""

from pathlib import Path

from .plant import Plant, answered, config, until, until_jobs

SCHEDULES = 1000

EACH_SECOND = "* * * * * *"


def schedules(count: int) -> str:
    """So many yearly schedules beside the one of each second."""
    return "".join(
        f"\n[[modules.plant.jobs]]\ntype = 'tick'\nname = 'yearly-{number}'\nschedule = '0 0 1 1 *'"
        for number in range(count)
    )


def threads(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("Threads:"):
            return int(line.split()[1])
    raise ProcessLookupError(pid)


async def test_a_thousand_schedules_fire_in_time_and_take_no_threads(tmp_path, store_url):
    counts = {}
    for number in (0, SCHEDULES):
        folder = tmp_path / f"with-{number}"
        folder.mkdir()
        url = store_url.replace(str(tmp_path), str(folder))
        plant = Plant(folder, config(url, schedule=EACH_SECOND) + schedules(number))
        async with plant.replica() as host:
            await until_jobs(host)
            await until(lambda plant=plant: plant.ledger.count("tick") >= 3)
            counts[number] = threads(host.process.pid)
            jobs = await answered(host, "/api/jobs")
            yearly = [job for job in jobs if job["name"].startswith("yearly-")]
            ticks = [when for _, what, when in plant.ledger.entries if what == "tick"]

            assert len(yearly) == number
            assert all(job["next_run_at"].endswith("-01-01T00:00:00Z") for job in yearly)
            assert len(ticks) == len(set(ticks))
            assert await host.stop() == 0

    assert abs(counts[SCHEDULES] - counts[0]) <= 6, "pools have a thread more or less; schedules have none"
