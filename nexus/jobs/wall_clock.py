"""The clock on the wall of a time zone: what it shows at an instant, when it shows a time, and where it is shifted.

A wall is what such a clock shows: a `datetime` without a zone. Instants are aware, and given in UTC, for arithmetic
with a zone's own datetimes counts walls and is wrong by a shift.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A change of a clock's offset.

    Attributes:
        at: UTC instant of the change.
        before: the wall at that instant by the offset until then.
        after: the wall at that instant by the offset from then on.
    """

    at: datetime
    before: datetime
    after: datetime


@dataclass(frozen=True, slots=True)
class WallClock:
    """The clock of `zone`."""

    zone: ZoneInfo

    def wall_at(self, instant: datetime) -> datetime:
        """Gives the wall at an instant; its `fold` is 1 where the clock shows it for the second time.

        Raises:
            ValueError: `instant` is not aware.
        """
        if instant.utcoffset() is None:
            raise ValueError("an instant needs a time zone: give an aware datetime, such as datetime.now(UTC)")
        return instant.astimezone(self.zone).replace(tzinfo=None)

    def instants_of(self, wall: datetime) -> tuple[datetime, ...]:
        """Gives the instants at which the clock shows `wall`, in order: one, two in a fold, none in a gap."""
        first, second = self._instant(wall, 0), self._instant(wall, 1)
        if first == second:
            return (first,)
        return (first, second) if first < second else ()

    def find_fold(self, wall: datetime) -> Shift | None:
        """Gives the shift back that makes the clock show `wall` twice."""
        first, second = self._instant(wall, 0), self._instant(wall, 1)
        return self._shift(first, second) if first < second else None

    def find_gap(self, wall: datetime) -> Shift | None:
        """Gives the shift ahead that keeps the clock from ever showing `wall`."""
        # PEP 495: in a gap, fold 0 reads the offset before the shift, so it is the later one.
        later, earlier = self._instant(wall, 0), self._instant(wall, 1)
        return self._shift(earlier, later) if earlier < later else None

    def _instant(self, wall: datetime, fold: int) -> datetime:
        return wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)

    def _shift(self, low: datetime, high: datetime) -> Shift:
        """The shift between two instants, searched for by halves: zoneinfo does not tell its transitions."""
        low = low.replace(microsecond=0)
        before, after = low.astimezone(self.zone).utcoffset(), high.astimezone(self.zone).utcoffset()
        assert before is not None
        assert after is not None
        span = range(int((high - low).total_seconds()) + 1)
        seconds = bisect_left(span, 1, key=lambda s: self._offset(low + timedelta(seconds=s)) == after)
        at = low + timedelta(seconds=seconds)
        wall = at.replace(tzinfo=None)
        return Shift(at=at, before=wall + before, after=wall + after)

    def _offset(self, instant: datetime) -> timedelta | None:
        return instant.astimezone(self.zone).utcoffset()
