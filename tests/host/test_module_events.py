"""What a module publishes reaches every module that listens and the host's events, within bounds, without secrets."""

import asyncio
import logging
import sys

import pytest

from nexus.host.module_events import MAX_BYTES, PER_WINDOW, WINDOW, InvalidEvent

from .workspace import until

EAR = """
HEARD = []
@nexus.hookimpl
def nexus_module_event(event): HEARD.append(event)
"""
MOUTH = "CONTEXT = []\n@m.startup\nasync def start(context): CONTEXT.append(context)"


def heard(name="ear"):
    return sys.modules[f"nexus_modules.{name}"].HEARD


def published(host):
    return [event for event in host.events.recent() if event.type == "module.event"]


def events_of(host, name="mouth"):
    return host.modules[name].instance.context.events


async def test_an_event_reaches_the_modules_that_listen_and_the_hosts_events(workspace):
    workspace.module("ear", EAR)
    workspace.module("mouth", EAR)
    workspace.run_all("ear", "mouth")

    async with workspace.running() as host:
        events_of(host).publish("target.down", {"name": "shop", "tries": [1, 2]})
        events_of(host).publish("rested")
        await until(lambda: len(heard()) == 2)

        told = heard()[0]
        assert (told.module, told.type, told.data) == ("mouth", "target.down", {"name": "shop", "tries": [1, 2]})
        assert told.at == workspace.time.now()
        assert (
            [event.type for event in heard()] == [event.type for event in heard("mouth")] == ["target.down", "rested"]
        )
        assert [event.data for event in published(host)] == [
            {"module": "mouth", "type": "target.down", "data": {"name": "shop", "tries": [1, 2]}},
            {"module": "mouth", "type": "rested", "data": {}},
        ]


async def test_a_listener_that_raises_or_writes_into_the_data_changes_nothing_for_others(workspace, caplog):
    workspace.module(
        "able",  # asked first: modules hear in the order of their names
        """
        @nexus.hookimpl
        def nexus_module_event(event):
            event.data["list"].append("mine")
            raise SystemExit(9)
        """,
    )
    workspace.module("ear", EAR)
    workspace.module("mouth")
    workspace.run_all("able", "ear", "mouth")

    async with workspace.running() as host:
        events_of(host).publish("x", {"list": []})
        await until(heard)

        assert heard()[0].data == {"list": []}
        assert published(host)[0].data["data"] == {"list": []}
    assert "module able: hook nexus_module_event failed" in caplog.text


async def test_what_is_published_is_what_was_there_at_that_moment(workspace):
    workspace.module("ear", EAR)
    workspace.run_all("ear")

    async with workspace.running() as host:
        data = {"names": ["a"]}
        events_of(host, "ear").publish("x", data)
        data["names"].append("b")
        await until(heard)

        assert heard()[0].data == {"names": ["a"]}


async def test_secrets_are_taken_out_of_an_event(workspace):
    workspace.module("ear", EAR)
    workspace.run_all("ear")
    workspace.scrubber.register("correct-horse")

    async with workspace.running() as host:
        events_of(host, "ear").publish("opened", {"with": ["the key correct-horse"], "correct-horse": 1})
        await until(heard)

        assert "correct-horse" not in repr((heard(), published(host)))
        assert heard()[0].data["with"] == ["the key ******"]


@pytest.mark.parametrize(
    ("type", "data", "says"),
    [
        ("", {}, "type '' is not usable"),
        ("no spaces", {}, "type 'no spaces' is not usable"),
        ("x" * 65, {}, "up to 64 letters"),
        (7, {}, "type 7 is not usable"),
        ("x", {"at": object()}, "has no JSON form"),
        ("x", {"at": float("nan")}, "has no JSON form"),
        ("x", {"at": "\ud800"}, "has no JSON form"),
        ("x", "text", "has no JSON form"),
        ("x", {"text": "é" * (MAX_BYTES // 2)}, "16384 are the limit"),
    ],
)
async def test_an_event_that_cannot_be_told_is_refused_where_it_is_published(workspace, type, data, says):
    workspace.module("ear", EAR)
    workspace.run_all("ear")

    async with workspace.running() as host:
        with pytest.raises(InvalidEvent, match=says):
            events_of(host, "ear").publish(type, data)

        assert published(host) == []


async def test_data_that_holds_itself_is_refused(workspace):
    workspace.module("ear")
    workspace.run_all("ear")
    ring, deep = {}, []
    ring["ring"] = ring
    for _ in range(100_000):
        deep = [deep]

    async with workspace.running() as host:
        for data in (ring, {"deep": deep}):
            with pytest.raises(InvalidEvent, match="has no JSON form"):
                events_of(host, "ear").publish("x", data)


async def test_a_thread_is_told_to_publish_on_the_loop(workspace):
    workspace.module("ear", EAR)
    workspace.run_all("ear")

    async with workspace.running() as host:
        with pytest.raises(InvalidEvent, match="published in a thread"):
            await asyncio.to_thread(events_of(host, "ear").publish, "x")

        assert published(host) == []


async def test_two_modules_that_answer_each_other_come_to_an_end(workspace, caplog):
    echo = MOUTH + (
        "\n@nexus.hookimpl\ndef nexus_module_event(event):\n"
        "    if event.module != CONTEXT[0].name: CONTEXT[0].events.publish('echo')\n"
    )
    workspace.module("one", echo)
    workspace.module("two", echo)
    workspace.run_all("one", "two")

    async with workspace.running() as host:
        events_of(host, "one").publish("first")
        await until(lambda: "are dropped" in caplog.text)
        told = host.events.last_id
        await asyncio.sleep(0)
        assert PER_WINDOW < host.events.last_id == told < 3 * PER_WINDOW

        dropped = [record for record in caplog.records if record.levelno == logging.WARNING]
        assert [record.event for record in dropped] == ["module.events.dropped"]

        await workspace.time.advance(WINDOW)
        events_of(host, "one").publish("later")
        assert published(host)[-1].data["type"] == "later"


async def test_a_module_that_does_not_serve_hears_nothing(workspace):
    workspace.module("ear", EAR + "@m.startup\nasync def start(context): raise nexus.NotReady('later')\n")
    workspace.module("mouth")
    workspace.run_all("ear", "mouth")

    async with workspace.running() as host:
        events_of(host).publish("x")
        await asyncio.sleep(0)

        assert len(published(host)) == 1
        assert heard() == []
