"""Each module has a cache of its own, with bounds and deadlines that hold."""

import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.config.settings import CacheSettings
from nexus.host.cache import Caches
from nexus.host.cache_entry import CacheUnavailable, InvalidCacheEntry
from nexus.host.memory_cache import MemoryCache

from .workspace import MovedTime


def caches(time, **settings):
    return Caches(CacheSettings(**settings), name="test", clock=time.clock)


async def test_keys_of_two_modules_never_meet(time):
    parts = caches(time)
    await parts.scoped("a").set("k", 1)

    assert await parts.scoped("a").get("k") == 1
    assert await parts.scoped("b").get("k") is None
    await parts.close()
    assert await parts.scoped("a").get("k") is None


async def test_an_entry_ends_with_its_time_also_where_the_loop_was_held(time):
    cache = caches(time, ttl=10).scoped("a")
    await cache.set("short", 1, ttl=1)
    await cache.set("usual", 2)

    time.seconds = 1.0
    assert (await cache.get("short"), await cache.get("usual")) == (None, 2)
    time.seconds = 10.0
    assert await cache.get("usual") is None


async def test_an_entry_that_was_set_again_gets_its_new_time(time):
    cache = caches(time).scoped("a")
    await cache.set("k", 1, ttl=1)
    await cache.set("k", 2, ttl=100)
    time.seconds = 50.0

    assert await cache.get("k") == 2
    await cache.delete("k")
    assert await cache.get("k") is None


@pytest.mark.parametrize("ttl", [0, -1, float("nan")])
async def test_a_time_that_is_none_is_refused(time, ttl):
    with pytest.raises(InvalidCacheEntry, match="give more than 0"):
        await caches(time).scoped("a").set("k", 1, ttl=ttl)


@given(st.lists(st.tuples(st.sampled_from(["get", "set", "delete"]), st.integers(0, 9)), max_size=60))
async def test_no_more_than_the_allowed_entries_are_kept(operations):
    cache = MemoryCache(ttl=300, max_entries=3, clock=MovedTime().clock)
    used: list[str] = []
    for operation, number in operations:
        key = str(number)
        if operation == "set":
            await cache.set(key, number)
            used = [*(k for k in used if k != key), key][-3:]
        elif operation == "delete":
            await cache.delete(key)
            used = [k for k in used if k != key]
        else:
            assert await cache.get(key) == (number if key in used else None)
            if key in used:
                used = [*(k for k in used if k != key), key]
    assert len(cache._store._cache) == len(used)


async def test_redis_without_its_client_says_what_to_install(time, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(CacheUnavailable, match=r"pip install 'nexus-host\[redis\]'"):
        caches(time, url="redis://localhost")


async def test_the_switch_of_aiocache_does_not_switch_the_cache_off(time, monkeypatch):
    monkeypatch.setenv("AIOCACHE_DISABLE", "1")
    cache = caches(time).scoped("a")
    await cache.set("k", 1)

    assert await cache.get("k") == 1
    await cache.delete("k")
    assert await cache.get("k") is None
