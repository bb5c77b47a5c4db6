"""What templates call; imported with the template engine, on the first page that somebody looks at."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from markupsafe import Markup

from nexus.jobs.run import RunStatus
from nexus.ui import words

_TONES: Final[Mapping[str, str]] = {
    "running": "good",
    "pass": "good",
    "succeeded": "good",
    "allowed": "good",
    "scheduled": "good",
    "up": "good",
    "starting": "busy",
    "stopping": "busy",
    "active": "busy",
    "queued": "wait",
    "retrying": "warn",
    "degraded": "warn",
    "warn": "warn",
    "blocked": "warn",
    "lost": "bad",
    "paused": "warn",
    "module_down": "warn",
    "unknown": "wait",
    "unavailable": "warn",
    "failed": "bad",
    "fail": "bad",
    "timed_out": "bad",
    "invalid_config": "bad",
    "incompatible": "bad",
    "not_found": "bad",
    "refused": "bad",
    "down": "bad",
}
"""What a state looks like; whatever is not here is calm."""


def filters(now: Callable[[], datetime]) -> dict[str, Callable[..., Any]]:
    """Gives the filters of the pages; `now` is the present instant in UTC."""

    def ago(at: datetime | None, otherwise: str = words.DASH) -> Markup | str:
        """Gives an instant relative to now, the exact one in the title; the script keeps the text true."""
        if at is None:
            return otherwise
        return _time(at, words.relative(at, now()), title=words.exact(at), kind="ago")

    def exact(at: datetime | None, otherwise: str = words.DASH) -> Markup | str:
        """Gives an instant to the second in UTC; the script adds the reader's zone."""
        return otherwise if at is None else _time(at, words.exact(at), title=words.relative(at, now()), kind="exact")

    def in_zone(at: datetime, zone: str) -> Markup:
        """Gives an instant in a zone of the configuration; the script adds the reader's own."""
        return _time(at, words.in_zone(at, zone), title=words.exact(at), kind="zoned")

    return {
        "ago": ago,
        "exact": exact,
        "in_zone": in_zone,
        "duration": words.duration,
        "machine": words.machine,
        "number": words.number,
        "tidy": words.tidy,
        "plural": words.plural,
        "tone": tone,
        "spoken": spoken,
        "pretty": pretty,
        "compact": compact,
        "segment": words.segment,
    }


def tone(state: object) -> str:
    """Gives what a state looks like: `good`, `busy`, `wait`, `warn`, `bad` or `calm`."""
    # A module that runs is as it should be; a run that does is under way.
    return "busy" if state is RunStatus.RUNNING else _TONES.get(str(state), "calm")


def spoken(state: object) -> str:
    """Gives a state's name as words: `timed out` for `timed_out`."""
    return str(state).replace("_", " ")


def pretty(value: object) -> str:
    """Gives JSON-like data over several lines."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def compact(value: object) -> str:
    """Gives JSON-like data on one line; a text without its quotation marks."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _time(at: datetime, text: str, *, title: str, kind: str) -> Markup:
    return Markup('<time datetime="{}" title="{}" data-time="{}">{}</time>').format(
        words.machine(at), title, kind, text
    )
