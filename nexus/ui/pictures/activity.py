"""Runs by the hour, as stacked bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from nexus.jobs.run import RunStatus
from nexus.jobs.run_marks import Bucket

WIDTH: Final = 960
HEIGHT: Final = 140
_GAP: Final = 6

_KINDS: Final = (
    ("good", "succeeded", frozenset({RunStatus.SUCCEEDED})),
    ("bad", "failed", frozenset({RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.LOST})),
    ("busy", "active", frozenset({RunStatus.RUNNING, RunStatus.QUEUED})),
    ("calm", "cancelled or skipped", frozenset({RunStatus.CANCELLED, RunStatus.SKIPPED})),
)
"""Tone, name and statuses of the layers, from the foot up."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A part of a bar."""

    tone: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Hour:
    """One bar with its figures.

    Attributes:
        begins: UTC instant.
        x: where it stands.
        layers: from the foot up.
        counts: by the names of the layers.
        total: of all.
    """

    begins: datetime
    x: float
    layers: tuple[Layer, ...]
    counts: dict[str, int]
    total: int


@dataclass(frozen=True, slots=True)
class Activity:
    """The picture.

    Attributes:
        hours: oldest first.
        bar: width of a bar.
        most: runs of the busiest hour, which is the top of the picture.
        total: runs of all hours.
        failed: of these, how many went wrong.
        names: of the layers, with their tones.
    """

    hours: tuple[Hour, ...]
    bar: float
    most: int
    total: int
    failed: int
    names: tuple[tuple[str, str], ...] = tuple((tone, name) for tone, name, _ in _KINDS)
    width: int = WIDTH
    height: int = HEIGHT


def activity(buckets: Sequence[Bucket]) -> Activity:
    """Gives the picture of some stretches of time, oldest first."""
    most = max((sum(bucket.counts.values()) for bucket in buckets), default=0)
    step = WIDTH / max(len(buckets), 1)
    hours = tuple(_hour(bucket, round(number * step + _GAP / 2, 1), most) for number, bucket in enumerate(buckets))
    return Activity(
        hours=hours,
        bar=round(step - _GAP, 1),
        most=most,
        total=sum(hour.total for hour in hours),
        failed=sum(hour.counts["failed"] for hour in hours),
    )


def _hour(bucket: Bucket, x: float, most: int) -> Hour:
    counts = {name: sum(bucket.counts.get(each, 0) for each in statuses) for _tone, name, statuses in _KINDS}
    layers: list[Layer] = []
    foot = float(HEIGHT)
    for tone, name, _statuses in _KINDS:
        if counts[name]:
            # At least two units: one failure among a thousand runs is to be seen.
            height = max(round(counts[name] / most * (HEIGHT - 8), 1), 2.0)
            foot = round(foot - height, 1)
            layers.append(Layer(tone, foot, height))
    return Hour(bucket.begins, x, tuple(layers), counts, sum(counts.values()))
