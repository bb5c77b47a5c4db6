"""What narrows the list of runs, as a form sends it and as links keep it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from aiohttp import web
from multidict import MultiDict, MultiMapping

from nexus.api.job_requests import filter_of
from nexus.jobs.run import RunFilter, RunStatus
from nexus.ui.words import machine

_NAMES: Final = ("module", "job", "trigger", "text", "since", "until")
_MAX: Final = 200
"""Characters of one value that are looked at."""

WITHIN: Final = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
"""Stretches of time that a form offers."""

STATUSES: Final = (
    ("", "any"),
    ("queued,running", "active"),
    ("failed,lost,timed_out", "gone wrong"),
    *((status.value, status.value.replace("_", " ")) for status in RunStatus),
)
"""Values and labels of the choice of statuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilters:
    """What narrows the list.

    Attributes:
        values: by name, those that are given; `status` with commas between several, in order.
        within: `hour`, `day` or `week`; empty for any time.
        oldest_first: the order; it narrows nothing.
        wanted: what the engine is asked for.
    """

    values: dict[str, str]
    within: str
    oldest_first: bool
    wanted: RunFilter

    def get(self, name: str) -> str:
        """Gives a value, empty where it is not given."""
        return self.values.get(name, "")

    @property
    def is_narrow(self) -> bool:
        """True where anything narrows the list."""
        return bool(self.values or self.within)

    def query(self, **more: str) -> str:
        """Gives the query that means the same; `more` comes last, and an empty value takes one out."""
        order = "oldest" if self.oldest_first else ""
        every = {**self.values, "within": self.within, "order": order, **more}
        return urlencode({name: value for name, value in every.items() if value})

    def fixed(self, now: datetime) -> dict[str, str]:
        """Gives values that mean the same runs later on, too: none that are queued after `now`."""
        fixed = dict(self.values)
        if self.wanted.since is not None:
            fixed["since"] = machine(self.wanted.since)
        fixed.setdefault("until", machine(now + timedelta(seconds=1)))
        return fixed


def read_filters(request: web.Request, now: datetime) -> RunFilters:
    """Gives what the query of a page says.

    Raises:
        Problem: 400, a value is not usable.
    """
    return filters_of(request.query, now)


def filters_of(query: MultiMapping[str], now: datetime) -> RunFilters:
    """Gives what a query or a form says; what is empty there narrows nothing.

    Raises:
        Problem: 400, a value is not usable.
    """
    values = {name: text for name in _NAMES if (text := str(query.get(name, "")).strip()[:_MAX])}
    statuses = {part.strip() for text in query.getall("status", []) for part in str(text).split(",")} - {""}
    if statuses:
        values["status"] = ",".join(sorted(statuses))[:_MAX]
    within = str(query.get("within", ""))
    within = within if within in WITHIN else ""
    asked = MultiDict(values)
    if within and "since" not in values:
        asked["since"] = (now - WITHIN[within]).isoformat()
    return RunFilters(
        values=values, within=within, oldest_first=query.get("order") == "oldest", wanted=filter_of(asked)
    )
