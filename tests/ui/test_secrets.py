"""No page shows a secret, wherever a module has put it."""

from tests.ui.signed_in import signed_in
from tests.ui.workshop import open_workshop

CANARIES = ("canary-of-the-drawer", "canary-of-the-options", "canary-of-the-form")


async def test_no_page_shows_a_secret(tmp_path):
    async with open_workshop(tmp_path) as (workshop, host):
        ada, engine = signed_in(host), host.host.jobs.engine
        workshop.is_broken = True
        failed = await engine.wait((await engine.trigger("workshop", "brittle", {}, by="ada")).id, 60)
        started = await ada.post("/ui/modules/workshop/jobs/nightly", **{"option.token": "canary-of-the-form"})
        assert started.status == 303
        wrong = {"option.token": "canary-of-the-form", "option.days": "900"}
        refused = await ada.post("/ui/modules/workshop/jobs/nightly", **wrong)
        assert refused.status == 422
        run = started.headers["Location"]
        await engine.wait(run.rpartition("/")[2], 10)
        pages = [refused]
        for path in (
            "/ui",
            "/ui/modules",
            "/ui/modules/workshop",
            "/ui/modules/workshop/jobs/nightly",
            "/ui/jobs",
            "/ui/runs",
            run,
            f"/ui/runs/{failed.id}",
            "/ui/routes",
            "/ui/health",
            "/ui/audit",
            "/ui/settings",
            "/ui/me",
        ):
            answer = await ada.get(path)
            assert answer.status == 200
            pages.append(answer)
        for page in pages:
            for canary in CANARIES:
                assert canary not in page.text
        assert workshop.seen[-1].token.reveal() == "canary-of-the-form"


async def test_a_secret_in_an_error_or_a_reason_is_masked_though_somebody_quotes_it(tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host):
        host.host.scrubber.register('canary <of> the "quotes"')
        module = host.module("workshop")
        from nexus.spec.state import Reason

        module.set_trouble("test", Reason("test", 'it said: canary <of> the "quotes"'))
        for path in ("/ui", "/ui/modules", "/ui/modules/workshop"):
            text = (await signed_in(host).get(path)).text
            assert "canary" not in text
            assert "it said: ******" in text
