"""How long the runs of a job took, as a line."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nexus.jobs.run_marks import RunMark

WIDTH: Final = 600
HEIGHT: Final = 60
_EDGE: Final = 4


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The line; empty where fewer than two runs took a known time.

    Attributes:
        points: of the line, as SVG has them.
        count: runs that are on it.
        shortest: seconds.
        median: seconds.
        longest: seconds.
    """

    points: str
    count: int
    shortest: float
    median: float
    longest: float
    width: int = WIDTH
    height: int = HEIGHT


def sparkline(marks: Sequence[RunMark]) -> Sparkline:
    """Gives the line of the runs' durations, oldest first."""
    seconds = [mark.seconds for mark in marks if mark.seconds is not None]
    if len(seconds) < 2:
        return Sparkline("", len(seconds), 0.0, 0.0, 0.0)
    longest = max(seconds) or 1.0
    step = WIDTH / (len(seconds) - 1)
    points = " ".join(
        f"{number * step:.1f},{HEIGHT - _EDGE - each / longest * (HEIGHT - 2 * _EDGE):.1f}"
        for number, each in enumerate(seconds)
    )
    return Sparkline(points, len(seconds), min(seconds), statistics.median(seconds), max(seconds))
