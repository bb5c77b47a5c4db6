"""A figure that many open pages ask for at the same moment: found once, and shared while nothing has happened."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_AGE: Final = 0.9
"""Seconds for which a value is shared at most: other replicas do runs of which no event tells here."""

_PAUSE: Final = 0.25
"""Seconds from one finding to the next, however much happens meanwhile."""


class Recent(Generic[T]):
    """Keeps one value.

    Args:
        find: finds it; while it does, others wait for what it finds.
        version: changes whenever something has happened that the value may tell of.
        monotonic: seconds that never go back.
        sleep: waits for a number of seconds.
    """

    def __init__(
        self,
        find: Callable[[], Awaitable[T]],
        version: Callable[[], int],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._find = find
        self._version = version
        self._monotonic = monotonic
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._found_at = float("-inf")
        self._kept: tuple[int, T] | None = None

    async def get(self) -> T:
        """Gives the value as it was found after the last thing that had happened when this was asked."""
        asked = self._version()
        async with self._turn:
            age = self._monotonic() - self._found_at
            if self._kept is not None and self._kept[0] >= asked and age < _AGE:
                return self._kept[1]
            if age < _PAUSE:
                await self._sleep(_PAUSE - age)
            version = self._version()
            value = await self._find()
            self._found_at, self._kept = self._monotonic(), (version, value)
            return value
