"""What is known of one target: its last results, and whether it is up. Nothing here asks or waits."""

import math
import statistics
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pydantic import TypeAdapter

from .probing import Result
from .settings import Target

_REMEMBERED: Final = 20
"""Results that go into the cache: with Redis each probe writes them over the network."""

_HOURS: Final = 24
"""Hours of which the counts are kept."""


class State(StrEnum):
    """Whether a target is up."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A target has changed its state.

    Attributes:
        name: the target's.
        before: its state until now.
        after: its state from now on.
        reason: what the probe found wrong, None where nothing.
    """

    name: str
    before: State
    after: State
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What an hour's probes found.

    Attributes:
        begins: UTC instant.
        well: probes that found the target well.
        failed: the others.
    """

    begins: datetime
    well: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The part of a history that outlives the process; `asked` says of which question it is."""

    asked: str
    state: State
    since: datetime | None
    failures: int
    results: tuple[Result, ...]
    hours: tuple[Hour, ...] = ()


MEMORY: Final = TypeAdapter(Memory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Seconds until the head of the answer, over the kept results that are well."""

    mean: float
    median: float
    p95: float
    max: float


class History:
    """One target and what was found of it.

    Args:
        target: what is asked.
        keep: results that are kept.
        failures_before_down: failures in a row after which it is down.
    """

    def __init__(self, target: Target, *, keep: int, failures_before_down: int) -> None:
        self.target = target
        self.state = State.UNKNOWN
        self.since: datetime | None = None
        self.failures = 0
        self._failures_before_down = failures_before_down
        self._results: deque[Result] = deque(maxlen=keep)
        self._hours: dict[datetime, Hour] = {}

    @property
    def results(self) -> tuple[Result, ...]:
        """The kept results, newest first."""
        return tuple(reversed(self._results))

    def last_day(self, now: datetime) -> tuple[Hour, ...]:
        """Gives the 24 hours that end with the present one, oldest first; an hour without a probe counts nothing."""
        this = _hour_of(now)
        begins = [this - timedelta(hours=away) for away in range(_HOURS - 1, -1, -1)]
        return tuple(self._hours.get(begin, Hour(begins=begin)) for begin in begins)

    @property
    def availability(self) -> float | None:
        """The share of the kept results that are well, None without any."""
        return round(sum(each.is_well for each in self._results) / len(self._results), 4) if self._results else None

    @property
    def latency(self) -> Latency | None:
        """Figures over the kept results that are well, None without any."""
        seconds = sorted(each.seconds for each in self._results if each.is_well)
        if not seconds:
            return None
        return Latency(
            mean=round(statistics.fmean(seconds), 4),
            median=round(statistics.median(seconds), 4),
            p95=seconds[math.ceil(0.95 * len(seconds)) - 1],
            max=seconds[-1],
        )

    def record(self, result: Result) -> Change | None:
        """Takes a result, and gives how the state changed by it, None where it did not."""
        self._results.append(result)
        self._count(result)
        self.failures = 0 if result.is_well else self.failures + 1
        after = self.state
        if result.is_well:
            after = State.UP
        elif self.failures >= self._failures_before_down:
            after = State.DOWN
        if after is self.state:
            return None
        change = Change(name=self.target.name, before=self.state, after=after, reason=result.reason)
        self.state, self.since = after, result.at
        return change

    def memory(self) -> Memory:
        """Gives what is to be remembered."""
        return Memory(
            asked=self._asked,
            state=self.state,
            since=self.since,
            failures=self.failures,
            results=tuple(self._results)[-_REMEMBERED:],
            hours=tuple(self._hours.values()),
        )

    def recall(self, memory: Memory) -> None:
        """Takes over what a start before, or another replica, has found since the last result here."""
        last = self._results[-1].at if self._results else None
        newer = [each for each in memory.results if last is None or each.at > last]
        if memory.asked != self._asked or not newer:
            return
        self._results.extend(newer)
        for hour in memory.hours:
            known = self._hours.get(hour.begins, Hour(begins=hour.begins))
            # Of an hour that both have counted, the fuller count is the one that goes on.
            self._hours[hour.begins] = max(known, hour, key=lambda each: each.well + each.failed)
        self.state, self.since, self.failures = memory.state, memory.since, memory.failures

    def _count(self, result: Result) -> None:
        begins = _hour_of(result.at)
        known = self._hours.pop(begins, Hour(begins=begins))
        self._hours[begins] = replace(
            known, well=known.well + result.is_well, failed=known.failed + (not result.is_well)
        )
        for old in sorted(self._hours)[:-_HOURS]:
            del self._hours[old]

    @property
    def _asked(self) -> str:
        return f"{self.target.method} {self.target.url} {self.target.statuses} {self.target.follow_redirects}"


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
