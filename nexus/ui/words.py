"""How pages write instants, durations, numbers and states; plain text, no markup."""

from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
_DAY: Final = 86_400.0

_UNITS: Final = ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "min"), (_MINUTE, "min", 1.0, "s"))
"""Each unit with the one below it."""

DASH: Final = "\N{EN DASH}"
"""Stands where there is nothing to tell."""


def duration(seconds: float | None) -> str:
    """Gives seconds in at most two units, such as `340 ms`, `4.2 s`, `3 min 5 s` or `2 d 4 h`; a dash for None."""
    if seconds is None:
        return DASH
    if seconds < _MINUTE - 0.5:
        return _short(max(seconds, 0.0))
    whole = round(seconds)
    for unit, name, lesser, lesser_name in _UNITS:
        if whole >= unit:
            rest = int(whole % unit // lesser)
            return f"{int(whole // unit)} {name}" + (f" {rest} {lesser_name}" if rest else "")
    return f"{whole} s"


def _short(seconds: float) -> str:
    if seconds < 0.9995:
        digits = 1 if seconds < 0.0095 else 0
        return f"{seconds * 1000:.{digits}f} ms".replace(".0 ", " ")
    return f"{seconds:.1f} s".replace(".0 ", " ") if seconds < 9.95 else f"{seconds:.0f} s"


def relative(at: datetime, now: datetime) -> str:
    """Gives an instant as it is told in talk: `just now`, `5 minutes ago`, `in 2 hours`, `3 days ago`."""
    seconds = (now - at).total_seconds()
    away = abs(seconds)
    if away < 5:
        return "just now" if seconds >= 0 else "now"
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute"), (1.0, "second")):
        if away >= unit:
            count = int(away // unit)
            told = f"{count} {name}{'' if count == 1 else 's'}"
            return f"{told} ago" if seconds >= 0 else f"in {told}"
    return "just now"


def exact(at: datetime) -> str:
    """Gives an instant to the second, with its zone: `25 Nov 2026, 13:10:00 UTC`."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M:%S} UTC"


def in_zone(at: datetime, zone: str) -> str:
    """Gives an instant to the minute in an IANA zone, with the zone's name there and then: `Fri 27 Nov, 08:00 CET`."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - with its data, for pages alone

    try:
        local = at.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        local = at.astimezone(UTC)
    seconds = f":{local:%S}" if local.second else ""
    return f"{local:%a} {local.day} {local:%b, %H:%M}{seconds} {local:%Z}"


def machine(at: datetime) -> str:
    """Gives an instant as RFC 3339 in UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def number(value: float) -> str:
    """Gives a number with thin gaps between the thousands."""
    return f"{value:,}".replace(",", "\u202f")


def tidy(value: float) -> str:
    """Gives a number without digits that tell nothing: `12` for `12.0`."""
    return number(int(value)) if value == int(value) else f"{value:,.2f}".replace(",", "\u202f")


def plural(count: int, one: str, many: str | None = None) -> str:
    """Gives a count with its noun: `1 module`, `3 modules`, `no modules`."""
    return f"{number(count) if count else 'no'} {one if count == 1 else many or one + 's'}"


def segment(text: object) -> str:
    """Gives a text as one segment of a path."""
    return quote(str(text), safe="")
