"""Tables sort, filter and page on the server, and bear whatever stands in an address."""

import html
import re

import pytest

import nexus
from nexus.testing.running_host import running_host
from tests.ui.signed_in import signed_in, text_of
from tests.ui.workshop import open_workshop


async def test_the_list_of_modules_pages_sorts_and_filters(tmp_path):
    modules = [nexus.Module(f"m{number:03}", version="1", description=f"number {number}") for number in range(120)]
    async with running_host(*modules, state_dir=tmp_path) as host:
        ada = signed_in(host)

        async def names(query):
            page = await ada.get(f"/ui/modules{query}")
            return re.findall(r'<a href="/ui/modules/(m\d+)"', page.text)

        assert (await names("?sort=name"))[:2] == ["m000", "m001"]
        assert (await names("?sort=-name&show=running"))[0] == "m119"
        assert (await names("?sort=name&show=running&page=2"))[0] == "m050"
        assert len(await names("?q=number+11")) == 11
        assert (await names("?sort=nonsense&page=99999999999"))[0] == "m000"
        assert len(await names("?sort=name&show=running&page=3")) == 20
        assert "No module matches" in text_of(await ada.get("/ui/modules?q=nobody"))


async def test_routes_tell_who_may_call_them_and_mark_the_open_ones(tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host):
        ada = signed_in(host)
        everything = text_of(await ada.get("/ui/routes?q=workshop"))
        assert "/m/workshop/door GET HEAD public" in everything
        assert "/m/workshop/tools GET HEAD token with read:tools" in everything
        only = text_of(await ada.get("/ui/routes?access=public&q=workshop"))
        assert "/m/workshop/tools" not in only


async def test_runs_are_narrowed_and_paged_by_the_store(tmp_path):
    async with open_workshop(tmp_path) as (workshop, host):
        ada, engine = signed_in(host), host.host.jobs.engine
        for broken in (True, False, True):
            workshop.is_broken = broken
            await engine.wait((await engine.trigger("workshop", "brittle", {}, by="ada")).id, 60)

        async def count(query):
            return (await ada.get(f"/ui/runs?{query}")).text.count('<th scope="row" data-label="Run">')

        assert await count("") == 3
        assert await count("status=failed&status=lost&text=HANDLE&within=day&module=workshop&job=&trigger=") == 2
        assert await count("text=nobody-says-this") == 0


async def test_runs_are_shown_oldest_first_where_that_is_asked_for(tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host):
        ada, engine = signed_in(host), host.host.jobs.engine
        made = [
            (await engine.wait((await engine.trigger("workshop", "brittle", {}, by="ada")).id, 60)).id
            for _ in range(51)
        ]

        async def shown(address):
            page = await ada.get(address)
            return re.findall(r'<a class="mono" href="/ui/runs/([^"]+)"', page.text), page.text

        newest, page = await shown("/ui/runs?module=workshop")
        turned = html.unescape(re.search(r'aria-sort="descending"><a class="sort" href="([^"]+)"', page)[1])
        oldest, page = await shown(turned)
        following = html.unescape(re.search(r'rel="next" href="([^"]+)"', page)[1])
        rest, page = await shown(following)

        assert newest == made[:0:-1]
        assert (oldest, rest) == (made[:50], made[50:])
        assert "These are the newest that are kept." in page
        assert 'name="order" value="oldest"' in page
        assert turned == "/ui/runs?module=workshop&order=oldest"


async def test_the_form_shows_whatever_narrows_the_runs_and_keeps_it(tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host):
        ada, engine = signed_in(host), host.host.jobs.engine
        run = await engine.wait((await engine.trigger("workshop", "brittle", {}, by="ada")).id, 60)
        shown = await ada.get("/ui/runs?trigger=manual&since=2026-01-01T00:00:00Z&until=2999-01-01T00:00:00Z")
        assert run.id[:8] in text_of(shown)
        assert '<option value="manual" selected>' in shown.text
        assert 'name="since" value="2026-01-01T00:00:00Z"' in shown.text
        assert 'name="until" value="2999-01-01T00:00:00Z"' in shown.text
        assert run.id[:8] not in text_of(await ada.get("/ui/runs?trigger=schedule"))
        assert "Queued before" not in text_of(await ada.get("/ui/runs"))


@pytest.mark.parametrize(
    "path",
    ["/ui/runs?status=sideways", "/ui/runs?cursor=nonsense", "/ui/runs?since=yesterday", "/ui/runs?trigger=magic"],
)
async def test_an_address_that_cannot_be_meant_is_told_as_a_page(tmp_path, path):
    async with open_workshop(tmp_path) as (_workshop, host):
        answer = await signed_in(host).get(path)
        assert answer.status == 400
        assert answer.headers["Content-Type"].startswith("text/html")


async def test_what_comes_from_outside_is_escaped(tmp_path):
    evil = "%3Cscript%3Ealert(1)%3C/script%3E%22'"
    async with open_workshop(tmp_path) as (_workshop, host):
        ada = signed_in(host)
        for path in (
            f"/ui/modules?q={evil}&show={evil}&sort={evil}",
            f"/ui/jobs?q={evil}",
            f"/ui/routes?q={evil}",
            f"/ui/runs?module={evil}&text={evil}",
            f"/ui/audit?q={evil}",
            f"/ui/settings?q={evil}",
            f"/ui/modules/{evil}",
            f"/ui/{evil}",
        ):
            assert "<script>alert" not in (await ada.get(path)).text, path


async def test_the_pages_of_a_host_without_modules_say_what_to_do(tmp_path):
    async with running_host(state_dir=tmp_path) as host:
        ada = signed_in(host)
        for path in ("/ui", "/ui/modules", "/ui/jobs", "/ui/runs", "/ui/health", "/ui/runs?status=failed"):
            assert (await ada.get(path)).status == 200
        assert "No module of this host has jobs" in text_of(await ada.get("/ui/jobs"))
        assert "All is well" in text_of(await ada.get("/ui"))


async def test_a_store_that_is_away_empties_a_part_and_not_the_page(tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host):
        ada, desk = signed_in(host), host.host.jobs
        engine, desk._engine = desk._engine, None  # as it is before a store that does not answer is opened
        try:
            for path in ("/ui", "/ui/jobs", "/ui/runs", "/ui/modules/workshop", "/ui/modules/workshop/jobs/nightly"):
                page = await ada.get(path)
                assert page.status == 200, path
                assert "the store of runs is not open" in text_of(page), path
                for untrue in ("not run yet", "Nothing has run", "None is kept", "No runs in", "No job is scheduled"):
                    assert untrue not in text_of(page), path
            assert "At 03:00 every day" in text_of(await ada.get("/ui/modules/workshop/jobs/nightly"))
            assert (await ada.post("/ui/modules/workshop/jobs/brittle")).status == 503
        finally:
            desk._engine = engine
