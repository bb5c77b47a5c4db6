"""Every page in a real browser: it shows, without an error, a barrier or a request to somebody else."""

import pytest
from playwright.async_api import expect

from tests.ui.workshop import open_workshop

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = (
    "/ui",
    "/ui/modules",
    "/ui/modules/workshop",
    "/ui/modules/gone",
    "/ui/modules/uptime",
    "/ui/modules/uptime/pages/results",
    "/ui/jobs",
    "/ui/modules/workshop/jobs/nightly",
    "/ui/modules/workshop/jobs/brittle",
    "/ui/runs",
    "/ui/runs?status=failed&module=workshop",
    "/ui/runs?text=nothing-has-this",
    "/ui/runs/retry?module=workshop",
    "/ui/runs/cancel?module=workshop",
    "/ui/runs/cancel?job=none",
    "/ui/routes",
    "/ui/routes?access=public",
    "/ui/health",
    "/ui/audit",
    "/ui/audit?show=reads",
    "/ui/settings",
    "/ui/me",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_free_of_mishaps_and_barriers(visit, tmp_path, scheme):
    async with open_workshop(tmp_path) as (workshop, host):
        workshop.is_broken = True
        engine = host.host.jobs.engine
        failed = await engine.wait((await engine.trigger("workshop", "brittle", {}, by="ada")).id, 60)
        running = await engine.trigger("workshop", "slow", {}, by="ada")
        async with visit(host, color_scheme=scheme) as visitor:
            for path in (*PAGES, f"/ui/runs/{failed.id}", f"/ui/runs/{running.id}"):
                await visitor.go(path)
                assert await visitor.barriers() == [], path
            await visitor.go("/ui/nowhere", status=404)
            assert await visitor.barriers() == []


async def test_every_page_is_whole_without_javascript(visit, tmp_path):
    async with open_workshop(tmp_path) as (workshop, host):
        workshop.is_broken = True
        engine = host.host.jobs.engine
        failed = await engine.wait((await engine.trigger("workshop", "brittle", {}, by="ada")).id, 60)
        async with visit(host, java_script_enabled=False) as visitor:
            for path in (*PAGES, f"/ui/runs/{failed.id}"):
                await visitor.go(path)
                await expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
                await expect(visitor.page.locator("#live-state")).to_be_hidden()
            await visitor.go("/ui/nowhere", status=404)
            await expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Not Found")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_what_a_viewer_sees_and_what_is_refused_is_free_of_barriers(visit, tmp_path, scheme):
    async with open_workshop(tmp_path) as (_workshop, host):
        async with visit(host, may_act=False, color_scheme=scheme) as eve:
            for path in ("/ui/modules/workshop/jobs/nightly", "/ui/me"):
                await eve.go(path)
                assert await eve.barriers() == [], path
        async with visit(host, color_scheme=scheme) as ada:
            page = ada.page
            await ada.go("/ui/modules/workshop/jobs/nightly")
            await page.get_by_label("Labels").fill("not json")
            ada.expect(422)
            await page.get_by_role("button", name="Start the run").click()
            await expect(page.get_by_role("alert")).to_be_visible()
            assert await ada.barriers() == []


async def test_a_list_is_sorted_on_a_narrow_screen_too(visit, tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host), visit(host) as visitor:
        page = visitor.page
        await page.set_viewport_size({"width": 390, "height": 800})
        await visitor.go("/ui/modules?show=running")
        await page.get_by_role("link", name="Module", exact=True).click()
        names = page.locator('th[data-label="Module"] > a')
        await expect(names).to_have_text(["liveness", "uptime", "workshop"])
        await page.get_by_role("link", name="Module", exact=True).click()
        await expect(names).to_have_text(["workshop", "uptime", "liveness"])


async def test_no_page_is_wider_than_a_narrow_screen(visit, tmp_path):
    async with open_workshop(tmp_path) as (workshop, host):
        workshop.is_broken = True
        engine = host.host.jobs.engine
        failed = await engine.wait((await engine.trigger("workshop", "brittle", {}, by="ada")).id, 60)
        async with visit(host) as visitor:
            await visitor.page.set_viewport_size({"width": 390, "height": 800})
            for path in (*PAGES, f"/ui/runs/{failed.id}"):
                await visitor.go(path)
                width = await visitor.page.evaluate("document.documentElement.scrollWidth")
                assert width <= 390, path


async def test_the_keyboard_reaches_the_content_first(visit, tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host), visit(host) as visitor:
        await visitor.go("/ui/jobs")
        await visitor.page.keyboard.press("Tab")
        await visitor.page.keyboard.press("Enter")
        focused = await visitor.page.evaluate("document.activeElement.id")
        assert focused == "main"
