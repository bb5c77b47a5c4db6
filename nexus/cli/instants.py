"""Instants and durations as people read them."""

from datetime import UTC, datetime, timedelta
from typing import Final

_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"))
_EXACT_BELOW: Final = 10.0
"""Seconds; from here on a tenth tells a reader nothing."""


def shown_instant(text: str | None) -> str:
    """Gives an instant of the API to the second, in UTC; empty where there is none."""
    if text is None:
        return ""
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shown_distance(text: str | None, now: datetime) -> str:
    """Gives how far an instant is from `now`: `in 3 h`, `5 min ago`; empty where there is none."""
    if text is None:
        return ""
    seconds = (datetime.fromisoformat(text) - now).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"in {shown_seconds(seconds)}" if seconds > 0 else f"{shown_seconds(-seconds)} ago"


def shown_seconds(seconds: float) -> str:
    """Gives a duration in its largest unit: `0.4 s`, `45 s`, `12 min`, `3 h`, `5 d`."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < _EXACT_BELOW else f"{seconds:.0f} s"


def took(started: str | None, finished: str | None) -> str:
    """Gives what lies between two instants; empty where one is not known."""
    if started is None or finished is None:
        return ""
    lasted = datetime.fromisoformat(finished) - datetime.fromisoformat(started)
    return shown_seconds(max(lasted, timedelta()).total_seconds())
