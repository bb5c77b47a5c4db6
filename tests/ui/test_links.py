"""From everything that a page names one gets to the page of it, and lists lead to what they do not show."""

import re
from html import unescape
from urllib.parse import urldefrag, urljoin

import pytest

import nexus
from nexus.testing.running_host import running_host
from nexus.ui.views.places import place_of
from tests.ui.signed_in import signed_in, text_of
from tests.ui.workshop import open_workshop

_LINK = re.compile(r'(?:href|src|data-hx-get)="([^"]*)"')


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("POST /ui/modules/workshop/jobs/nightly/pause", "/modules/workshop/jobs/nightly"),
        ("POST /nexus/ui/modules/workshop/jobs/nightly", "/modules/workshop/jobs/nightly"),
        ("GET /api/modules/workshop/config", "/modules/workshop"),
        ("POST /ui/runs/1f0c/cancel", "/runs/1f0c"),
        ("GET /api/runs/1f0c", "/runs/1f0c"),
        ("POST /ui/runs/cancel", ""),
        ("POST /api/runs/retry", ""),
        ("GET /api/modules", ""),
        ("GET /m/workshop/tools", ""),
        ("link", ""),
        ("SIGHUP", ""),
    ],
)
def test_a_line_of_the_audit_trail_leads_to_what_it_is_about(target, place):
    assert place_of(target) == place


async def test_the_audit_trail_leads_to_jobs_below_any_mount_point(tmp_path):
    async with open_workshop(tmp_path, config={"global": {"path": "/nexus"}}) as (_workshop, host):
        ada = signed_in(host)
        await ada.post("/ui/modules/workshop/jobs/nightly/pause")
        page = await ada.get("/ui/audit?q=nightly")
        assert '<a href="/nexus/ui/modules/workshop/jobs/nightly">POST ' in page.text
        assert "POST /nexus/ui/modules/workshop/jobs/nightly/pause" in text_of(page)


async def test_no_link_of_any_page_leads_nowhere(tmp_path):
    async with open_workshop(tmp_path, config={"global": {"path": "/nexus"}}) as (workshop, host):
        ada, engine = signed_in(host), host.host.jobs.engine
        workshop.is_broken = True
        await engine.wait((await engine.trigger("workshop", "brittle", {}, by="ada")).id, 60)
        await ada.post("/ui/modules/workshop/jobs/nightly/pause")
        seen, ahead = set(), {"/nexus/ui"}
        while ahead:
            path = ahead.pop()
            seen.add(path)
            page = await ada.get(path.removeprefix("/nexus"))
            assert page.status == 200, path
            if page.headers["Content-Type"].startswith("text/html"):
                ahead |= {urldefrag(urljoin(path, unescape(each))).url for each in _LINK.findall(page.text)} - seen
        assert len(seen) > 40


async def test_the_page_of_a_module_leads_to_its_runs_and_to_what_people_did(tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host):
        ada, engine = signed_in(host), host.host.jobs.engine
        run = await engine.wait((await engine.trigger("workshop", "brittle", {}, by="ada")).id, 60)
        await ada.post("/ui/modules/workshop/jobs/nightly/pause")
        links = re.findall(r'href="([^"]+)"', (await ada.get("/ui/modules/workshop")).text)
        assert f"/ui/runs/{run.id}" in links
        assert run.id[:8] in text_of(await ada.get(_one(links, "/ui/runs?")))
        assert "nightly/pause" in text_of(await ada.get(_one(links, "/ui/audit?")))


async def test_the_page_of_a_large_module_leads_to_its_other_jobs_and_routes(tmp_path):
    module = nexus.Module("large", version="1")
    for number in range(70):
        module.get(f"/r{number:02}")(_answer)
        module.job(f"j{number:02}")(_work)
    async with running_host(module, state_dir=tmp_path) as host:
        ada = signed_in(host)
        page = await ada.get("/ui/modules/large")
        links = re.findall(r'href="([^"]+)"', page.text)
        assert "And 20 more: see all jobs of this module" in text_of(page)
        assert "And 20 more: see all routes of this module" in text_of(page)
        assert "j69" not in page.text
        assert "70 jobs" in text_of(await ada.get(_one(links, "/ui/jobs?")))
        assert "70 routes" in text_of(await ada.get(_one(links, "/ui/routes?")))


async def test_the_list_of_modules_leads_to_the_parts_of_each(tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host):
        ada = signed_in(host)
        listed = (await ada.get("/ui/modules")).text
        page = (await ada.get("/ui/modules/workshop")).text
        for part in ("routes", "jobs", "checks"):
            assert f'href="/ui/modules/workshop#{part}"' in listed
            assert f'id="{part}"' in page


async def test_every_session_can_be_found_and_ended(tmp_path):
    async with running_host(state_dir=tmp_path) as host:
        ada = signed_in(host)
        for number in range(60):
            signed_in(host, subject=f"s{number:02}", name=f"Somebody {number:02}")
        names = set()
        for page in (1, 2):
            shown = await ada.get(f"/ui/me?sort=who&page={page}")
            names |= set(re.findall(r"Somebody \d\d", text_of(shown)))
            assert "61 sessions, page" in text_of(shown)
        assert len(names) == 60
        assert "Somebody 59" in text_of(await ada.get("/ui/me?sort=-who"))


async def test_settings_are_sorted_by_name_and_the_other_way_round(tmp_path):
    async with running_host(state_dir=tmp_path) as host:
        ada = signed_in(host)

        async def names(query):
            return re.findall(r'data-label="Setting">([^<]+)', (await ada.get(f"/ui/settings?{query}")).text)

        found = await names("sort=setting")
        assert found == sorted(found)
        assert (await names("sort=-setting")) == found[::-1]
        assert "global.server.port" in await names("sort=from&q=port")


def _one(links, begin):
    [found] = {link.replace("&amp;", "&") for link in links if link.startswith(begin)}
    return found


async def _answer(_request): ...


async def _work(_context): ...
