"""A figure is found once for all who ask at the same moment, and never shown older than what has happened."""

import asyncio

import pytest

from nexus.ui.views.recent import Recent


class World:
    """Something that changes, a clock, and how often it was looked at."""

    def __init__(self):
        self.version = 1
        self.now = 0.0
        self.looks = 0
        self.slept = []

    async def look(self):
        await asyncio.sleep(0)
        self.looks += 1
        return self.version

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    def recent(self):
        return Recent(self.look, lambda: self.version, monotonic=lambda: self.now, sleep=self.sleep)


async def test_many_who_ask_at_once_share_one_look():
    world = World()
    recent = world.recent()
    assert await asyncio.gather(*(recent.get() for _ in range(50))) == [1] * 50
    assert world.looks == 1


async def test_nobody_is_shown_less_than_what_had_happened_when_asking():
    world = World()
    recent = world.recent()
    await recent.get()
    world.version, world.now = 2, 0.1
    assert await recent.get() == 2
    assert world.slept == [pytest.approx(0.15)]


async def test_looks_keep_a_distance_however_much_happens():
    world = World()
    recent = world.recent()
    for _ in range(40):
        world.version += 1
        await recent.get()
    assert world.now >= 39 * 0.25


async def test_a_value_ages_though_nothing_happens_here():
    world = World()
    recent = world.recent()
    await recent.get()
    world.now = 1.0
    await recent.get()
    assert world.looks == 2


async def test_a_failure_is_nobodys_later():
    answers = [RuntimeError("away"), 7]

    async def find():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    recent = Recent(find, lambda: 1)
    with pytest.raises(RuntimeError):
        await recent.get()
    assert await recent.get() == 7
