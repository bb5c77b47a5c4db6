"""What time it is, and waiting; passed in so that a test moves time instead of spending it."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Gives the present instant, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The host's sources of time and of chance.

    Attributes:
        now: the instant to show to people, aware, in UTC.
        monotonic: seconds that never go back, to measure with.
        sleep: waits for a number of seconds.
        spread: a random number from 0 up to 1, by which waits are spread.
    """

    now: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    spread: Callable[[], float] = random.random

    def jittered(self, seconds: float) -> float:
        """Gives `seconds`, up to a tenth shorter or longer, so that replicas do not act in step."""
        return seconds * (0.9 + 0.2 * self.spread())
