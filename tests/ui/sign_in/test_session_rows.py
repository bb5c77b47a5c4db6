"""What a browser holds, and what it is worth: rows L8 to L10, L14 to L18 and L20 of the attack list."""

import re

import pytest
from aiohttp import web

import nexus
from nexus.auth.refusal import Reason
from nexus.ui.sign_in.session import new_secret

from .conftest import enter, sessions_of

HTTPS = "https://nexus.example"
SAME = {"Sec-Fetch-Site": "same-origin"}


def cookie_of(browser, host):
    """Name and value of the session's cookie."""
    ((name, value),) = [each for each in browser.cookies_of(host.url).items() if "session" in each[0]]
    return name, value


async def is_signed_in(browser, host, **headers):
    return (await browser.get(f"{host.url}/ui/me", headers=headers, follow=False)).status == 200


async def test_l8_a_session_that_was_there_before_is_not_the_one_that_is_given(host, browser, signed_in):
    name, planted = f"nexus_session_{host.url.rpartition(':')[2]}", new_secret()
    browser.cookies_of(host.url)[name] = planted

    await signed_in(browser, host)

    assert cookie_of(browser, host)[1] != planted
    assert not await is_signed_in(browser, host, Cookie=f"{name}={planted}")


async def test_l8_each_sign_in_gives_a_new_session_and_ends_the_one_before(host, browser, new_browser, signed_in):
    await signed_in(browser, host)
    name, first = cookie_of(browser, host)
    await signed_in(browser, host)

    assert cookie_of(browser, host)[1] != first
    assert not await is_signed_in(new_browser(), host, Cookie=f"{name}={first}")
    assert await is_signed_in(browser, host)


async def test_l8_two_cookies_of_the_name_are_no_session(host, browser, signed_in):
    await signed_in(browser, host)
    name, secret = cookie_of(browser, host)

    for cookie in (f"{name}={secret}; {name}={secret}", f"{name}=x; {name}={secret}", f"{name}={secret};{name}="):
        assert not await is_signed_in(browser, host, Cookie=cookie)
    assert await is_signed_in(browser, host, Cookie=f"a=b; {name}={secret}; c=d")


@pytest.mark.parametrize("place", ["query", "header", "path", "form"])
async def test_l8_a_session_is_taken_from_its_cookie_alone(host, browser, new_browser, signed_in, place):
    await signed_in(browser, host)
    name, secret = cookie_of(browser, host)
    stranger = new_browser()

    if place == "form":
        page = await stranger.send("POST", f"{host.url}/ui/sign-out", fields={name: secret}, headers=SAME, follow=False)
    else:
        path = {"query": f"/ui/me?{name}={secret}", "path": f"/ui/me;{name}={secret}"}.get(place, "/ui/me")
        headers = {name: secret, "X-Session": secret} if place == "header" else {}
        page = await stranger.get(host.url + path, headers=headers, follow=False)

    assert page.status == 303
    assert await is_signed_in(browser, host)


async def test_l9_over_https_the_cookie_is_for_this_host_and_no_script(open_host, browser, link_to):
    async with open_host(base_url=HTTPS, path="/nexus") as host:
        page = await browser.get(await link_to(host))
        page = await browser.submit(page, code=page.field("code"), follow=False)

        (cookie,) = [each for each in page.headers.getall("Set-Cookie") if "session" in each]
        name, _, rest = cookie.partition("=")
        assert name == "__Host-nexus_session"
        assert {part.strip().lower() for part in rest.split(";")[1:]} == {
            "secure",
            "httponly",
            "samesite=lax",
            "path=/",
        }
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", rest.split(";")[0])
        assert await is_signed_in(browser, host)


async def test_l9_on_loopback_without_https_it_is_the_same_but_for_what_takes_https(host, browser, link_to):
    page = await browser.get(await link_to(host))
    page = await browser.submit(page, code=page.field("code"), follow=False)

    (cookie,) = [each for each in page.headers.getall("Set-Cookie") if "session" in each]
    name, _, rest = cookie.partition("=")
    assert name == f"nexus_session_{host.url.rpartition(':')[2]}"
    assert {part.strip().lower() for part in rest.split(";")[1:]} == {"httponly", "samesite=lax", "path=/"}


async def test_l9_beyond_loopback_a_browser_keeps_no_session_without_https(open_host, browser, link_to):
    async with open_host(base_url="http://nexus.example:8080") as host:
        page = await browser.get(await link_to(host))
        page = await browser.submit(page, code=page.field("code"), follow=False)

        assert all("Secure" in each for each in page.headers.getall("Set-Cookie"))


async def test_l9_a_name_beyond_loopback_gets_no_plain_cookie_whatever_base_url_says(host, browser, link_to):
    """Where `base_url` is left at its default, and others reach the host all the same."""
    headers = {"Host": "server.example:3001"}
    told = await browser.get(f"{host.url}/ui/sign-in", headers=headers)
    page = await browser.get(await link_to(host), headers=headers)
    page = await browser.send(
        "POST", page.action(), fields={"code": page.field("code")}, sender=host.url, headers=headers, follow=False
    )

    assert "no https" in told.text
    assert page.status == 303
    assert all("Secure" in each for each in page.headers.getall("Set-Cookie"))
    assert "no https" not in (await browser.get(f"{host.url}/ui/sign-in")).text


FORGERIES = {
    "L10-another-site": ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, True),
    "L10-another-port": ({"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"}, True),
    "L10-typed": ({"Sec-Fetch-Site": "none"}, True),
    "L10-says-nothing": ({}, True),
    "L10-null-origin-alone": ({"Origin": "null"}, True),
    "L10-origin-of-another": ({"Origin": "https://evil.example"}, True),
    "L10-origin-that-begins-alike": ({"Origin": "{host}.evil.example"}, True),
    "L10-origin-of-another-beside": ({**SAME, "Origin": "https://evil.example"}, True),
    "L10-referrer-alone": ({"Referer": "{host}/ui"}, True),
    "L10-no-token": (SAME, False),
    "L10-host-of-another": ({"Host": "evil.example", "Origin": "http://evil.example"}, True),
}


@pytest.mark.parametrize(("headers", "has_token"), FORGERIES.values(), ids=list(FORGERIES))
async def test_l10_another_site_can_act_in_nobody_s_name(host, browser, signed_in, headers, has_token, audit):
    page = await signed_in(browser, host)
    name, secret = cookie_of(browser, host)
    told = {key: value.format(host=host.url) for key, value in headers.items()}
    fields = {"csrf": page.field("csrf")} if has_token else {}
    if "Host" in told:  # the cookie of the real name, as if the browser had been fooled about the name
        told["Cookie"] = f"{name}={secret}; nexus_session_80={secret}"

    for path in ("/ui/sign-out", "/ui/sessions/0123456789abcdef/revoke"):
        answer = await raw_post(browser, host, path, fields, told)
        assert answer in (403, 303), path
        if answer == 403:
            assert audit.lines[-1].reason == Reason.FORGED_REQUEST
    assert await is_signed_in(browser, host)


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "ä" * 43, "\x00", "null"])
async def test_l10_an_action_needs_the_token_of_this_very_session(host, browser, new_browser, signed_in, token):
    page, other = await signed_in(browser, host), new_browser()
    stranger = await signed_in(other, host)

    for wrong in (token, stranger.field("csrf"), page.field("csrf")[:-1], page.field("csrf") + "x"):
        assert (await browser.submit(page, f"{host.url}/ui/sign-out", csrf=wrong)).status == 403
    twice = await raw_post(browser, host, "/ui/sign-out", [("csrf", page.field("csrf"))] * 2, SAME)
    assert twice == 403
    assert await is_signed_in(browser, host)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
async def test_l10_no_other_method_than_post_does_anything(host, browser, signed_in, method):
    page = await signed_in(browser, host)

    query = f"?csrf={page.field('csrf')}"
    answer = await browser.send(method, f"{host.url}/ui/sign-out{query}", headers=SAME, follow=False)

    assert answer.status in (404, 405)
    assert await is_signed_in(browser, host)


async def test_l10_another_site_signs_nobody_in(host, browser, link_to, audit):
    """Else somebody would work in a session that another person watches."""
    page = await browser.get(await link_to(host))

    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        assert await raw_post(browser, host, "/ui/link", {"code": page.field("code")}, headers) == 403
        assert audit.of("ui.sign_in")[-1].reason == "forged_request"
    assert (await browser.submit(page, code=page.field("code"), follow=False)).status == 303


async def test_l10_another_site_begins_no_sign_in(site, browser, issuer):
    page = await browser.send("GET", f"{site.url}/ui/sign-in/start", sender="https://evil.example", follow=False)

    assert page.location == f"{site.url}/ui/sign-in?to=/ui"


async def raw_post(browser, host, path, fields, headers):
    """A POST that tells what it is told to tell of its sender, and nothing else."""
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies_of(host.url).items())
    sent = {"Cookie": cookies, **headers}
    async with browser.session.post(host.url + path, data=fields, headers=sent, allow_redirects=False) as answer:
        return answer.status


async def test_l14_no_token_and_no_secret_is_where_it_could_be_found(site, browser, issuer, caplog):
    page = await enter(browser, site, issuer)
    pages = [page, await browser.get(f"{site.url}/ui/me")]
    _, secret = cookie_of(browser, site)
    stored = b"".join(file.read_bytes() for file in site.host.state_dir.glob("sessions.db*"))

    hidden = [*issuer.given, *issuer.verifiers, "code-1", secret, "s3cret-of-the-pages"]
    for each in hidden:
        assert each not in caplog.text
        for shown in pages:
            assert each not in shown.text
            assert each not in shown.url
    for each in [*issuer.given, secret]:  # a code and its proof are worth nothing once they were used
        assert each.encode() not in stored
    for shown in pages:
        assert shown.headers["Referrer-Policy"] == "no-referrer"
        assert shown.headers["Cache-Control"] == "no-store"
        assert "localStorage" not in shown.text


async def test_l15_a_session_is_worth_nothing_after_sign_out(host, browser, signed_in, audit):
    page = await signed_in(browser, host)
    name, secret = cookie_of(browser, host)

    await browser.submit(page, f"{host.url}/ui/sign-out", csrf=page.field("csrf"))

    assert browser.cookies_of(host.url) == {}
    for path in ("/ui", "/ui/me", "/ui/modules"):
        page = await browser.get(host.url + path, headers={"Cookie": f"{name}={secret}"}, follow=False)
        assert page.status == 303
        assert page.cookies[name]["max-age"] == "0"
    assert [line.action for line in audit.lines if line.action.startswith("ui.sign")] == ["ui.sign_in", "ui.sign_out"]


async def test_l15_a_session_is_worth_nothing_after_an_admin_ends_it(host, browser, new_browser, signed_in, audit):
    thief = new_browser()
    page = await signed_in(browser, host)
    await signed_in(thief, host)
    with sessions_of(host) as database:
        names = [name for (name,) in database.execute("SELECT name FROM nexus_sessions ORDER BY created_at")]

    await browser.submit(page, f"{host.url}/ui/sessions/{names[1]}/revoke", csrf=page.field("csrf"))

    assert not await is_signed_in(thief, host)
    assert await is_signed_in(browser, host)
    (line,) = audit.of("ui.revoke")
    assert (line.decision, line.target) == ("allowed", names[1])
    again = await browser.submit(page, f"{host.url}/ui/sessions/{names[1]}/revoke", csrf=page.field("csrf"))
    assert again.status == 404


async def test_l15_a_live_page_ends_with_its_session(host, browser, signed_in):
    page = await signed_in(browser, host)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies_of(host.url).items())
    headers = {"Cookie": cookies, "Accept": "text/event-stream"}
    async with browser.session.get(f"{host.url}/ui/events?watch=overview", headers=headers) as stream:
        assert stream.status == 200
        await browser.submit(page, f"{host.url}/ui/sign-out", csrf=page.field("csrf"), follow=False)
        host.host.events.publish("host.phase", {"phase": "running"})

        assert b"changed" not in await stream.content.read()


@pytest.mark.parametrize(
    ("change", "alive"),
    [
        ("seen_at = seen_at - 1600", True),
        ("seen_at = seen_at - 1801", False),
        ("ends_at = ends_at - 43000", True),
        ("ends_at = ends_at - 43201", False),
    ],
    ids=["L16-used-lately", "L16-idle", "L16-young", "L16-old"],
)
async def test_l16_a_session_ends_without_use_and_after_a_time_whatever_is_done(
    host, browser, signed_in, change, alive
):
    await signed_in(browser, host)
    with sessions_of(host) as database:
        database.execute(f"UPDATE nexus_sessions SET {change}")

    assert await is_signed_in(browser, host) == alive


async def test_l16_a_page_that_keeps_itself_up_to_date_is_no_use(host, browser, signed_in):
    await signed_in(browser, host)
    for headers, is_use in (({"Accept": "text/event-stream"}, False), ({"HX-Request": "true"}, False), ({}, True)):
        with sessions_of(host) as database:
            database.execute("UPDATE nexus_sessions SET seen_at = created_at - 1000")
            ((before,),) = database.execute("SELECT seen_at FROM nexus_sessions").fetchall()
            await browser.get(f"{host.url}/ui/me", headers=headers)
            ((after,),) = database.execute("SELECT seen_at FROM nexus_sessions").fetchall()
        assert (after > before) == is_use, headers


async def test_l16_the_limits_are_settings(open_host, browser, signed_in):
    async with open_host(ui={"idle_timeout": 60, "lifetime": 120}) as host:
        await signed_in(browser, host)
        with sessions_of(host) as database:
            ((idle, lifetime),) = database.execute("SELECT idle, ends_at - created_at FROM nexus_sessions").fetchall()

    assert (idle, lifetime) == (60, 120)


async def test_l17_the_api_and_the_modules_take_no_cookie(open_host, browser, signed_in):
    shop = nexus.Module("shop", version="1.0.0")

    @shop.get("/closed")
    async def closed(request):
        raise AssertionError("nobody got here")

    @shop.get("/open", access=nexus.PUBLIC)
    async def open_(request):
        return web.json_response([dict(request.cookies), dict(request.headers)])

    async with open_host(shop) as host:
        await signed_in(browser, host)
        name, secret = cookie_of(browser, host)
        page = await browser.get(host.url + "/m/shop/open", headers={"Cookie": f"{name}={secret}; own=1", **SAME})
        assert secret not in page.text
        assert '"own": "1"' in page.text
        for path in ("/api/version", "/api/me", "/api/modules", "/m/shop/closed", "/nothing"):
            for cookie in (f"{name}={secret}", f"access_token={secret}", f"__Host-nexus_session={secret}"):
                page = await browser.get(host.url + path, headers={"Cookie": cookie, **SAME})
                assert page.status == 401, path
            page = await browser.get(host.url + path, headers={"Authorization": f"Bearer {secret}"})
            assert page.status == 401


async def test_l18_no_page_can_be_framed(site, browser, issuer):
    pages = [
        await browser.get(f"{site.url}/ui/sign-in"),
        await browser.get(f"{site.url}/ui/callback?state=x"),
        await enter(browser, site, issuer),
        await browser.get(f"{site.url}/ui/me"),
        await browser.get(f"{site.url}/ui/nothing"),
    ]
    for page in pages:
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("permissions", [(), ("read",), ("Admin",), ("admins",)])
async def test_l20_who_has_no_permission_is_told_so_and_sent_nowhere(site, browser, issuer, permissions, audit):
    page = await enter(browser, site, issuer, permissions=permissions)

    assert page.status == 403
    assert "Sign in again" in page.text
    assert browser.cookies_of(site.url).keys() == {f"nexus_sign_in_{site.url.rpartition(':')[2]}"}
    (line,) = audit.of("ui.sign_in")
    assert (line.reason, line.subject) == ("lacks_permission", "ada")


async def test_l20_a_viewer_reads_and_cannot_act(site, browser, issuer, audit):
    page = await enter(browser, site, issuer, permissions=("viewer",))
    assert page.status == 200

    for path in ("/ui/runs/x/cancel", "/ui/runs/x/retry"):
        answer = await browser.submit(page, site.url + path, csrf=page.field("csrf"))
        assert answer.status == 403, path
        assert "look" in answer.text
        assert audit.lines[-1].reason == "lacks_permission"


async def test_l20_a_viewer_ends_the_own_sessions_and_no_other(site, new_browser, issuer):
    mine, mine_too, other = new_browser(), new_browser(), new_browser()
    page = await enter(mine, site, issuer, permissions=("viewer",))
    await enter(mine_too, site, issuer, permissions=("viewer",))
    await enter(other, site, issuer, permissions=("admin",), subject="eve")
    with sessions_of(site) as database:
        names = [name for (name,) in database.execute("SELECT name FROM nexus_sessions ORDER BY created_at")]

    refused = await mine.submit(page, f"{site.url}/ui/sessions/{names[2]}/revoke", csrf=page.field("csrf"))
    assert refused.status == 404
    assert await is_signed_in(other, site)
    await mine.submit(page, f"{site.url}/ui/sessions/{names[1]}/revoke", csrf=page.field("csrf"))
    assert not await is_signed_in(mine_too, site)
    assert await is_signed_in(mine, site)
