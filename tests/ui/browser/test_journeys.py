"""What people come for, from the first click to the result; with JavaScript, and without."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.ui.workshop import open_workshop

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

both = pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])


async def look(visitor, script, locator, text):
    """Waits until a live page shows a text; a plain one is loaded anew until it does."""
    if script:
        await expect(locator).to_contain_text(text)
        return
    async with asyncio.timeout(60):
        while text not in (await locator.first.inner_text()):
            await visitor.page.reload()


@both
async def test_a_job_is_run_from_its_form_and_watched_until_it_ends(visit, tmp_path, script):
    async with open_workshop(tmp_path) as (workshop, host), visit(host, java_script_enabled=script) as visitor:
        page = visitor.page
        await visitor.go("/ui")
        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Jobs").click()
        await page.get_by_role("link", name="slow").click()
        await page.get_by_role("button", name="Start the run").click()
        await expect(page.get_by_role("status").filter(has_text="The run has been started.")).to_be_visible()
        title = page.get_by_role("heading", level=1)
        await look(visitor, script, title, "running")
        await look(visitor, script, page.locator("main"), "first quarter")
        if script:
            await expect(page.locator("#live-state")).to_have_attribute("data-state", "on")
            await page.evaluate("window.isTheSame = true")
        workshop.goes_on.set()
        await look(visitor, script, title, "succeeded")
        await look(visitor, script, page.locator("main"), '"done"')
        if script:
            assert await page.evaluate("window.isTheSame"), "the page was loaded anew"


@both
async def test_options_go_in_by_the_form_and_mistakes_are_told_at_their_fields(visit, tmp_path, script):
    async with open_workshop(tmp_path) as (workshop, host), visit(host, java_script_enabled=script) as visitor:
        page = visitor.page
        await visitor.go("/ui/modules/workshop/jobs/nightly")
        await expect(page.get_by_label("Folder")).to_have_value("outbox")
        await page.get_by_label("Older than").fill("900")
        await page.get_by_label("Labels").fill("not json")
        visitor.expect(422)
        await page.get_by_role("button", name="Start the run").click()
        await expect(page.get_by_role("alert")).to_contain_text("Labels")
        await expect(page.get_by_label("Labels")).to_have_attribute("aria-invalid", "true")
        await page.get_by_label("Labels").fill('["old", "big"]')
        await page.get_by_role("button", name="Start the run").click()
        await expect(page.get_by_role("alert")).to_contain_text("less than or equal to 90")
        await page.get_by_label("Older than").fill("9")
        await page.get_by_label("Dry run").check()
        await page.get_by_label("Mode").select_option("thorough")
        await page.get_by_role("button", name="Start the run").click()
        await look(visitor, script, page.get_by_role("heading", level=1), "succeeded")
        seen = workshop.seen[-1]
        assert (seen.folder, seen.days, seen.mode, seen.dry_run, seen.labels) == (
            "outbox",
            9,
            "thorough",
            True,
            ["old", "big"],
        )
        assert seen.token.reveal() == "canary-of-the-options"


@both
async def test_a_schedule_rests_and_goes_on(visit, tmp_path, script):
    async with open_workshop(tmp_path) as (_workshop, host), visit(host, java_script_enabled=script) as visitor:
        page = visitor.page
        await visitor.go("/ui/modules/workshop/jobs/nightly")
        await expect(page.get_by_text("CET").or_(page.get_by_text("CEST")).first).to_be_visible()
        await page.get_by_role("button", name="Pause the schedule").click()
        await expect(page.get_by_text("ada has paused it")).to_be_visible()
        await expect(page.get_by_text("Nothing is due while its schedule rests.")).to_be_visible()
        await page.get_by_role("button", name="Resume the schedule").click()
        await expect(page.get_by_role("button", name="Pause the schedule")).to_be_visible()


@both
async def test_a_run_is_cancelled_and_done_again(visit, tmp_path, script):
    async with open_workshop(tmp_path) as (workshop, host), visit(host, java_script_enabled=script) as visitor:
        page = visitor.page
        run = await host.host.jobs.engine.trigger("workshop", "slow", {}, by="ada")
        await visitor.go(f"/ui/runs/{run.id}")
        await page.get_by_role("button", name="Cancel the run").click()
        await look(visitor, script, page.get_by_role("heading", level=1), "cancelled")
        workshop.goes_on.set()
        await page.get_by_role("button", name="Do it again").click()
        await expect(page.get_by_text("Does again")).to_be_visible()
        await look(visitor, script, page.get_by_role("heading", level=1), "succeeded")


@both
async def test_many_runs_are_done_again_at_once_after_a_question(visit, tmp_path, script):
    async with open_workshop(tmp_path) as (workshop, host), visit(host, java_script_enabled=script) as visitor:
        page, engine = visitor.page, host.host.jobs.engine
        workshop.is_broken = True
        for _ in range(3):
            await engine.wait((await engine.trigger("workshop", "brittle", {}, by="ada")).id, 60)
        workshop.is_broken = False
        await visitor.go("/ui/runs")
        await page.get_by_label("Status").select_option("failed")
        await page.get_by_label("Text in the error").fill("handle")
        await page.get_by_role("button", name="Filter").click()
        await page.get_by_role("link", name="Retry all that match…").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Retry 3 runs?")
        await page.get_by_role("button", name="Retry 3 runs").click()
        await expect(page.get_by_role("status").filter(has_text="Done again: ")).to_be_visible()


@both
async def test_many_runs_are_cancelled_at_once_after_a_question(visit, tmp_path, script):
    # One run goes on, and others wait for their turn.
    config = {"global": {"jobs": {"concurrency": 1}}}
    async with (
        open_workshop(tmp_path, config=config) as (_workshop, host),
        visit(host, java_script_enabled=script) as visitor,
    ):
        page, engine = visitor.page, host.host.jobs.engine
        runs = [await engine.trigger("workshop", job, {}, by="ada") for job in ("slow", "brittle", "nightly")]
        await visitor.go("/ui/runs")
        await page.get_by_label("Module", exact=True).fill("workshop")
        await page.get_by_role("button", name="Filter").click()
        await page.get_by_role("link", name="Cancel all that match…").click()
        await page.get_by_role("button", name="Cancel 3 runs").click()
        await expect(page.get_by_role("status").filter(has_text="Being cancelled: 3 runs.")).to_be_visible()
        for run in runs:
            assert (await engine.wait(run.id, 60)).status == "cancelled"


@both
async def test_a_job_is_run_and_watched_below_a_mount_point(visit, tmp_path, script):
    config = {"global": {"path": "/tools/nexus"}}
    async with (
        open_workshop(tmp_path, config=config) as (workshop, host),
        visit(host, java_script_enabled=script) as visitor,
    ):
        page = visitor.page
        await visitor.go("/ui")
        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Jobs").click()
        await page.get_by_role("link", name="slow").click()
        await page.get_by_role("button", name="Start the run").click()
        title = page.get_by_role("heading", level=1)
        await look(visitor, script, title, "running")
        if script:
            await expect(page.locator("#live-state")).to_have_attribute("data-state", "on")
        workshop.goes_on.set()
        await look(visitor, script, title, "succeeded")


@both
async def test_a_module_that_fails_is_seen(visit, tmp_path, script):
    async with open_workshop(tmp_path) as (workshop, host), visit(host, java_script_enabled=script) as visitor:
        page = visitor.page
        await visitor.go("/ui/modules/workshop")
        title = page.get_by_role("heading", level=1)
        await look(visitor, script, title, "running")
        if script:
            await expect(page.locator("#live-state")).to_have_attribute("data-state", "on")
            await page.evaluate("window.isTheSame = true")
        workshop.is_broken = True
        await look(visitor, script, title, "degraded")
        await look(visitor, script, page.locator("main"), "the bench has three legs")
        workshop.is_broken = False
        await look(visitor, script, title, "running")
        if script:
            assert await page.evaluate("window.isTheSame"), "the page was loaded anew"


async def test_what_was_opened_and_focused_stays_so_while_the_page_changes(visit, tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host), visit(host) as visitor:
        page, engine = visitor.page, host.host.jobs.engine
        await engine.wait((await engine.trigger("workshop", "brittle", {}, by="ada")).id, 60)
        await visitor.go("/ui")
        await page.get_by_text("As a table").click()
        rows = page.locator("#activity-table tbody tr").first
        await expect(rows).to_be_visible()
        await engine.wait((await engine.trigger("workshop", "brittle", {}, by="ada")).id, 60)
        await expect(page.locator("#activity-table tbody tr").first).to_contain_text("2")
        await expect(page.locator("#activity-table summary")).to_be_focused()
        await expect(rows).to_be_visible()


async def test_times_are_told_in_the_readers_zone_too(visit, tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host), visit(host, timezone_id="Asia/Tokyo") as visitor:
        await visitor.go("/ui/modules/workshop/jobs/nightly")
        await expect(visitor.page.locator(".reader-time").first).to_contain_text("GMT+9")


async def test_a_page_is_live_though_a_part_of_the_script_comes_late(visit, tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host), visit(host) as visitor:
        arrived = asyncio.Event()

        async def hold(route):
            # Nothing may begin before this part is there: the page is given every chance to.
            await asyncio.wait_for(asyncio.shield(arrived.wait()), 60)
            await route.continue_()

        await visitor.page.route("**/hx-sse.min.js", hold)
        opening = asyncio.ensure_future(visitor.go("/ui"))
        await visitor.page.wait_for_selector("#main h1")
        await visitor.page.wait_for_timeout(300)
        arrived.set()
        await opening
        await expect(visitor.page.locator("#live-state")).to_have_attribute("data-state", "on")
