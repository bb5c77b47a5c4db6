"""A zone's clock is shifted where the zone says, to the second, whatever the size of the shift."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from nexus.jobs.wall_clock import WallClock

BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")

SHIFTS = {
    # zone, a wall in the middle, the shift's instant, the wall by the old offset, the wall by the new one
    "Berlin in spring": (BERLIN, "2026-03-29T02:30", "2026-03-29T01:00Z", "2026-03-29T02:00", "2026-03-29T03:00"),
    "Berlin in autumn": (BERLIN, "2026-10-25T02:30", "2026-10-25T01:00Z", "2026-10-25T03:00", "2026-10-25T02:00"),
    "half an hour ahead": (
        LORD_HOWE,
        "2026-10-04T02:15",
        "2026-10-03T15:30Z",
        "2026-10-04T02:00",
        "2026-10-04T02:30",
    ),
    "half an hour back": (
        LORD_HOWE,
        "2026-04-05T01:45",
        "2026-04-04T15:00Z",
        "2026-04-05T02:00",
        "2026-04-05T01:30",
    ),
    "a day left out": (
        ZoneInfo("Pacific/Apia"),
        "2011-12-30T12:00",
        "2011-12-30T10:00Z",
        "2011-12-30T00:00",
        "2011-12-31T00:00",
    ),
}


@pytest.mark.parametrize(("zone", "wall", "at", "before", "after"), SHIFTS.values(), ids=SHIFTS)
def test_a_shift_is_found_to_the_second(zone, wall, at, before, after):
    clock, wall = WallClock(zone), datetime.fromisoformat(wall)

    shift = clock.find_gap(wall) or clock.find_fold(wall)

    assert (shift.at, shift.before, shift.after) == tuple(datetime.fromisoformat(text) for text in (at, before, after))


@pytest.mark.parametrize(
    ("wall", "instants"),
    [
        pytest.param("2026-07-01T02:30", ["2026-07-01T00:30Z"], id="plain"),
        pytest.param("2026-10-25T02:30", ["2026-10-25T00:30Z", "2026-10-25T01:30Z"], id="fold"),
        pytest.param("2026-03-29T02:30", [], id="gap"),
    ],
)
def test_a_wall_is_shown_once_twice_or_never(wall, instants):
    clock = WallClock(BERLIN)

    given = clock.instants_of(datetime.fromisoformat(wall))

    assert given == tuple(datetime.fromisoformat(text) for text in instants)
    assert all(instant.tzinfo is UTC for instant in given)


def test_a_plain_wall_has_no_shift():
    clock, wall = WallClock(BERLIN), datetime.fromisoformat("2026-07-01T02:30")

    assert clock.find_gap(wall) is None
    assert clock.find_fold(wall) is None


def test_a_naive_instant_is_refused():
    with pytest.raises(ValueError, match=r"^an instant needs a time zone: give an aware datetime, such as datetime"):
        WallClock(ZoneInfo("UTC")).wall_at(datetime.fromisoformat("2026-01-01T00:00"))
