"""The last runs of a job as a row of bars: the colour says how each ended, the height how long it took."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nexus.jobs.run_marks import RunMark
from nexus.ui.words import duration, plural

STEP: Final = 7
"""Units from one bar to the next."""

HEIGHT: Final = 24


@dataclass(frozen=True, slots=True)
class StripBar:
    """One run.

    Attributes:
        id: the run's.
        status: how it ended, or where it stands.
        told: status and duration in words.
        x: where the bar stands.
        y: its top.
        height: of the bar.
    """

    id: str
    status: str
    told: str
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Strip:
    """A row of bars.

    Attributes:
        bars: oldest first.
        width: in units.
        height: in units.
        told: the picture in words.
    """

    bars: tuple[StripBar, ...]
    width: int
    height: int
    told: str


def strip(marks: Sequence[RunMark], places: int) -> Strip:
    """Gives the picture of the last runs, oldest first; `places` is how many bars it has room for."""
    longest = max((mark.seconds or 0.0 for mark in marks), default=0.0)
    first = max(places - len(marks), 0)
    bars = tuple(_bar(mark, first + number, longest) for number, mark in enumerate(marks[-places:]))
    return Strip(bars, places * STEP, HEIGHT, _told(marks))


def _bar(mark: RunMark, place: int, longest: float) -> StripBar:
    seconds = mark.seconds
    # Logarithmic: one run of an hour must not make a minute and a second look alike.
    share = math.log1p(seconds) / math.log1p(longest) if seconds and longest else 0.0
    height = round(6 + (HEIGHT - 6) * (share if seconds is not None else 0.5), 1)
    told = f"{str(mark.status).replace('_', ' ')}, {duration(seconds)}" if seconds is not None else str(mark.status)
    return StripBar(mark.id, mark.status, told, place * STEP, round(HEIGHT - height, 1), height)


def _told(marks: Sequence[RunMark]) -> str:
    if not marks:
        return "No runs yet."
    counts = Counter(str(mark.status).replace("_", " ") for mark in marks)
    parts = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    last = f"the latest {str(marks[-1].status).replace('_', ' ')}"
    return f"Last {plural(len(marks), 'run')}: {parts}; {last}."
