"""Several replicas on one store: a session that one has given is good at all, and ended at all."""


async def test_a_session_is_shared_by_replicas(open_host, browser, signed_in, postgres, tmp_path):
    store = {"url": postgres.fresh_database()}
    async with (
        open_host(state_dir=tmp_path / "one", store=store) as one,
        open_host(state_dir=tmp_path / "two", store=store) as two,
    ):
        page = await signed_in(browser, one)
        (secret,) = browser.cookies_of(one.url).values()
        # A balancer gives both one name; here they have a port each, which is in the name of the cookie.
        browser.cookies_of(two.url)[f"nexus_session_{two.url.rpartition(':')[2]}"] = secret

        assert (await browser.get(f"{two.url}/ui/me", follow=False)).status == 200
        await browser.submit(page, f"{one.url}/ui/sign-out", csrf=page.field("csrf"))
        assert (await browser.get(f"{two.url}/ui/me", follow=False)).status == 303


async def test_a_link_of_one_replica_lets_in_at_another(open_host, browser, link_to, postgres, tmp_path):
    store = {"url": postgres.fresh_database()}
    async with (
        open_host(state_dir=tmp_path / "one", store=store) as one,
        open_host(state_dir=tmp_path / "two", store=store) as two,
    ):
        link = (await link_to(one)).replace(one.url, two.url)
        page = await browser.get(link)

        assert (await browser.submit(page, code=page.field("code"))).url == f"{two.url}/ui"


async def test_a_store_that_is_down_is_told_as_a_page_and_signs_nobody_out(open_host, browser, signed_in, postgres):
    async with open_host(store={"url": postgres.fresh_database()}) as host:
        await signed_in(browser, host)
        postgres.stop()
        try:
            down = await browser.get(f"{host.url}/ui/me", follow=False)
        finally:
            postgres.start()

        assert down.status == 503
        assert down.headers["Retry-After"]
        assert "text/html" in down.headers["Content-Type"]
        assert "canary" not in down.text
        assert (await browser.get(f"{host.url}/ui/me", follow=False)).status == 200
