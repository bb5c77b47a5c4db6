"""What can be done from the pages, by whom, and what the next page then says."""

import pytest

from tests.ui.signed_in import signed_in, text_of
from tests.ui.workshop import open_workshop

JOB = "/ui/modules/workshop/jobs/brittle"


async def test_a_run_is_started_once_however_often_the_form_is_sent(tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host):
        ada = signed_in(host)
        first = await ada.post(JOB, once="a")
        again = await ada.post(JOB, once="a")
        assert first.status == again.status == 303
        assert first.headers["Location"] == again.headers["Location"]
        page = await ada.get(first.headers["Location"])
        assert "Started by ada" in text_of(page)


async def test_the_message_of_an_action_is_shown_once_and_says_nothing_that_was_not_written_here(tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host):
        ada = signed_in(host)
        answer = await ada.post("/ui/modules/workshop/jobs/nightly/pause")
        assert answer.status == 303
        cookie = answer.headers["Set-Cookie"].partition(";")[0].partition("=")
        ada.cookie[cookie[0]] = cookie[2]
        page = await ada.get("/ui/jobs")
        assert "The schedule of workshop nightly rests" in text_of(page)
        assert "Max-Age=0" in page.headers["Set-Cookie"]
        for forged in ("zz", "5b5d", b'["started",{"job":3}]'.hex(), b'["made up",{}]'.hex(), b"[" * 900):
            ada.cookie[cookie[0]] = forged if isinstance(forged, str) else forged.hex()
            assert (await ada.get("/ui/jobs")).status == 200
        ada.cookie[cookie[0]] = b'["paused",{"job":"<script>"}]'.hex()
        assert "&lt;script" not in (await ada.get("/ui/jobs")).text


@pytest.mark.parametrize(
    "path",
    [
        JOB,
        f"{JOB}/pause",
        f"{JOB}/resume",
        "/ui/runs/none/cancel",
        "/ui/runs/none/retry",
        "/ui/runs/cancel",
        "/ui/runs/retry",
    ],
)
async def test_no_action_without_the_sessions_token_or_the_role(tmp_path, path):
    async with open_workshop(tmp_path) as (_workshop, host):
        ada, eve = signed_in(host), signed_in(host, subject="eve", name="Eve", may_act=False)
        assert (await ada.post(path, csrf="made up")).status == 403
        refused = await eve.post(path)
        assert refused.status == 403
        assert refused.headers["Content-Type"].startswith("text/html")
        assert (await host.host.jobs.engine.runs(_any(), limit=1)).runs == ()


async def test_a_viewer_is_offered_no_action(tmp_path):
    async with open_workshop(tmp_path) as (workshop, host):
        workshop.is_broken = True
        engine = host.host.jobs.engine
        run = await engine.wait((await engine.trigger("workshop", "brittle", {}, by="ada")).id, 60)
        eve = signed_in(host, subject="eve", name="Eve", may_act=False)
        for path in (JOB, f"/ui/runs/{run.id}", "/ui/runs?status=failed", "/ui/runs/retry?status=failed"):
            page = await eve.get(path)
            forms = page.text.count('method="post"')
            assert forms == 1, path  # signing out
        page = text_of(await eve.get(JOB))
        assert "You may look, and not act" in page
        assert "Run now…" not in page


async def test_what_cannot_be_done_is_told_as_a_page(tmp_path):
    async with open_workshop(tmp_path) as (workshop, host):
        ada = signed_in(host)
        run = await host.host.jobs.engine.trigger("workshop", "slow", {}, by="ada")
        again = await ada.post("/ui/modules/workshop/jobs/slow")
        assert again.status == 409
        assert run.id in text_of(again)
        assert (await ada.post(f"/ui/runs/{run.id}/retry")).status == 409
        assert (await ada.post("/ui/runs/none/cancel")).status == 404
        assert (await ada.post("/ui/modules/workshop/jobs/none")).status == 404
        assert (await ada.post("/ui/runs/retry")).status == 400
        workshop.goes_on.set()


async def test_bulk_actions_ask_first_and_then_tell_what_became_of_the_runs(tmp_path):
    async with open_workshop(tmp_path) as (workshop, host):
        ada, engine = signed_in(host), host.host.jobs.engine
        workshop.is_broken = True
        for _ in range(2):
            await engine.wait((await engine.trigger("workshop", "brittle", {}, by="ada")).id, 60)
        asked = await ada.get("/ui/runs/retry?job=brittle")
        assert "Retry 2 runs?" in text_of(asked)
        nothing = await ada.get("/ui/runs/cancel?job=brittle")
        assert "No run to cancel" in text_of(nothing)
        workshop.is_broken = False
        done = await ada.post("/ui/runs/retry", job="brittle")
        assert done.status == 303
        assert done.headers["Location"].startswith("/ui/runs?job=brittle")
        cookie = done.headers["Set-Cookie"].partition(";")[0].partition("=")
        ada.cookie[cookie[0]] = cookie[2]
        assert "Done again: " in text_of(await ada.get(done.headers["Location"]))


def _any():
    from nexus.jobs.run import RunFilter

    return RunFilter()
