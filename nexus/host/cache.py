"""The modules' caches: each has a part of its own, in memory or in Redis.

aiocache imports every client it finds installed, which for Redis takes as long as the rest of a start. So it is loaded
by the first module that caches something, or at the start where Redis is configured.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from nexus.checks.clock import Clock
from nexus.config.settings import CacheSettings
from nexus.spec.context import Cache

if TYPE_CHECKING:
    from nexus.host.redis_cache import RedisServer


class _OnFirstUse:
    def __init__(self, make: Callable[[], Cache]) -> None:
        self._make = make
        self._made: Cache | None = None

    async def get(self, key: str) -> object | None:
        return await (await self._cache()).get(key)

    async def set(self, key: str, value: object, ttl: float | None = None) -> None:
        await (await self._cache()).set(key, value, ttl)

    async def delete(self, key: str) -> None:
        await (await self._cache()).delete(key)

    async def _cache(self) -> Cache:
        if self._made is not None:
            return self._made
        return self._keep(await asyncio.to_thread(self._make))  # in a thread: it imports

    def _keep(self, made: Cache) -> Cache:
        # Two may have come at once, and both must find the same entries.
        if self._made is None:
            self._made = made
        return self._made


class Caches:
    """Gives each module its own part of the configured cache.

    Args:
        settings: `[global.cache]`.
        name: of the host; keeps hosts that share a Redis apart.
        clock: time, to be moved by tests.

    Raises:
        CacheUnavailable: Redis is configured, and its client is not installed or its URL cannot be read.
    """

    def __init__(self, settings: CacheSettings, *, name: str, clock: Clock) -> None:
        self._settings = settings
        self._name = name
        self._clock = clock
        self._redis = None if settings.url.startswith("memory:") else _open_redis(settings.url, clock)
        self._by_module: dict[str, Cache] = {}

    def scoped(self, module: str) -> Cache:
        """Gives the part of `module`, the same one at each call."""
        return self._by_module.setdefault(module, self._make(module))

    def _make(self, module: str) -> Cache:
        settings = self._settings
        if self._redis is None:
            return _OnFirstUse(lambda: _memory(settings, self._clock))
        # Quoted, no name of a host can end in another one's module; names of modules have no colon.
        host = quote(self._name, safe="", errors="surrogatepass")
        return self._redis.cache(namespace=f"{host}:{module}", ttl=settings.ttl)

    async def close(self) -> None:
        """Drops what is in memory, and the connections."""
        self._by_module.clear()
        if self._redis is not None:
            await self._redis.close()


def _memory(settings: CacheSettings, clock: Clock) -> Cache:
    from nexus.host.memory_cache import MemoryCache  # noqa: PLC0415 - see the docstring of this file

    return MemoryCache(ttl=settings.ttl, max_entries=settings.max_entries, clock=clock)


def _open_redis(url: str, clock: Clock) -> "RedisServer":
    from nexus.host.redis_cache import open_redis  # noqa: PLC0415 - as above

    return open_redis(url, clock)
