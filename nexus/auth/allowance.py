"""So many log lines a minute, and a count of the rest: a flood must not fill the disk."""

import time
from collections.abc import Callable


class Allowance:
    """Lets so many lines through in any minute, all of them at once where none came before."""

    def __init__(self, per_minute: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_minute
        self._monotonic = monotonic
        self._left = float(per_minute)
        self._counted_at = monotonic()
        self._left_out = 0

    def take(self) -> bool:
        """True where a line may be written; else it is counted as left out."""
        now = self._monotonic()
        self._left = min(self._rate, self._left + (now - self._counted_at) * self._rate / 60)
        self._counted_at = now
        if self._left < 1:
            self._left_out += 1
            return False
        self._left -= 1
        return True

    def left_out(self) -> int:
        """Gives how many lines were left out since this was last asked."""
        count, self._left_out = self._left_out, 0
        return count
