"""A page that finds no stream says so, and takes one as soon as there is one."""

import pytest
from playwright.async_api import expect

from nexus.ui import live
from tests.ui.workshop import open_workshop

pytestmark = [pytest.mark.asyncio(loop_scope="session")]


async def test_one_page_too_many_says_that_it_is_not_live_until_there_is_a_place(visit, tmp_path, monkeypatch):
    monkeypatch.setattr(live, "MOST", 1)
    monkeypatch.setattr(live, "_FULL", 0.2)
    async with open_workshop(tmp_path) as (_workshop, host), visit(host) as late:
        async with visit(host) as early:
            await early.go("/ui/runs")
            await expect(early.page.locator("#live-state")).to_have_text("live")
            await late.go("/ui/runs")
            await expect(late.page.locator("#live-state")).to_have_text("not live: too many pages are open")
            await expect(late.page.locator("#live-state")).to_have_attribute("data-state", "off")
            run = await host.host.jobs.engine.trigger("workshop", "brittle", {}, by="ada")

        await expect(late.page.locator("#live-state")).to_have_text("live")
        await expect(late.page.locator("#live")).to_contain_text(run.id[:8])


async def test_a_stream_that_cannot_begin_is_begun_again(visit, tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host), visit(host) as visitor:
        refused = []

        async def refuse_once(route):
            if refused:
                await route.continue_()
            else:
                refused.append(route.request.url)
                await route.fulfill(status=503, body="")

        await visitor.page.route("**/ui/events**", refuse_once)
        visitor.expect(503)
        await visitor.go("/ui/runs")
        await expect(visitor.page.locator("#live-state")).to_have_text("not live: trying again")
        await expect(visitor.page.locator("#live-state")).to_have_text("live")
