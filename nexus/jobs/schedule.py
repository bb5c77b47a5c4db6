"""When a job is due: a cron line read in a time zone, from the parsing of the line to its instants.

No clock lives here: every question names the instant it is asked for. cronsim only matches walls; what happens where
a zone's clock is shifted is decided here, for 5 and 6 fields alike. Left to itself, cronsim 2.8 gives `0 30 2 * * *`
twice in a fold and never in a gap, but `30 2 * * *` once; asked from a fold's second pass, it gives an instant that
has gone by; and it leaves out due times where a shift is not of whole hours.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from nexus.jobs.wall_clock import WallClock
from nexus.spec.errors import NexusError

_FIELDS: Final = (
    ("second", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of month", "1 to 31, L for the last or LW for the last weekday"),
    ("month", "1 to 12 or JAN to DEC"),
    ("day of week", "0 to 7 or SUN to SAT, 5L for the last Friday or MON#1 for the first Monday"),
)

_NICKNAMES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_ORIGIN: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - a wall has no zone
"""Where a line's first match is looked for: cronsim looks 50 years far, and 29 February on a Monday rests for 40."""

_SECOND: Final = timedelta(seconds=1)


class InvalidSchedule(NexusError):
    """A cron line that cannot be read or is never due, or a zone that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The instants of a cron line in a time zone; made by `parse_schedule`.

    A line that names every hour is due whenever the zone's clock shows a time that matches, so `*/30 * * * *` keeps
    to 30 minutes where the clock is shifted by an hour. Any other line names times of the day: each is due once, when
    the clock first shows it, and one that the clock never shows is due at the gap's end.

    Attributes:
        line: the cron line, 5 fields or 6 with seconds first.
        timezone: IANA name of the zone that the line is read in.
    """

    line: str
    timezone: str
    _clock: WallClock = field(repr=False)
    _names_every_hour: bool = field(repr=False)

    def next_after(self, instant: datetime) -> datetime:
        """Gives the first due instant strictly after `instant`, in UTC.

        Raises:
            ValueError: `instant` is not aware.
            OverflowError: the calendar ends before it.
        """
        wall = self._clock.wall_at(instant)
        if not self._names_every_hour:
            return self._instant_of(self._first_after(self._furthest(wall)))
        starts = [wall]
        if not wall.fold and (fold := self._clock.find_fold(wall)):
            starts.append(fold.after - _SECOND)  # what the clock is about to show again
        walls = [self._first_shown_after(start) for start in starts]
        return min(due for each in walls for due in self._clock.instants_of(each) if due > instant)

    def last_until(self, instant: datetime) -> datetime | None:
        """Gives the latest due instant at or before `instant`, in UTC; None where the calendar begins after it.

        Raises:
            ValueError: `instant` is not aware.
        """
        try:
            return self._last_until(instant)
        except OverflowError:
            return None

    def upcoming(self, instant: datetime, count: int) -> tuple[datetime, ...]:
        """Gives the first `count` due instants strictly after `instant`, in UTC and in order."""
        instants: list[datetime] = []
        for _ in range(count):
            instant = self.next_after(instant)
            instants.append(instant)
        return tuple(instants)

    def describe(self) -> str:
        """Gives the line in English words, the zone left out."""
        return CronSim(self.line, _ORIGIN).explain()

    def _last_until(self, instant: datetime) -> datetime:
        wall = self._clock.wall_at(instant)
        if not self._names_every_hour:
            return self._instant_of(self._last_before(self._furthest(wall)))
        walls = [self._last_shown_before(start) for start in {wall, self._furthest(wall)}]
        return max(due for each in walls for due in self._clock.instants_of(each) if due <= instant)

    def _furthest(self, wall: datetime) -> datetime:
        """The furthest wall the clock has shown, to the second: in the second pass of a fold, its end."""
        fold = self._clock.find_fold(wall) if wall.fold else None
        return fold.before - _SECOND if fold else wall

    def _instant_of(self, wall: datetime) -> datetime:
        gap = self._clock.find_gap(wall)
        return gap.at if gap else self._clock.instants_of(wall)[0]

    def _first_after(self, wall: datetime) -> datetime:
        return next(CronSim(self.line, wall.replace(fold=0)))

    def _last_before(self, wall: datetime) -> datetime:
        """The latest match at or before `wall`; cronsim's own steps before what it is given."""
        return next(CronSim(self.line, wall.replace(microsecond=0, fold=0) + _SECOND, reverse=True))

    def _first_shown_after(self, wall: datetime) -> datetime:
        wall = self._first_after(wall)
        while gap := self._clock.find_gap(wall):
            wall = self._first_after(gap.after - _SECOND)
        return wall

    def _last_shown_before(self, wall: datetime) -> datetime:
        wall = self._last_before(wall)
        while gap := self._clock.find_gap(wall):
            wall = self._last_before(gap.before - _SECOND)
        return wall


def parse_schedule(line: str, timezone: str) -> Schedule:
    """Gives the schedule of a cron line, read in the IANA zone `timezone`.

    Raises:
        InvalidSchedule: the line has a wrong number of fields or a bad value, is a nickname such as `@daily`, or is
            never due; or the zone is unknown.
    """
    parts = line.split()
    line = " ".join(parts)
    if line.startswith("@"):
        equivalent = _NICKNAMES.get(line.lower(), "*/5 * * * *")
        raise InvalidSchedule(f"schedule {line!r} is a nickname, not cron fields: write them out, as in {equivalent!r}")
    if len(parts) not in {5, 6}:
        raise InvalidSchedule(
            f"schedule {line!r} has {len(parts)} fields: write 5, or 6 with seconds first, as in '0 8 * * 5'"
        )
    _refuse_bad_values(line, parts)
    hours = _parse_hours(line)
    return Schedule(
        line=line, timezone=timezone, _clock=WallClock(_parse_zone(timezone)), _names_every_hour=len(hours) == 24
    )


def _refuse_bad_values(line: str, parts: list[str]) -> None:
    # Each field alone, since cronsim says "Bad day-of-month" of a bad value and of a day that no month has.
    for index, part in enumerate(parts, start=len(_FIELDS) - len(parts)):
        alone = ["*"] * len(_FIELDS)
        alone[index] = part
        try:
            CronSim(" ".join(alone), _ORIGIN)
        except (CronSimError, ValueError):  # ValueError: Python reads no number of thousands of digits
            name, values = _FIELDS[index]
            raise InvalidSchedule(f"schedule {line!r} has a bad {name} {part!r}: write {values}") from None


def _parse_hours(line: str) -> set[int]:
    try:
        matches = CronSim(line, _ORIGIN)
        next(matches)
    except (CronSimError, StopIteration):
        raise InvalidSchedule(f"schedule {line!r} is never due: name days that its months have") from None
    return matches.hours


def _parse_zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidSchedule(f"time zone {timezone!r} is unknown: write an IANA name, as in 'Europe/Berlin'") from None
