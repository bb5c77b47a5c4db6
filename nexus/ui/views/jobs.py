"""Jobs as the pages show them: schedule in words, what comes next, and how it went lately."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from nexus.host.host import Host
from nexus.jobs.definition import JobDefinition, JobKey
from nexus.jobs.run import Run
from nexus.jobs.run_marks import RunMark
from nexus.ui.pictures.strip import Strip, strip
from nexus.ui.views.engine_access import Asked, ask

if TYPE_CHECKING:
    from nexus.jobs.job_state import JobState
    from nexus.jobs.schedule import Schedule

STRIP: Final = 30
"""Runs that a strip shows."""

_NO_MARKS: Final[Mapping[JobKey, tuple[RunMark, ...]]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One job.

    Attributes:
        module: whose it is.
        name: unique in the module.
        type: which of the module's jobs it is.
        summary: what it does.
        state: `scheduled`, `paused`, `on_demand`, or `module_down` where its module does not serve.
        line: its cron line; None on demand.
        said: the line in words; empty on demand.
        timezone: what the line is read in.
        next_at: when it is due.
        last: the latest run that was not skipped.
        strip: its last runs; None where they were not asked for.
    """

    module: str
    name: str
    type: str
    summary: str
    state: str
    line: str | None
    said: str
    timezone: str
    next_at: datetime | None
    last: Run | None
    strip: Strip | None = None

    @property
    def key(self) -> JobKey:
        """Tells it from every other job."""
        return self.module, self.name

    @property
    def is_failing(self) -> bool:
        """True where its latest run went wrong."""
        return self.last is not None and str(self.last.status) in ("failed", "timed_out", "lost")


def job_row(host: Host, state: "JobState") -> JobRow:
    """Gives the row of a job, without its strip."""
    job = state.definition
    module = host.modules.get(job.module)
    return JobRow(
        module=job.module,
        name=job.name,
        type=job.type,
        summary=job.summary,
        state="module_down"
        if module is None or not module.serving
        else "on_demand"
        if job.schedule is None
        else "paused"
        if state.is_paused
        else "scheduled",
        line=job.line,
        said=said(job),
        timezone=job.timezone,
        next_at=state.next_run_at,
        last=state.last_run,
    )


def said(job: JobDefinition) -> str:
    """Gives a job's schedule in words; empty where it has none."""
    return _in_words(job.schedule) if job.schedule is not None else ""


# Reading a line takes as long as showing a row of the table.
@lru_cache(maxsize=4096)
def _in_words(schedule: "Schedule") -> str:
    words = schedule.describe()
    return words[:1].upper() + words[1:]


async def every_job(host: Host) -> "Asked[Sequence[JobState]]":
    """Gives every job as it stands, ordered by module and name."""
    none: Sequence[JobState] = ()
    return await ask(host, lambda engine: engine.jobs(), none)


async def with_strips(host: Host, rows: Sequence[JobRow]) -> list[JobRow]:
    """Gives the rows with their strips; without, where the store is away."""
    asked = await ask(host, lambda engine: engine.figures.last_results([row.key for row in rows], STRIP), _NO_MARKS)
    return [replace(row, strip=strip(asked.value.get(row.key, ()), STRIP)) for row in rows]


async def jobs_of(host: Host, module: str) -> "Asked[Sequence[JobState]]":
    """Gives the jobs of a module as they stand."""
    none: Sequence[JobState] = ()
    return await ask(host, lambda engine: engine.jobs(module), none)


async def jobs_of_module(host: Host, module: str) -> Asked[list[JobRow]]:
    """Gives the jobs of a module with their strips."""
    asked = await jobs_of(host, module)
    rows = [job_row(host, state) for state in asked.value]
    return Asked(await with_strips(host, rows), asked.trouble)
