"""A run and what belongs to it, as the store keeps them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import JsonValue

Trigger = Literal["schedule", "manual", "retry"]
"""What a run is there for: its schedule, a person's or program's request, or a run that is to be done again."""


class RunStatus(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    """Waits: for a free place, for its next attempt, or for a replica to take it up."""
    RUNNING = "running"
    """An attempt is under way."""
    SUCCEEDED = "succeeded"
    """Its last attempt returned."""
    FAILED = "failed"
    """Its last attempt raised."""
    CANCELLED = "cancelled"
    """Somebody ended it, or a later run replaced it."""
    TIMED_OUT = "timed_out"
    """Its last attempt took longer than its timeout."""
    LOST = "lost"
    """Its host died three times under it; it is not tried again."""
    SKIPPED = "skipped"
    """It was due and did not start; the reason tells why."""

    @property
    def is_final(self) -> bool:
        """True where nothing happens to the run any more."""
        return self not in (RunStatus.QUEUED, RunStatus.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunError:
    """What ended an attempt: the exception's type and its scrubbed message."""

    type: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is, in a unit of its own; `total` is None where it is not known."""

    done: float
    total: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a job.

    Attributes:
        id: unique; for a scheduled run it follows from module, job and instant, so that replicas agree on it.
        module: whose job it is.
        job: the job's name.
        type: which of the module's jobs it is.
        trigger: why it is there.
        requested_by: the subject who asked for it; None for a scheduled run.
        requested_issuer: whose subject that is; None for a scheduled run.
        scheduled_for: the instant at which it was due; None on demand.
        status: where it stands.
        attempt: the latest attempt's number; 0 before the first.
        attempts: how often it may be tried.
        replica: who runs it, or ran it last.
        queued_at: when it was stored.
        start_by: when it is too late to begin; None: any time will do.
        started_at: when its first attempt began.
        finished_at: when it became final.
        next_attempt_at: when it is tried again.
        progress: what it told last.
        result: what it gave, scrubbed.
        error: what its last attempt raised.
        reason: why it is what it is, where that needs telling.
        options: what it runs with, secrets masked.
        input: what was asked for beside the configured options, as it is bound to the job's model.
        retry_of: the run it does again.
        cancelled_by: the subject who asked for its end; `nexus` for a run that another one replaced.
        cancelled_issuer: whose subject that is; None for a run that another one replaced.
    """

    id: str
    module: str
    job: str
    type: str
    trigger: Trigger
    requested_by: str | None
    requested_issuer: str | None
    scheduled_for: datetime | None
    status: RunStatus
    attempt: int
    attempts: int
    replica: str | None
    queued_at: datetime
    start_by: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    next_attempt_at: datetime | None
    progress: Progress | None
    result: JsonValue
    error: RunError | None
    reason: str | None
    options: dict[str, JsonValue]
    input: dict[str, JsonValue] = field(repr=False)
    retry_of: str | None
    cancelled_by: str | None
    cancelled_issuer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a run; `status` is None while it goes on, or where its host died."""

    number: int
    replica: str | None
    started_at: datetime
    finished_at: datetime | None
    status: RunStatus | None
    error: RunError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that was done, or that raised."""

    attempt: int
    name: str
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail:
    """A run with everything that is kept of it.

    Attributes:
        run: the run itself.
        attempts: every try, first to last.
        steps: every step, in the order in which they began.
        log: the lines that its attempts logged, scrubbed, each with its number; the oldest go beyond the limit.
        log_dropped: how many lines were dropped.
    """

    run: Run
    attempts: tuple[Attempt, ...]
    steps: tuple[Step, ...]
    log: tuple[str, ...]
    log_dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs are meant; what is None or empty does not narrow them.

    Attributes:
        text: stands in the error's type and message, as `ValueError: no such letter`; case does not count (ASCII). It
            is looked for in the newest errors alone, so that a long history does not slow it down.
        since: queued at this instant or later.
        until: queued before this instant.
    """

    module: str | None = None
    job: str | None = None
    statuses: frozenset[RunStatus] = frozenset()
    trigger: Trigger | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Runs in the order that was asked for.

    Attributes:
        runs: of this page.
        cursor: leads to the next one; None on the last.
        searched_since: a text was looked for in the errors of runs queued since then alone; None: in all, or none was.
    """

    runs: tuple[Run, ...]
    cursor: str | None
    searched_since: datetime | None = None
