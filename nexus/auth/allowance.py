"""So many log lines a minute, and a count of the rest: a flood must not fill the disk."""

import math
import time
from collections.abc import Callable


class Allowance:
    """Lets so many lines through in any minute, all of them at once where none came before."""

    def __init__(self, per_minute: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_minute
        self._monotonic = monotonic
        self._left = float(per_minute)
        self._counted_at = monotonic()
        self._next_at = 0.0
        self._left_out = 0

    def take(self) -> bool:
        """True where a line may be written; else it is counted as left out."""
        now = self._monotonic()
        if now < self._next_at:
            self._left_out += 1
            return False
        rate = self._rate
        left = min(rate, self._left + (now - self._counted_at) * rate / 60)
        self._counted_at = now
        if left < 1:
            # Nothing is reckoned until then: a flood asks here thousands of times a second.
            self._next_at = now + (1 - left) * 60 / rate if rate else math.inf
            self._left = left
            self._left_out += 1
            return False
        self._left = left - 1
        return True

    def left_out(self) -> int:
        """Gives how many lines were left out since this was last asked."""
        count, self._left_out = self._left_out, 0
        return count
