"""Events reach every subscriber in order, and a slow one holds up nobody."""

import asyncio

from nexus.host.events import DROPPED, EventBus


async def taken(subscription):
    return [event async for event in subscription]


async def test_subscribers_get_what_is_published_from_then_on():
    bus = EventBus()
    bus.publish("before", {})
    subscription = bus.subscribe()
    bus.publish("first", {"a": 1})
    bus.publish("second", {})
    bus.close()

    events = await taken(subscription)
    assert [(event.id, event.type) for event in events] == [(2, "first"), (3, "second")]
    assert events[0].data == {"a": 1}


async def test_who_waits_is_woken():
    bus = EventBus()
    async with bus.subscribe() as subscription:
        waiting = asyncio.ensure_future(anext(subscription))
        await asyncio.sleep(0)
        bus.publish("x", {})
        assert (await waiting).type == "x"


async def test_who_comes_back_gets_what_it_missed():
    bus = EventBus()
    for number in range(5):
        bus.publish(str(number), {})
    subscription = bus.subscribe(after_id=3)
    bus.publish("new", {})
    bus.close()

    assert [event.type for event in await taken(subscription)] == ["3", "4", "new"]


async def test_who_missed_too_much_or_comes_from_another_run_is_told():
    bus = EventBus(kept=5)
    for number in range(5 + 10):
        bus.publish(str(number), {})
    late, foreign = bus.subscribe(after_id=3), bus.subscribe(after_id=10_000_000)
    bus.close()

    for events in (await taken(late), await taken(foreign)):
        assert events[0].type == DROPPED
        assert len(events) == 5 + 1


async def test_a_slow_subscriber_is_dropped_with_a_marker_and_the_others_go_on():
    bus = EventBus(waiting=5)
    slow, quick = bus.subscribe(), bus.subscribe()
    for number in range(5 + 5):
        bus.publish(str(number), {})
        assert (await anext(quick)).type == str(number)

    events = await taken(slow)
    assert (len(events), events[-1].type) == (5 + 1, DROPPED)


async def test_a_subscription_to_a_closed_bus_ends_at_once():
    bus = EventBus()
    bus.publish("old", {})
    bus.close()

    assert await taken(bus.subscribe()) == []
    assert [event.type for event in await taken(bus.subscribe(after_id=0))] == ["old"]
