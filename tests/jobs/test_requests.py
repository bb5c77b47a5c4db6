"""What the API answers about jobs and runs, on every store alike."""

import pytest
from pydantic import BaseModel

import nexus

NUL, HALF = "%00", "%ED%A0%80"


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres").fresh_database()
    return f"sqlite:///{tmp_path}/runs.db"


def shop():
    module = nexus.Module("shop", version="1")

    @module.job("give", overlap="allow")
    async def give(context: nexus.JobContext) -> str:
        return "given"

    @module.job("fail", overlap="allow")
    async def fail(context: nexus.JobContext) -> None:
        raise ValueError('no "Grüße\x00" \ud800 \\ there')

    return module


@pytest.fixture
async def host(nexus_host, store):
    return await nexus_host(shop(), config={"global": {"store": {"url": store}}})


async def asked(host, method, path, **sent):
    headers = {"Prefer": "wait=60"}
    answer = await host.request(method, path, permissions={"admin"}, headers=headers, **sent)
    return answer.status, answer.json()


async def test_a_search_finds_what_stands_in_the_error_and_not_how_it_is_kept(host):
    await asked(host, "POST", "/api/modules/shop/jobs/fail")

    async def found(text):
        status, page = await asked(host, "GET", f"/api/runs?text={text}")
        assert status == 200
        return len(page["runs"])

    for text in ("valueerror", "Grüße", "no%20%22", "%5C", "there"):
        assert await found(text) == 1, text
    for text in ("message", "type%22", "u00fc", "{", "%25"):
        assert await found(text) == 0, text


@pytest.mark.parametrize("text", [NUL, "a%0Ab", "x" * 201], ids=["NUL", "line feed", "long"])
async def test_what_no_run_can_hold_is_refused_as_a_filter(host, text):
    for name in ("module", "job", "text"):
        status, problem = await asked(host, "GET", f"/api/runs?{name}={text}")
        assert (status, name in problem["detail"]) == (400, True)


async def test_what_no_run_is_called_is_not_found(host):
    for name in (NUL, HALF, "a%0Ab", "x" * 300, "é"):
        assert (await asked(host, "GET", f"/api/runs/{name}"))[0] == 404, name
        for action in ("cancel", "retry"):
            assert (await asked(host, "POST", f"/api/runs/{name}/{action}"))[0] == 404, name
    assert (await asked(host, "POST", f"/api/modules/shop/jobs/{NUL}"))[0] == 404


async def test_a_cursor_that_no_list_gave_is_refused_whatever_it_holds(host):
    for cursor in ("LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "nonsense!"):
        assert (await asked(host, "GET", f"/api/runs?cursor={cursor}"))[0] == 400, cursor


async def test_many_runs_are_chosen_by_trigger_alone_and_ended_ones_are_not_counted_as_done(host):
    await asked(host, "POST", "/api/modules/shop/jobs/fail")
    _, again = await asked(host, "POST", "/api/runs/retry?trigger=manual")
    _, ended = await asked(host, "POST", "/api/runs/cancel?status=failed&trigger=manual")
    status, _ = await asked(host, "POST", "/api/runs/cancel")

    assert (again["done"], again["refused"]) == (1, 0)
    assert (ended["done"], ended["refused"]) == (0, 1)
    assert status == 400


class Limits(BaseModel):
    most: int


@pytest.mark.parametrize("is_alone", [True, False], ids=["alone", "beside another"])
async def test_a_job_of_a_module_whose_settings_are_wrong_is_unavailable_and_not_unknown(
    nexus_host, tmp_path, is_alone
):
    broken = nexus.Module("broken", version="1", settings=Limits)

    @broken.job("give")
    async def give(context: nexus.JobContext[Limits]) -> str:
        return "given"

    entries = {"modules": {"broken": {"jobs": [{"type": "give", "name": "nightly"}]}}}
    host = await nexus_host(*([] if is_alone else [shop()]), broken, settings={"broken": {"most": "x"}}, config=entries)

    for name, status in (("nightly", 503), ("give", 404), ("nothing", 404)):
        for action in ("", "/pause"):
            answer = await asked(host, "POST", f"/api/modules/broken/jobs/{name}{action}")
            assert (name, answer[0]) == (name, status)
