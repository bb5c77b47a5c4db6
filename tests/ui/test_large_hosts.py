"""Pages of a host with many modules name a bounded part of them, and are true at once where something moves."""

import asyncio
import re

import sqlalchemy as sa

import nexus
from nexus.jobs.tables import RUNS
from nexus.testing.running_host import running_host
from tests.ui.signed_in import signed_in, text_of
from tests.ui.workshop import CONFIG, Workshop, open_workshop


def failing_module(name):
    module = nexus.Module(name, version="1")

    @module.job("sync")
    async def sync(_context: nexus.JobContext) -> None:
        """Break."""
        raise RuntimeError("the handle came off")

    return module


async def test_the_overview_names_ten_of_many_troubles_and_leads_to_the_rest(tmp_path):
    modules = [failing_module(f"m{number:02}") for number in range(14)]
    async with running_host(*modules, state_dir=tmp_path) as host:
        ada, engine = signed_in(host), host.host.jobs.engine
        runs = [await engine.trigger(module.name, "sync", {}, by="ada") for module in modules]
        await asyncio.gather(*(engine.wait(run.id, 20) for run in runs))

        page = await ada.get("/ui")

        assert "14 things need a look" in text_of(page)
        assert "And 4 more: see the modules and the jobs" in text_of(page)
        assert len(re.findall(r'<p class="attention-name">', page.text)) == 10
        jobs = await ada.get("/ui/jobs?show=failing")
        assert "failing (14)" in text_of(jobs)
        assert len(re.findall(r'<th scope="row" data-label="Job">', jobs.text)) == 14


async def test_a_job_is_found_by_its_schedule_in_words_and_shown_as_somebody_has_set_it(tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host):
        ada = signed_in(host)
        found = text_of(await ada.get("/ui/jobs?q=AT+03:00"))
        assert "nightly" in found
        assert "brittle" not in found
        assert "scheduled (1)" in found

        await ada.post("/ui/modules/workshop/jobs/nightly/pause")

        assert "paused (1)" in text_of(await ada.get("/ui/jobs?show=paused"))
        assert "0 scheduled, 1 paused" in text_of(await ada.get("/ui"))
        assert "No job is scheduled" in text_of(await ada.get("/ui"))


async def test_a_module_that_fails_is_told_by_the_next_look(tmp_path):
    async with open_workshop(tmp_path) as (workshop, host):
        ada = signed_in(host)
        assert "bench" not in text_of(await ada.get("/ui"))
        seen = host.host.events.subscribe()
        workshop.is_broken = True
        async with asyncio.timeout(20):
            async for event in seen:
                if event.type == "health.changed":
                    break

        assert "the bench has three legs" in text_of(await ada.get("/ui"))
        assert "1 of 1 check fails" in text_of(await ada.get("/ui/modules"))


async def test_the_form_suggests_modules_of_the_shown_runs_where_there_are_very_many(tmp_path):
    modules = [failing_module(f"m{number:03}") for number in range(120)]
    async with running_host(*modules, state_dir=tmp_path) as host:
        ada, engine = signed_in(host), host.host.jobs.engine
        await engine.wait((await engine.trigger("m007", "sync", {}, by="ada")).id, 20)
        assert re.findall(r'<option value="(m\d+)">', (await ada.get("/ui/runs")).text) == ["m007"]


async def test_what_another_replica_runs_is_shown_within_a_moment(tmp_path, postgres):
    config = {**CONFIG, "global": {"store": {"url": postgres.fresh_database()}}}
    workshop = Workshop()
    async with running_host(workshop.module, state_dir=tmp_path, config=config) as host:
        ada, engine = signed_in(host), host.host.jobs.engine
        run = await engine.wait((await engine.trigger("workshop", "brittle", {}, by="ada")).id, 20)
        assert "workshop brittle failed" not in text_of(await ada.get("/ui"))

        # As another replica does it, of whose runs no event tells here.
        with engine._database.engine.begin() as connection:
            connection.execute(sa.update(RUNS).where(RUNS.c.id == run.id).values(status="failed"))

        async with asyncio.timeout(5):
            while "workshop brittle failed" not in text_of(await ada.get("/ui")):
                await asyncio.sleep(0.1)
        assert "failing (1)" in text_of(await ada.get("/ui/jobs"))
        assert "1 failed" in text_of(await ada.get("/ui"))
