"""Every page in a real browser: it shows, without an error, a barrier or a request to somebody else."""

import pytest

from tests.ui.workshop import open_workshop

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = (
    "/ui",
    "/ui/modules",
    "/ui/modules/workshop",
    "/ui/modules/gone",
    "/ui/jobs",
    "/ui/modules/workshop/jobs/nightly",
    "/ui/modules/workshop/jobs/brittle",
    "/ui/runs",
    "/ui/runs?status=failed&module=workshop",
    "/ui/runs?text=nothing-has-this",
    "/ui/runs/retry?module=workshop",
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
