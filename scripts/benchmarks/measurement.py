"""What is measured and how often, and the numbers that come out."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much to measure: rounds of every pair, seconds of load in each, connections of the load, distinct tokens."""

    rounds: int
    seconds: int
    connections: int
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One pair, measured alternately in one run.

    Attributes:
        name: what was measured, as the report shows it.
        unit: of the values.
        ours: of each round.
        theirs: of the same rounds, of what ours is compared with; empty where there is no such thing.
        target: what the ratio (or, without a pair, the median) has to reach, in words.
        reached: whether it did.
    """

    name: str
    unit: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    target: str
    reached: bool

    @property
    def ratio(self) -> float | None:
        return median_ratio(self.ours, self.theirs) if self.theirs else None


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the rounds' own ratios: what disturbs one round disturbs both of its halves."""
    return statistics.median(mine / yours for mine, yours in zip(ours, theirs, strict=True))


def alternate(
    rounds: int, ours: Callable[[], float], theirs: Callable[[], float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Measures both in each round, and lets them take turns at being first."""
    pairs = []
    for number in range(rounds):
        if number % 2:
            second, first = theirs(), ours()
        else:
            first, second = ours(), theirs()
        pairs.append((first, second))
    return tuple(mine for mine, _ in pairs), tuple(yours for _, yours in pairs)
