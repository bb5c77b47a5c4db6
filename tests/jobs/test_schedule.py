"""A schedule is due when its line says, once, also on the days on which a zone's clock is shifted."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nexus.jobs.schedule import InvalidSchedule, parse_schedule
from nexus.spec.errors import NexusError

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"

SPRINGS = {
    # A zone whose clock leaps, a time in the gap, and the gap's end.
    "Berlin 2026": (BERLIN, "30 2 * * *", "2026-03-29", "2026-03-29T01:00Z"),
    "Berlin 2027": (BERLIN, "30 2 * * *", "2027-03-28", "2027-03-28T01:00Z"),
    "New York 2026": (NEW_YORK, "30 2 * * *", "2026-03-08", "2026-03-08T07:00Z"),
    "New York 2027": (NEW_YORK, "30 2 * * *", "2027-03-14", "2027-03-14T07:00Z"),
    "Lord Howe 2026": (LORD_HOWE, "15 2 * * *", "2026-10-04", "2026-10-03T15:30Z"),
    "Lord Howe 2027": (LORD_HOWE, "15 2 * * *", "2027-10-03", "2027-10-02T15:30Z"),
    "with seconds": (BERLIN, "20 30 2 * * *", "2026-03-29", "2026-03-29T01:00Z"),
    "with steps": (BERLIN, "*/15 2 * * *", "2026-03-29", "2026-03-29T01:00Z"),
    "at the gap's end too": (BERLIN, "0 2-3 * * *", "2026-03-29", "2026-03-29T01:00Z"),
    "at midnight": ("Asia/Beirut", "0 0 * * *", "2026-03-29", "2026-03-28T22:00Z"),
}

AUTUMNS = {
    # A zone whose clock goes back, a time that it shows twice, and its first showing.
    "Berlin 2026": (BERLIN, "30 2 * * *", "2026-10-25", "2026-10-25T00:30Z"),
    "Berlin 2027": (BERLIN, "30 2 * * *", "2027-10-31", "2027-10-31T00:30Z"),
    "New York 2026": (NEW_YORK, "30 1 * * *", "2026-11-01", "2026-11-01T05:30Z"),
    "New York 2027": (NEW_YORK, "30 1 * * *", "2027-11-07", "2027-11-07T05:30Z"),
    "Lord Howe 2026": (LORD_HOWE, "45 1 * * *", "2026-04-05", "2026-04-04T14:45Z"),
    "Lord Howe 2027": (LORD_HOWE, "45 1 * * *", "2027-04-04", "2027-04-03T14:45Z"),
    "with seconds": (BERLIN, "20 30 2 * * *", "2026-10-25", "2026-10-25T00:30:20Z"),
    "at midnight": ("Asia/Beirut", "30 23 * * *", "2026-10-24", "2026-10-24T20:30Z"),
}

SHIFT_INSTANTS = [
    (zone, datetime.fromisoformat(shift))
    for zone, shifts in {
        BERLIN: ["2026-03-29T01:00Z", "2026-10-25T01:00Z", "2027-03-28T01:00Z", "2027-10-31T01:00Z"],
        NEW_YORK: ["2026-03-08T07:00Z", "2026-11-01T06:00Z", "2027-03-14T07:00Z", "2027-11-07T06:00Z"],
        LORD_HOWE: ["2026-10-03T15:30Z", "2026-04-04T15:00Z", "2027-10-02T15:30Z", "2027-04-03T15:00Z"],
        "Asia/Beirut": ["2026-03-28T22:00Z", "2026-10-24T21:00Z"],
    }.items()
    for shift in shifts
]

ZONES = st.sampled_from(["UTC", BERLIN, NEW_YORK, LORD_HOWE, "Asia/Beirut", "Asia/Kathmandu", "Pacific/Apia"])


def fields(low, high):
    number = st.integers(low, high)
    span = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    step = st.integers(1, 30).map(lambda step: f"*/{step}")
    listed = st.lists(number, min_size=1, max_size=3).map(lambda values: ",".join(map(str, values)))
    return st.one_of(st.just("*"), number.map(str), span, step, listed)


TIMES = st.tuples(fields(0, 59), fields(0, 23)).map(" ".join)
DAYS = st.one_of(
    st.just("* * *"),
    st.sampled_from(["L * *", "LW * *", "29 2 *", "1 JAN *", "* * MON-FRI", "* * 5L", "* * MON#1", "*/28 2 MON#5"]),
    st.tuples(st.integers(1, 28).map(str), fields(1, 12), fields(0, 7)).map(" ".join),
)
LINES = st.tuples(st.one_of(st.just(""), fields(0, 59)), TIMES, DAYS).map(" ".join).map(str.strip)
ANY_TIME = st.datetimes(*map(datetime.fromisoformat, ("2000-01-01", "2100-01-01")), timezones=st.just(UTC))
NEAR_A_SHIFT = st.tuples(st.sampled_from(SHIFT_INSTANTS), st.timedeltas(timedelta(hours=-30), timedelta(hours=30))).map(
    lambda drawn: (drawn[0][0], drawn[0][1] + drawn[1])
)
PLACES = st.one_of(st.tuples(ZONES, ANY_TIME), NEAR_A_SHIFT)


def instants(*texts):
    return tuple(datetime.fromisoformat(text) for text in texts)


def due_on(line, zone, day):
    """All instants at which the line is due while the zone's calendar shows `day`."""
    start = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    upcoming = parse_schedule(line, zone).upcoming(start - timedelta(microseconds=1), 120)
    return tuple(at for at in upcoming if at.astimezone(ZoneInfo(zone)).date().isoformat() == day)


def watched(line, zone, start, minutes):
    """When the line is due, told by looking at the zone's clock each minute; an hour field of `*` names every hour."""
    walls = [(start + timedelta(minutes=n)).astimezone(ZoneInfo(zone)).replace(tzinfo=None) for n in range(minutes)]
    furthest, due = walls[0] - timedelta(minutes=1), []
    for passed, wall in enumerate(walls):
        span = [wall]
        if line.split()[1] != "*":
            span = [furthest + timedelta(minutes=n + 1) for n in range((wall - furthest) // timedelta(minutes=1))]
        if any(next(CronSim(line, each - timedelta(seconds=1))) == each for each in span):
            due.append(start + timedelta(minutes=passed))
        furthest = max(furthest, wall)
    return tuple(due)


@pytest.mark.parametrize(
    ("line", "zone", "due"),
    [
        pytest.param("0 8 * * 5", "UTC", "2026-01-02T08:00Z", id="five fields"),
        pytest.param("30 0 8 * * 5", "UTC", "2026-01-02T08:00:30Z", id="seconds first"),
        pytest.param("*/10 * * * * *", "UTC", "2026-01-01T00:00:10Z", id="every ten seconds"),
        pytest.param("0 8 * * 5", BERLIN, "2026-01-02T07:00Z", id="in a zone"),
        pytest.param("  0\t8  * * fri ", "UTC", "2026-01-02T08:00Z", id="blanks and names"),
        pytest.param("0 0 L * *", "UTC", "2026-01-31T00:00Z", id="last day"),
        pytest.param("0 0 LW * *", "UTC", "2026-01-30T00:00Z", id="last weekday"),
        pytest.param("0 0 * * MON#1", "UTC", "2026-01-05T00:00Z", id="first Monday"),
        pytest.param("0 0 29 2 *", "UTC", "2028-02-29T00:00Z", id="leap day"),
        pytest.param("0 0 */28 2 MON#5", "UTC", "2044-02-29T00:00Z", id="leap day on a Monday"),
    ],
)
def test_a_line_is_due_when_it_says(line, zone, due):
    schedule = parse_schedule(line, zone)

    assert schedule.next_after(datetime(2026, 1, 1, tzinfo=UTC)) == datetime.fromisoformat(due)


@pytest.mark.parametrize(("zone", "line", "day", "due"), SPRINGS.values(), ids=SPRINGS)
def test_a_fixed_time_in_the_gap_is_due_once_at_its_end(zone, line, day, due):
    assert due_on(line, zone, day) == instants(due)


@pytest.mark.parametrize(("zone", "line", "day", "due"), AUTUMNS.values(), ids=AUTUMNS)
def test_a_fixed_time_in_the_fold_is_due_once_at_its_first_showing(zone, line, day, due):
    assert due_on(line, zone, day) == instants(due)


@pytest.mark.parametrize("line", ["*/30 * * * *", "0 */30 * * * *", "0,30 0-23 * * *"])
@pytest.mark.parametrize(("zone", "shift"), SHIFT_INSTANTS)
def test_a_line_for_every_hour_keeps_its_pace_through_a_shift(line, zone, shift):
    schedule = parse_schedule(line, zone)

    due = schedule.upcoming(shift - timedelta(hours=2, seconds=1), 10)

    assert due == tuple(shift + timedelta(minutes=30 * n) for n in range(-4, 6))


def test_a_step_of_hours_counts_as_fixed_times():
    spring, autumn = due_on("0 */2 * * *", BERLIN, "2026-03-29"), due_on("0 */2 * * *", BERLIN, "2026-10-25")

    assert len(spring) == len(autumn) == 12
    assert spring[:3] == instants("2026-03-28T23:00Z", "2026-03-29T01:00Z", "2026-03-29T02:00Z")
    assert autumn[:3] == instants("2026-10-24T22:00Z", "2026-10-25T00:00Z", "2026-10-25T03:00Z")


def test_a_line_for_every_hour_passes_over_a_day_that_its_zone_left_out():
    schedule = parse_schedule("15 * 30 12 *", "Pacific/Apia")  # a day that Samoa left out in 2011

    assert schedule.upcoming(datetime(2010, 12, 31, 9, tzinfo=UTC), 2) == instants(
        "2010-12-31T09:15Z", "2012-12-29T10:15Z"
    )
    assert schedule.last_until(datetime(2012, 1, 1, tzinfo=UTC)) == datetime(2010, 12, 31, 9, 15, tzinfo=UTC)


@pytest.mark.parametrize("line", ["30 2 * * *", "15 1 * * *", "*/7 2 * * *", "*/20 1-3 * * *", "0 */3 * * *",
                                  "*/15 * * * *", "45 * * * *", "30 0 * * *", "59 23 * * *"])  # fmt: skip
@pytest.mark.parametrize(("zone", "shift"), SHIFT_INSTANTS)
def test_it_is_due_as_one_who_watches_the_clock_would_say(line, zone, shift):
    start, minutes = shift - timedelta(hours=4), 8 * 60
    schedule = parse_schedule(line, zone)

    due = schedule.upcoming(start - timedelta(seconds=1), minutes)

    assert tuple(at for at in due if at < start + timedelta(minutes=minutes)) == watched(line, zone, start, minutes)


@settings(deadline=None)
@given(line=LINES, place=PLACES)
def test_due_instants_rise_and_come_after_the_instant_asked_for(line, place):
    zone, instant = place

    due = parse_schedule(line, zone).upcoming(instant, 5)

    assert all(earlier < later for earlier, later in pairwise((instant, *due)))
    assert all(at.tzinfo is UTC for at in due)


@settings(deadline=None)
@given(minute=fields(0, 59), hour=fields(0, 23), place=PLACES)
def test_lines_of_five_fields_are_due_on_whole_minutes(minute, hour, place):
    zone, instant = place

    due = parse_schedule(f"{minute} {hour} * * *", zone).upcoming(instant, 5)

    assert {(at.second, at.microsecond) for at in due} == {(0, 0)}


@settings(deadline=None)
@given(line=LINES, place=PLACES)
def test_lines_are_due_on_whole_seconds(line, place):
    zone, instant = place

    assert parse_schedule(line, zone).next_after(instant).microsecond == 0


@settings(deadline=None)
@given(minute=st.integers(0, 59), hour=st.integers(0, 23), place=PLACES)
def test_no_fixed_time_is_due_twice_on_one_day_nor_left_out(minute, hour, place):
    zone, instant = place

    due = parse_schedule(f"{minute} {hour} * * *", zone).upcoming(instant, 6)

    days = [at.astimezone(ZoneInfo(zone)).date() for at in due]
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(days))


@settings(deadline=None)
@given(line=LINES, place=PLACES)
@example(line="30 2 * * *", place=(BERLIN, datetime(2026, 3, 29, 1, tzinfo=UTC)))
@example(line="30 2 * * *", place=(BERLIN, datetime(2026, 10, 25, 1, 15, tzinfo=UTC)))
@example(line="30 * * * *", place=(BERLIN, datetime(2026, 10, 25, 1, 15, tzinfo=UTC)))
@example(line="15 * * * *", place=(LORD_HOWE, datetime(2026, 10, 3, 15, 40, tzinfo=UTC)))
def test_the_latest_due_instant_is_the_one_that_looking_ahead_gives(line, place):
    zone, instant = place
    schedule = parse_schedule(line, zone)

    last = schedule.last_until(instant)

    assert last <= instant < schedule.next_after(last)
    assert schedule.next_after(last - timedelta(microseconds=1)) == last


@settings(deadline=None)
@given(line=LINES, place=PLACES)
def test_a_due_instant_is_the_latest_until_itself_and_until_just_before_the_following(line, place):
    zone, instant = place
    schedule = parse_schedule(line, zone)
    first, second = schedule.upcoming(instant, 2)

    assert schedule.last_until(first) == first
    assert schedule.last_until(second - timedelta(microseconds=1)) == first


def test_an_instant_counts_in_whatever_zone_it_is_given():
    schedule = parse_schedule("30 2 * * *", BERLIN)
    second_showing = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo(BERLIN))

    assert schedule.next_after(second_showing) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)
    assert schedule.last_until(second_showing) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_nothing_was_due_before_the_calendar_begins():
    schedule = parse_schedule("0 0 29 2 *", "UTC")

    assert schedule.last_until(datetime(1, 1, 2, tzinfo=UTC)) is None


def test_nothing_is_upcoming_where_none_is_asked_for():
    assert parse_schedule("* * * * *", "UTC").upcoming(datetime(2026, 1, 1, tzinfo=UTC), 0) == ()


@pytest.mark.parametrize("ask", ["next_after", "last_until"])
def test_a_naive_instant_is_refused(ask):
    schedule = parse_schedule("* * * * *", "UTC")

    with pytest.raises(ValueError, match=r"^an instant needs a time zone: give an aware datetime, such as datetime"):
        getattr(schedule, ask)(datetime.fromisoformat("2026-01-01T00:00"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("*/5 * * * *", "Every fifth minute of every hour"),
        ("0 8 * * 5", "At 08:00 on Friday"),
        ("30 0 8 * * MON-FRI", "At 08:00:30 on Monday through Friday"),
        ("0 0 LW * *", "At 00:00 on the last weekday of every month"),
    ],
)
def test_a_schedule_is_told_in_words(line, words):
    assert parse_schedule(line, BERLIN).describe() == words


@settings(deadline=None)
@given(line=LINES)
def test_every_schedule_has_words(line):
    assert parse_schedule(line, "UTC").describe()


def test_schedules_of_the_same_line_and_zone_are_equal():
    assert parse_schedule("0  8 * * 5", BERLIN) == parse_schedule("0 8 * * 5", BERLIN)
    assert parse_schedule("0 8 * * 5", BERLIN) != parse_schedule("0 8 * * 5", NEW_YORK)


FIELDS_WANTED = "write 5, or 6 with seconds first, as in '0 8 * * 5'"
DAYS_WANTED = "name days that its months have"
WEEKDAYS = "0 to 7 or SUN to SAT, 5L for the last Friday or MON#1 for the first Monday"
MONTH_DAYS = "1 to 31, L for the last or LW for the last weekday"

REFUSED = {
    "": f"schedule '' has 0 fields: {FIELDS_WANTED}",
    "0 8 * *": f"schedule '0 8 * *' has 4 fields: {FIELDS_WANTED}",
    "0 0 8 * * 5 2026": f"schedule '0 0 8 * * 5 2026' has 7 fields: {FIELDS_WANTED}",
    "60 * * * * *": "schedule '60 * * * * *' has a bad second '60': write 0 to 59",
    "61 * * * *": "schedule '61 * * * *' has a bad minute '61': write 0 to 59",
    "*/0 * * * *": "schedule '*/0 * * * *' has a bad minute '*/0': write 0 to 59",
    "0 24 * * *": "schedule '0 24 * * *' has a bad hour '24': write 0 to 23",
    "0 9-8 * * *": "schedule '0 9-8 * * *' has a bad hour '9-8': write 0 to 23",
    "0 0 32 * *": f"schedule '0 0 32 * *' has a bad day of month '32': write {MONTH_DAYS}",
    "0 0 * MAI *": "schedule '0 0 * MAI *' has a bad month 'MAI': write 1 to 12 or JAN to DEC",
    "0 0 * * DO": f"schedule '0 0 * * DO' has a bad day of week 'DO': write {WEEKDAYS}",
    "0 0 * * MON#6": f"schedule '0 0 * * MON#6' has a bad day of week 'MON#6': write {WEEKDAYS}",
    "0 0 31 2 *": f"schedule '0 0 31 2 *' is never due: {DAYS_WANTED}",
    "0 0 31 4,6 *": f"schedule '0 0 31 4,6 *' is never due: {DAYS_WANTED}",
    "0 0 */30 2 MON#5": f"schedule '0 0 */30 2 MON#5' is never due: {DAYS_WANTED}",
    "@yearly": "schedule '@yearly' is a nickname, not cron fields: write them out, as in '0 0 1 1 *'",
    "@annually": "schedule '@annually' is a nickname, not cron fields: write them out, as in '0 0 1 1 *'",
    "@monthly": "schedule '@monthly' is a nickname, not cron fields: write them out, as in '0 0 1 * *'",
    "@weekly": "schedule '@weekly' is a nickname, not cron fields: write them out, as in '0 0 * * 0'",
    " @Daily ": "schedule '@Daily' is a nickname, not cron fields: write them out, as in '0 0 * * *'",
    "@midnight": "schedule '@midnight' is a nickname, not cron fields: write them out, as in '0 0 * * *'",
    "@hourly": "schedule '@hourly' is a nickname, not cron fields: write them out, as in '0 * * * *'",
    "@every 5m": "schedule '@every 5m' is a nickname, not cron fields: write them out, as in '*/5 * * * *'",
}


@pytest.mark.parametrize(("line", "sentence"), REFUSED.items(), ids=REFUSED)
def test_a_line_that_cannot_be_kept_is_refused_with_its_remedy(line, sentence):
    with pytest.raises(InvalidSchedule) as refused:
        parse_schedule(line, BERLIN)

    assert str(refused.value) == sentence
    assert isinstance(refused.value, NexusError)


@pytest.mark.parametrize("zone", ["Mars/Base", "", "Europe", "../etc/passwd", "a\0b", "Ünter/Wegs"])
def test_an_unknown_zone_is_refused_with_its_remedy(zone):
    with pytest.raises(InvalidSchedule) as refused:
        parse_schedule("* * * * *", zone)

    assert str(refused.value) == f"time zone {zone!r} is unknown: write an IANA name, as in 'Europe/Berlin'"


@settings(deadline=None)
@given(
    line=st.one_of(
        st.text(max_size=30), st.text("0123456789*/,-#LWMON @", max_size=30), st.just("9" * 5000 + " * * * *")
    )
)
def test_a_line_is_read_or_refused_and_nothing_else(line):
    try:
        schedule = parse_schedule(line, "UTC")
    except InvalidSchedule:
        return

    assert schedule.describe()
    assert schedule.next_after(datetime(2026, 1, 1, tzinfo=UTC))
