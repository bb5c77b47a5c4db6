"""Sign-in at a foreign OpenID Connect provider, by its own forms."""

from contextlib import asynccontextmanager

import pytest

from tests.issuers.conftest import panva_issuer  # noqa: F401 - a fixture
from tests.issuers.foreign_issuer import AUDIENCE
from tests.ports import free_port

pytestmark = pytest.mark.issuer


@pytest.fixture
def open_site(open_host, panva_issuer):  # noqa: F811 - the fixture
    """Opens a host whose people sign in at the provider."""

    @asynccontextmanager
    async def open_site(path="/", **ui):
        port = free_port()
        async with open_host(
            path=path,
            base_url=f"http://127.0.0.1:{port}",
            server={"port": port},
            auth={"issuer": panva_issuer.url, "audience": AUDIENCE},
            ui={"client_id": "nexus-pages", "client_secret": "secret-of-the-pages-of-nexus", **ui},
        ) as host:
            yield host

    return open_site


async def sign_in(browser, host, person, *, at="/ui"):
    """Goes through every form of the provider; gives the page that the host shows in the end."""
    page = await browser.get(f"{host.url}{at}")
    page = await browser.get(page.link("Sign in with"))
    while "/interaction/" in page.url:
        fields = {"prompt": page.field("prompt")}
        if fields["prompt"] == "login":
            fields |= {"login": person, "password": "any"}
        page = await browser.submit(page, **fields)
    return page


ADMIN = ("openid", "profile", "admin")


async def test_an_admin_signs_in_and_comes_to_where_the_way_began(open_site, browser, audit):
    async with open_site(scopes=ADMIN) as host:
        page = await sign_in(browser, host, "ada", at="/ui/modules?state=failed")

        assert (page.status, page.url) == (200, f"{host.url}/ui/modules?state=failed")
        assert "Name of ada" in page.text
        (line,) = audit.of("ui.sign_in")
        assert (line.decision, line.target, line.subject) == ("allowed", "issuer", "ada")
        away = await browser.submit(page, f"{host.url}/ui/sign-out", csrf=page.field("csrf"))
        assert "You are signed out" in away.text
        assert (await browser.get(f"{host.url}/ui", follow=False)).status == 303


@pytest.mark.parametrize("path", ["/", "/tools/nexus"])
async def test_who_signs_out_may_sign_out_at_the_provider_too(open_site, browser, path):
    async with open_site(path=path, scopes=ADMIN) as host:
        page = await sign_in(browser, host, "ada")
        away = await browser.submit(page, f"{host.url}/ui/sign-out", csrf=page.field("csrf"))

        again = await browser.get(away.link("Sign in with"))
        assert again.field("prompt") == "consent"  # still known there: nobody is asked who it is
        assert "You are still signed in at 127.0.0.1" in away.text
        question = await browser.get(away.link("Sign out at 127.0.0.1, too"))
        back = await browser.submit(question, xsrf=question.field("xsrf"), logout="yes")

        assert (back.status, back.url) == (200, f"{host.url}/ui/sign-in")
        assert 'name="login"' in (await browser.get(back.link("Sign in with"))).text


async def test_a_viewer_sees_everything_and_may_change_nothing(open_site, browser, audit):
    async with open_site(scopes=("openid", "viewer")) as host:
        page = await sign_in(browser, host, "vera")

        assert page.status == 200
        assert "viewer" in page.text
        refused = await browser.submit(page, f"{host.url}/ui/sessions/0123456789abcdef/revoke", csrf=page.field("csrf"))
        assert refused.status == 404


async def test_who_has_no_permission_is_told_so_once_and_may_come_back_as_somebody_else(open_site, browser, audit):
    async with open_site(scopes=("openid", "profile")) as host:
        page = await sign_in(browser, host, "nobody")

        assert page.status == 403
        assert "Name of nobody" in page.text
        (line,) = audit.of("ui.sign_in")
        assert (line.decision, line.reason, line.subject) == ("refused", "lacks_permission", "nobody")
        assert (await browser.get(f"{host.url}/ui", follow=False)).status == 303
        again = await browser.get(page.link("Sign in again"))
        assert 'name="login"' in again.text


async def test_sign_in_works_below_a_mount_point(open_site, browser):
    async with open_site(path="/tools/nexus", scopes=ADMIN) as host:
        page = await sign_in(browser, host, "ada")

        assert (page.status, page.url) == (200, f"{host.url}/ui")


async def test_a_code_is_worth_nothing_the_second_time_and_nothing_to_another_browser(open_site, browser, new_browser):
    async with open_site(scopes=ADMIN) as host:
        seen = []
        get = browser._send

        async def noting(method, url, *rest):
            seen.append(str(url))
            return await get(method, url, *rest)

        browser._send = noting
        await sign_in(browser, host, "ada")
        (way_back,) = [url for url in seen if "/ui/callback?" in url]

        assert (await browser.get(way_back)).status == 400
        assert (await new_browser().get(way_back)).status == 400


async def test_an_issuer_that_is_down_is_told_as_a_page_and_needs_no_restart(open_site, browser, panva_issuer):  # noqa: F811
    async with open_site(scopes=ADMIN) as host:
        panva_issuer.stop()
        try:
            page = await browser.get(f"{host.url}/ui/sign-in")
            down = await browser.get(page.link("Sign in with"))
        finally:
            panva_issuer.start()

        assert down.status == 503
        assert down.headers["Retry-After"]
        assert "Sign-in cannot begin now" in down.text
