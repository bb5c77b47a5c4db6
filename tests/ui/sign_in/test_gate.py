"""The gate: who comes to a page, and who is sent to sign in."""

from urllib.parse import quote

import pytest


async def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(host, browser):
    page = await browser.get(f"{host.url}/ui/modules?state=failed", follow=False)

    assert page.status == 303
    assert page.location == f"{host.url}/ui/sign-in?to={quote('/ui/modules?state=failed', safe='/')}"


async def test_a_browser_that_asks_for_the_root_comes_to_the_pages(host, browser):
    page = await browser.get(f"{host.url}/", follow=False)

    assert (page.status, page.location) == (303, f"{host.url}/ui")
    assert (await host.get("/")).status == 404


async def test_a_bearer_token_opens_no_page(host, browser):
    headers = {"Authorization": f"Bearer {host.token('admin')}"}

    assert (await browser.get(f"{host.url}/ui", headers=headers, follow=False)).status == 303


async def test_pages_work_below_any_mount_point(open_host, browser, signed_in):
    async with open_host(path="/tools/nexus") as host:
        page = await signed_in(browser, host)

        assert page.url == f"{host.url}/ui"
        assert host.url.endswith("/tools/nexus")
        away = await browser.submit(page, f"{host.url}/ui/sign-out", csrf=page.field("csrf"))
        assert away.url == f"{host.url}/ui/sign-in?out"
        assert "You are signed out" in away.text


async def test_a_script_that_asks_for_a_part_of_a_page_is_told_where_to_go(host, browser):
    asked = {
        "/ui/sign-in": {"Accept": "text/event-stream"},
        "/ui/sign-in?to=/ui/jobs": {"HX-Request": "true", "HX-Current-URL": f"{host.url}/ui/jobs"},
        "/ui/sign-in?to=/ui/runs%3Fstatus%3Dfailed": {
            "HX-Request": "true",
            "HX-Current-URL": f"{host.url}/ui/runs?status=failed",
        },
    }
    for place, headers in asked.items():
        page = await browser.get(f"{host.url}/ui/modules", headers=headers, follow=False)
        assert (page.status, page.headers["HX-Redirect"]) == (401, place)
    for evil in ("https://evil.example//evil.example/x", "http://[", "javascript:alert(1)", "\\\\evil", "/ui//evil"):
        headers = {"HX-Request": "true", "HX-Current-URL": evil}
        assert (await browser.get(f"{host.url}/ui", headers=headers)).headers["HX-Redirect"] == "/ui/sign-in"


@pytest.mark.parametrize("header", ["X-Forwarded-User", "Remote-User", "X-Auth-Request-User", "Tailscale-User-Login"])
async def test_a_header_says_nothing_of_who_somebody_is(host, browser, header):
    assert (await browser.get(f"{host.url}/ui", headers={header: "root"}, follow=False)).status == 303
