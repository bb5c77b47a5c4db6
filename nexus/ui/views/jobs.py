"""Jobs as the pages show them: schedule in words, what comes next, and how it went lately."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from nexus.host.host import Host
from nexus.jobs.definition import JobDefinition, JobKey
from nexus.jobs.job_state import JobState
from nexus.jobs.run import Run
from nexus.jobs.run_marks import RunMark
from nexus.ui.pictures.strip import Strip, strip
from nexus.ui.views.engine_access import Asked, ask

if TYPE_CHECKING:
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


def job_row(host: Host, state: JobState) -> JobRow:
    """Gives the row of a job, without its strip."""
    job = state.definition
    return JobRow(
        module=job.module,
        name=job.name,
        type=job.type,
        summary=job.summary,
        state=state_of(host, job, is_paused=state.is_paused),
        line=job.line,
        said=said(job),
        timezone=job.timezone,
        next_at=state.next_run_at,
        last=state.last_run,
    )


def state_of(host: Host, job: JobDefinition, *, is_paused: bool) -> str:
    """Gives where a job stands, as `JobRow` has it."""
    module = host.modules.get(job.module)
    if module is None or not module.serving:
        return "module_down"
    if job.schedule is None:
        return "on_demand"
    return "paused" if is_paused else "scheduled"


def said(job: JobDefinition) -> str:
    """Gives a job's schedule in words; empty where it has none."""
    return _in_words(job.schedule) if job.schedule is not None else ""


# Reading a line takes as long as showing a row of the table.
@lru_cache(maxsize=4096)
def _in_words(schedule: "Schedule") -> str:
    words = schedule.describe()
    return words[:1].upper() + words[1:]


async def rows_of(host: Host, keys: Sequence[JobKey]) -> Asked[list[JobRow]]:
    """Gives some jobs as they stand, in this order, with their strips."""
    none = tuple[JobState, ...]()
    asked = await ask(host, lambda engine: engine.states.of(keys), none)
    return Asked(await _with_strips(host, [job_row(host, state) for state in asked.value]), asked.trouble)


async def _with_strips(host: Host, rows: Sequence[JobRow]) -> list[JobRow]:
    """Gives the rows with their strips; without, where the store is away."""
    asked = await ask(host, lambda engine: engine.figures.last_results([row.key for row in rows], STRIP), _NO_MARKS)
    return [replace(row, strip=strip(asked.value.get(row.key, ()), STRIP)) for row in rows]


async def jobs_of_module(host: Host, module: str, most: int) -> Asked[list[JobRow]]:
    """Gives the first jobs of a module with their strips, `most` at most."""
    return await rows_of(host, sorted(host.jobs.source.definitions(module))[:most])
