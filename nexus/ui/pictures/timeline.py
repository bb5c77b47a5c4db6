"""A run over time: how long it waited, each attempt, and the steps of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from nexus.jobs.run import Run, RunDetail, RunStatus, Step

WIDTH: Final = 1000.0
_LEAST: Final = 3.0
"""Units of a bar that would be too narrow to be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One row.

    Attributes:
        kind: what it is.
        name: in words.
        status: how it ended, or that it goes on.
        told: what was wrong; empty where nothing.
        begins: UTC instant.
        seconds: how long it took, or has taken so far.
        x: where its bar begins, in units.
        width: of its bar.
    """

    kind: Literal["wait", "attempt", "step"]
    name: str
    status: RunStatus
    told: str
    begins: datetime
    seconds: float
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class _Scale:
    """What the whole width stands for."""

    first: datetime
    seconds: float

    def place(self, begins: datetime, ends: datetime) -> tuple[float, float, float]:
        """Gives seconds, beginning and width of a bar."""
        seconds = max((ends - begins).total_seconds(), 0.0)
        width = min(max(seconds / self.seconds * WIDTH, _LEAST), WIDTH)
        x = min(max((begins - self.first).total_seconds() / self.seconds * WIDTH, 0.0), WIDTH - width)
        return seconds, round(x, 1), round(width, 1)


def timeline(detail: RunDetail, now: datetime) -> tuple[Span, ...]:
    """Gives the rows of a run, each attempt followed by its steps; `now` ends what goes on."""
    first = detail.run.queued_at
    last = max([detail.run.finished_at or now, *(each.finished_at or first for each in detail.attempts)])
    scale = _Scale(first, max((last - first).total_seconds(), 0.001))
    return (_wait(detail.run, scale, now), *_attempts(detail, scale, now))


def _wait(run: Run, scale: _Scale, now: datetime) -> Span:
    seconds, x, width = scale.place(run.queued_at, run.started_at or run.finished_at or now)
    return Span(
        kind="wait",
        name="Waiting",
        status=RunStatus.QUEUED,
        told="",
        begins=run.queued_at,
        seconds=seconds,
        x=x,
        width=width,
    )


def _attempts(detail: RunDetail, scale: _Scale, now: datetime) -> Iterator[Span]:
    for attempt in detail.attempts:
        goes_on = detail.run.finished_at is None and attempt.finished_at is None
        ends = attempt.finished_at or detail.run.finished_at or now
        seconds, x, width = scale.place(attempt.started_at, ends)
        yield Span(
            kind="attempt",
            name=f"Attempt {attempt.number}",
            status=attempt.status or (RunStatus.RUNNING if goes_on else RunStatus.LOST),
            told=f"{attempt.error.type}: {attempt.error.message}" if attempt.error else "",
            begins=attempt.started_at,
            seconds=seconds,
            x=x,
            width=width,
        )
        for step in detail.steps:
            if step.attempt == attempt.number and step.started_at is not None:
                yield _step(step, step.started_at, step.finished_at or ends, scale)


def _step(step: Step, begins: datetime, ends: datetime, scale: _Scale) -> Span:
    seconds, x, width = scale.place(begins, ends)
    return Span(
        kind="step",
        name=step.name,
        status=RunStatus.FAILED if step.error else RunStatus.SUCCEEDED if step.finished_at else RunStatus.RUNNING,
        told=step.error or "",
        begins=begins,
        seconds=seconds,
        x=x,
        width=width,
    )
