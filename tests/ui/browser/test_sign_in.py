"""Getting in, and being put out: by a link, at a provider that nobody here wrote, with script and without."""

import asyncio

import pytest
from playwright.async_api import expect

from nexus.testing.running_host import running_host
from nexus.ui.sign_in.new_link import new_link
from tests.issuers.conftest import panva_issuer  # noqa: F401 - a fixture
from tests.issuers.foreign_issuer import AUDIENCE
from tests.ports import free_port

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

both = pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])


async def link_to(host):
    settings = host.host.settings.global_
    return await asyncio.to_thread(new_link, host.url, settings.store, host.host.state_dir)


@both
async def test_a_link_lets_in_and_the_way_out_is_there(visit, tmp_path, script):
    async with (
        running_host(state_dir=tmp_path) as host,
        visit(host, is_signed_in=False, java_script_enabled=script) as visitor,
    ):
        page = visitor.page
        await visitor.go("/ui/jobs")
        await expect(page).to_have_url(f"{host.url}/ui/sign-in?to=/ui/jobs")
        await expect(page.locator("main")).to_contain_text("nexus dashboard link")

        link = await link_to(host)
        await page.goto(link)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page).to_have_url(f"{host.url}/ui")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()

        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("status")).to_have_text("You are signed out.")
        await page.go_back()
        await visitor.go("/ui")
        await expect(page).to_have_url(f"{host.url}/ui/sign-in")

        visitor.expect(403)
        await page.goto(link)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("This link lets nobody in")


@both
@pytest.mark.issuer
async def test_people_sign_in_at_a_foreign_provider_by_its_own_forms(visit, tmp_path, panva_issuer, script):  # noqa: F811
    port = free_port()
    tables = {
        "base_url": f"http://127.0.0.1:{port}",
        "server": {"port": port},
        "auth": {"issuer": panva_issuer.url, "audience": AUDIENCE},
        "ui": {
            "client_id": "nexus-pages",
            "client_secret": "secret-of-the-pages-of-nexus",
            "scopes": ["openid", "profile", "viewer"],
        },
    }
    async with (
        running_host(state_dir=tmp_path, config={"global": tables}) as host,
        visit(host, is_signed_in=False, java_script_enabled=script) as visitor,
    ):
        page = visitor.page
        await visitor.go("/ui/routes")
        visitor.goes_to(panva_issuer.url)
        await visitor.page.route(
            "https://fonts.googleapis.com/**", lambda route: route.fulfill(content_type="text/css")
        )
        visitor.goes_to("https://fonts.googleapis.com")  # by the provider's own pages, and answered here: it is offline
        await page.get_by_role("link", name="Sign in with 127.0.0.1").click()
        await page.locator("[name=login]").fill("vera")
        await page.locator("[name=password]").fill("any")
        await page.locator("button[type=submit]").click()
        await page.locator("button[type=submit]").click()

        await expect(page).to_have_url(f"{host.url}/ui/routes")
        await expect(page.locator("header")).to_contain_text("Name of vera")
        await expect(page.locator("header")).to_contain_text("viewer")
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("status")).to_have_text("You are signed out.")
        await page.get_by_role("link", name="Sign out at 127.0.0.1, too").click()
        await page.get_by_role("button", name="Yes, sign me out").click()
        await expect(page).to_have_url(f"{host.url}/ui/sign-in")
        await page.get_by_role("link", name="Sign in with 127.0.0.1").click()
        await expect(page.locator("[name=login]")).to_be_visible()


async def test_who_is_put_out_learns_so_on_the_page_that_is_open(visit, tmp_path):
    async with running_host(state_dir=tmp_path) as host, visit(host) as admin, visit(host) as other:
        other.expect(401)
        await other.go("/ui")
        await expect(other.page.locator("#live-state")).to_have_attribute("data-state", "on")
        await admin.go("/ui/me")
        await admin.page.get_by_role("row").filter(has_not_text="this one").get_by_role("button", name="End").click()
        await expect(admin.page.get_by_role("status").filter(has_text="has been ended")).to_be_visible()

        host.host.events.publish("host.phase", {"phase": "running"})

        await other.page.wait_for_url(f"{host.url}/ui/sign-in**")


async def test_who_is_put_out_without_javascript_comes_to_the_sign_in_page(visit, tmp_path):
    async with (
        running_host(state_dir=tmp_path) as host,
        visit(host, java_script_enabled=False) as admin,
        visit(host, java_script_enabled=False) as other,
    ):
        await other.go("/ui")
        await admin.go("/ui/me")
        await admin.page.get_by_role("row").filter(has_not_text="this one").get_by_role("button", name="End").click()
        await expect(admin.page.get_by_role("status").filter(has_text="has been ended")).to_be_visible()

        await other.page.get_by_role("link", name="Modules", exact=True).click()

        await expect(other.page).to_have_url(f"{host.url}/ui/sign-in?to=/ui/modules")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_of_sign_in_are_free_of_barriers(visit, tmp_path, scheme):
    async with (
        running_host(state_dir=tmp_path) as host,
        visit(host, is_signed_in=False, color_scheme=scheme) as visitor,
    ):
        for path in ("/ui/sign-in", "/ui/sign-in?out", "/ui/link?code=x"):
            await visitor.go(path)
            assert await visitor.barriers() == []
        await visitor.page.set_viewport_size({"width": 390, "height": 800})
        wide = await visitor.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390
