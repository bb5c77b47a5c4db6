"""Bars that follow each other in time: how long each phase of a start took."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 1000.0
"""Units of a picture; it is drawn as wide as its place."""

_LEAST: Final = 4.0
"""Units of a bar that would be too narrow to be seen."""

_NAMES: Final = {"import": "Import of its code", "settings": "Binding of its settings", "startup": "Its own start-up"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        name: what it stands for.
        seconds: how long it took.
        x: where it begins, in units.
        width: in units.
    """

    name: str
    seconds: float
    x: float
    width: float


def waterfall(timing: Mapping[str, float]) -> tuple[Bar, ...]:
    """Gives the phases of a start, one after another as they happen; empty where none was measured."""
    known = [name for name in _NAMES if name in timing] + [name for name in timing if name not in _NAMES]
    total = sum(timing.values())
    bars: list[Bar] = []
    begun = 0.0
    for name in known:
        seconds = timing[name]
        width = max(seconds / total * WIDTH, _LEAST) if total else _LEAST
        x = min(begun / total * WIDTH, WIDTH - width) if total else 0.0
        bars.append(Bar(_NAMES.get(name, name), seconds, round(x, 1), round(width, 1)))
        begun += seconds
    return tuple(bars)
