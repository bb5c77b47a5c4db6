"""The stream of an open page: tells what concerns it, seldom enough, and ends when it should, without a trace."""

import asyncio
import contextlib
import logging

import aiohttp
import pytest

from nexus.host.events import Event
from nexus.ui import live
from tests.ui.signed_in import signed_in
from tests.ui.workshop import open_workshop


@contextlib.asynccontextmanager
async def stream(someone, watch, since="0"):
    headers = {"Cookie": someone._header, "Accept": "text/event-stream"}
    url = f"{someone.host.url}/ui/events?watch={watch}&since={since}"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        yield answer


async def read_until(answer, text):
    seen = b""
    async with asyncio.timeout(60):
        while text not in seen:
            chunk = await answer.content.readany()
            assert chunk, f"the stream ended: {seen!r}"
            seen += chunk
    return seen


def event(type, **data):
    return Event(id=1, type=type, at=None, data=data)


@pytest.mark.parametrize(
    ("watch", "told", "is_told"),
    [
        ("run:a", event("run.state", run="a"), True),
        ("run:a", event("run.state", run="b"), False),
        ("job:m/j", event("run.state", module="m", job="j"), True),
        ("job:m/j", event("run.state", module="m", job="k"), False),
        ("module:m", event("module.event", module="m"), True),
        ("module:m", event("module.state", module="n"), False),
        ("modules", event("module.state", module="n"), True),
        ("modules", event("run.state", run="a"), False),
        ("overview", event("run.state", run="a"), True),
        ("runs", event("health.changed", module="m"), False),
        ("made up", event("run.state", run="a"), False),
        ("run:a", event("events.dropped"), True),
    ],
)
def test_a_page_hears_what_concerns_it(watch, told, is_told):
    assert live.concerns(told, watch) is is_told


async def test_a_page_is_told_of_changes_since_it_was_made(tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host):
        ada, engine = signed_in(host), host.host.jobs.engine
        before = host.host.events.last_id
        run = await engine.wait((await engine.trigger("workshop", "brittle", {}, by="ada")).id, 60)
        async with stream(ada, f"run:{run.id}", since=str(before)) as answer:
            assert answer.content_type == "text/event-stream"
            await read_until(answer, b"event: changed")


async def test_many_changes_are_told_once(tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host), stream(signed_in(host), "runs") as answer:
        await read_until(answer, b"event: live")
        for number in range(2000):
            host.host.events.publish("run.state", {"run": str(number)})
        seen = await read_until(answer, b"event: changed")
        host.host.events.publish("run.state", {"run": "last"})
        seen += await read_until(answer, b"event: changed")
        assert seen.count(b"event: changed") <= 3


async def test_a_stream_ends_with_its_session(tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host):
        ada, other = signed_in(host), signed_in(host)
        async with stream(other, "runs") as answer:
            await read_until(answer, b"event: live")
            assert (await ada.post(f"/ui/sessions/{other.name}/revoke")).status == 303
            host.host.events.publish("run.state", {"run": "a"})
            await read_until(answer, b"event: ended")
            assert await answer.content.read() == b""


async def test_a_closed_tab_leaves_no_trace_in_the_log(tmp_path, caplog):
    async with open_workshop(tmp_path) as (_workshop, host):
        subscriptions = host.host.events._subscriptions
        with caplog.at_level(logging.INFO):
            for _ in range(5):
                async with stream(signed_in(host), "runs") as answer:
                    await read_until(answer, b"event: live")
                    assert len(subscriptions) == 1
                host.host.events.publish("run.state", {"run": "a"})
                await host.wait_until(lambda: not subscriptions)
        assert [record for record in caplog.records if record.exc_info] == []


async def test_open_tabs_do_not_hold_up_the_end(tmp_path):
    async with contextlib.AsyncExitStack() as stack:
        async with open_workshop(tmp_path) as (_workshop, host):
            ada = signed_in(host)
            for _ in range(20):
                answer = await stack.enter_async_context(stream(ada, "overview"))
                await read_until(answer, b"event: live")
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 30, "the grace period"


async def test_there_are_only_so_many_streams_of_one_session(tmp_path, monkeypatch):
    monkeypatch.setattr(live, "MOST_OF_SESSION", 2)
    async with open_workshop(tmp_path) as (_workshop, host):
        ada, grace = signed_in(host), signed_in(host, subject="grace")
        async with stream(ada, "runs") as one, stream(ada, "runs") as two:
            await read_until(one, b"event: live")
            await read_until(two, b"event: live")
            async with stream(ada, "runs") as three:
                assert three.status == 200  # an error would be one in the browser's console, too
                assert await three.content.read() == b"event: full\nretry: 30000\ndata: runs\n\n"
            async with stream(grace, "runs") as other:
                assert other.status == 200


async def test_what_happens_while_a_page_is_made_is_told_to_it(tmp_path):
    async with open_workshop(tmp_path) as (_workshop, host):
        engine = host.host.jobs.engine
        run = await engine.wait((await engine.trigger("workshop", "brittle", {}, by="ada")).id, 60)
        detail = engine.detail

        async def overtaken(run_id):
            found = await detail(run_id)
            host.host.events.publish("run.state", {"run": run_id})
            return found

        engine.detail = overtaken
        before = host.host.events.last_id
        page = await signed_in(host).get(f"/ui/runs/{run.id}")
        assert f"since={before}" in page.text
