"""A module's cache in this process: aiocache keeps the entries, bounds and deadlines are ours.

aiocache 0.12 bounds nothing and expires by timers of the loop, which a held loop does not run: it is a store only.
"""

from collections import OrderedDict

from aiocache import BaseCache, SimpleMemoryCache

from nexus.checks.clock import Clock
from nexus.host.aiocache_operations import DELETE, GET, SET
from nexus.host.cache_entry import checked_ttl


class MemoryCache:
    """One module's entries in this process; the least recently used goes where there are too many.

    Args:
        ttl: seconds an entry is kept where the module does not say.
        max_entries: how many are kept.
        clock: time, to be moved by tests.
    """

    def __init__(self, *, ttl: float, max_entries: int, clock: Clock) -> None:
        self._ttl = ttl
        self._max_entries = max_entries
        self._clock = clock
        self._store: BaseCache = SimpleMemoryCache(timeout=0)
        self._deadlines: OrderedDict[str, float] = OrderedDict()

    async def get(self, key: str) -> object | None:
        """Gives what was kept under `key`, None where it is not there or too old."""
        deadline = self._deadlines.get(key)
        if deadline is None:
            return None
        if deadline <= self._clock.monotonic():
            await self.delete(key)
            return None
        self._deadlines.move_to_end(key)
        found: object = await GET(self._store, key)
        return found

    async def set(self, key: str, value: object, ttl: float | None = None) -> None:
        """Keeps `value` for `ttl` seconds, the host's setting where None.

        Raises:
            InvalidCacheEntry: `ttl` is not above zero.
        """
        seconds = checked_ttl(self._ttl if ttl is None else ttl)
        self._deadlines[key] = self._clock.monotonic() + seconds
        self._deadlines.move_to_end(key)
        await SET(self._store, key, value)
        while len(self._deadlines) > self._max_entries:
            oldest, _ = self._deadlines.popitem(last=False)
            await DELETE(self._store, oldest)

    async def delete(self, key: str) -> None:
        """Forgets `key`, also where it is not there."""
        self._deadlines.pop(key, None)
        await DELETE(self._store, key)
