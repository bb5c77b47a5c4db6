"""One-time links: how somebody gets in where the local issuer serves."""

import asyncio


async def test_a_link_lets_somebody_in_and_says_so_in_the_audit_log(host, browser, signed_in, audit):
    page = await signed_in(browser, host)

    assert (page.url, page.status) == (f"{host.url}/ui", 200)
    (line,) = audit.of("ui.sign_in")
    assert (line.decision, line.target) == ("allowed", "link")
    assert line.subject
    assert line.issuer.startswith("nexus-local:")


async def test_a_link_works_once(host, browser, new_browser, link_to, audit):
    link = await link_to(host)
    page = await browser.get(link)

    assert (await browser.submit(page, code=page.field("code"), follow=False)).status == 303
    again = await new_browser().submit(page, code=page.field("code"))

    assert again.status == 403
    assert "nexus dashboard link" in again.text
    assert audit.of("ui.sign_in")[-1].reason == "unusable_link"


async def test_of_many_who_use_a_link_at_once_one_gets_in(host, new_browser, link_to):
    page = await new_browser().get(await link_to(host))

    answers = await asyncio.gather(
        *(new_browser().submit(page, code=page.field("code"), follow=False) for _ in range(20))
    )

    assert sorted(answer.status for answer in answers) == [303] + [403] * 19


async def test_who_only_looks_at_a_link_uses_nothing_up(host, browser, link_to):
    link = await link_to(host)
    for method in ("GET", "HEAD", "OPTIONS"):
        await browser.send(method, link)
    page = await browser.get(link)

    assert (await browser.submit(page, code=page.field("code"), follow=False)).status == 303


async def test_a_code_that_nobody_made_lets_nobody_in(host, browser, link_to):
    page = await browser.get(await link_to(host))
    for code in ("", "x", "A" * 43, "A" * 4000, "ä" * 43, page.field("code")[:-1]):
        assert (await browser.submit(page, code=code)).status == 403
    assert browser.cookies_of(host.url) == {}


async def test_a_host_that_nobody_looks_at_opens_no_store(host):
    assert not (host.host.state_dir / "sessions.db").exists()


async def test_the_file_of_sessions_is_for_its_owner_alone(host, browser, signed_in):
    await signed_in(browser, host)

    files = sorted(host.host.state_dir.glob("sessions.db*"))
    assert files
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
