"""The read models of jobs and runs; scrubbed when they were stored, and again on the way out."""

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import Field, JsonValue

from nexus.api.read_model import ReadModel
from nexus.jobs.run import Run, RunDetail, RunStatus, Trigger
from nexus.spec.job import Overlap

if TYPE_CHECKING:
    from nexus.jobs.job_state import JobState


class RunErrorView(ReadModel):
    """What ended the last attempt."""

    type: str
    message: str


class ProgressView(ReadModel):
    """How far a run is, in a unit of its own."""

    done: float
    total: float | None
    note: str


class RunView(ReadModel):
    """One execution of a job."""

    id: str
    module: str
    job: str
    type: str
    trigger: Trigger
    requested_by: str | None = Field(description="The subject who asked for it; null for a scheduled run.")
    requested_issuer: str | None = Field(description="Whose subject that is.")
    scheduled_for: datetime | None = Field(description="The instant at which it was due; null on demand.")
    status: RunStatus
    reason: str | None = Field(description="Why it is what it is, where that needs telling.")
    attempt: int = Field(description="The latest attempt's number; 0 before the first.")
    attempts: int = Field(description="How often it may be tried.")
    replica: str | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    next_attempt_at: datetime | None
    progress: ProgressView | None
    options: dict[str, JsonValue]
    result: JsonValue
    error: RunErrorView | None
    retry_of: str | None
    cancelled_by: str | None = Field(description="The subject who asked for its end.")
    cancelled_issuer: str | None = Field(description="Whose subject that is.")


class AttemptView(ReadModel):
    """One try; `status` is null while it goes on, and where its host died."""

    number: int
    replica: str | None
    started_at: datetime
    finished_at: datetime | None
    status: RunStatus | None
    error: RunErrorView | None


class StepView(ReadModel):
    """A step that was done, or that raised."""

    attempt: int
    name: str
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None


class RunDetailView(RunView):
    """A run with its attempts, steps and log."""

    history: list[AttemptView]
    steps: list[StepView]
    log: list[str] = Field(description="The latest lines of all attempts: instant, `[attempt]`, level, text.")
    log_dropped: int = Field(description="How many older lines are not kept.")


class RunPage(ReadModel):
    """Runs, newest first."""

    runs: list[RunView]
    cursor: str | None = Field(description="Leads to the next page; null on the last.")
    searched_since: datetime | None = Field(
        description="`text` was looked for in the errors of runs queued since then alone; null: in all."
    )


class BulkView(ReadModel):
    """What became of many runs."""

    done: int
    refused: int = Field(description="Runs that did not take it, for instance since their job runs already.")
    cursor: str | None = Field(description="Where more runs match, leads to them: ask again with it.")


class JobStateView(ReadModel):
    """A job as it stands."""

    module: str
    name: str
    type: str
    summary: str
    schedule: str | None
    timezone: str
    options: dict[str, JsonValue]
    overlap: Overlap
    concurrency: int | None = Field(description="Runs of it at once over all replicas; null: no limit of its own.")
    attempts: int
    timeout: float | None = Field(description="Seconds an attempt may take.")
    state: str = Field(description="`scheduled`, `paused` or `on_demand`.")
    paused_by: str | None = Field(description="The subject who lets it rest; null where the configuration does.")
    paused_issuer: str | None = Field(description="Whose subject that is.")
    paused_at: datetime | None
    next_run_at: datetime | None
    last_run: RunView | None


def run_view(run: Run) -> RunView:
    """Gives the read model of a run."""
    return RunView(**_fields(run))


def detail_view(detail: RunDetail) -> RunDetailView:
    """Gives the read model of a run with everything that is kept of it."""
    return RunDetailView(
        **_fields(detail.run),
        history=[
            AttemptView(
                number=each.number,
                replica=each.replica,
                started_at=each.started_at,
                finished_at=each.finished_at,
                status=each.status,
                error=RunErrorView(type=each.error.type, message=each.error.message) if each.error else None,
            )
            for each in detail.attempts
        ],
        steps=[
            StepView(
                attempt=step.attempt,
                name=step.name,
                started_at=step.started_at,
                finished_at=step.finished_at,
                error=step.error,
            )
            for step in detail.steps
        ],
        log=list(detail.log),
        log_dropped=detail.log_dropped,
    )


def job_state_view(state: "JobState", options: dict[str, JsonValue]) -> JobStateView:
    """Gives the read model of a job; `options` are the configured ones as they may be shown."""
    job = state.definition
    return JobStateView(
        module=job.module,
        name=job.name,
        type=job.type,
        summary=job.summary,
        schedule=job.line,
        timezone=job.timezone,
        options=options,
        overlap=job.overlap,
        concurrency=job.concurrency,
        attempts=job.attempts,
        timeout=job.timeout,
        state="on_demand" if job.schedule is None else "paused" if state.is_paused else "scheduled",
        paused_by=state.record.paused_by if state.is_paused else None,
        paused_issuer=state.record.paused_issuer if state.is_paused else None,
        paused_at=state.record.paused_at if state.is_paused else None,
        next_run_at=state.next_run_at,
        last_run=run_view(state.last_run) if state.last_run else None,
    )


def _fields(run: Run) -> dict[str, object]:
    told = run.progress
    return {
        "id": run.id,
        "module": run.module,
        "job": run.job,
        "type": run.type,
        "trigger": run.trigger,
        "requested_by": run.requested_by,
        "requested_issuer": run.requested_issuer,
        "scheduled_for": run.scheduled_for,
        "status": run.status,
        "reason": run.reason,
        "attempt": run.attempt,
        "attempts": run.attempts,
        "replica": run.replica,
        "queued_at": run.queued_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "next_attempt_at": run.next_attempt_at,
        "progress": ProgressView(done=told.done, total=told.total, note=told.note) if told else None,
        "options": run.options,
        "result": run.result,
        "error": RunErrorView(type=run.error.type, message=run.error.message) if run.error else None,
        "retry_of": run.retry_of,
        "cancelled_by": run.cancelled_by,
        "cancelled_issuer": run.cancelled_issuer,
    }
