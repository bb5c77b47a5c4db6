"""One job with all that is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from nexus.host.host import Host
from nexus.jobs.definition import JobDefinition, JobKey
from nexus.jobs.errors import UnknownJob
from nexus.jobs.job_state import JobState
from nexus.jobs.run import Page, RunFilter
from nexus.jobs.run_marks import RunMark
from nexus.ui.pictures.sparkline import Sparkline, sparkline
from nexus.ui.pictures.strip import strip
from nexus.ui.views.engine_access import ask
from nexus.ui.views.jobs import STRIP, JobRow, job_row, said

_LATEST: Final = 8
_NEXT: Final = 5
_MARKS: Final = 60
"""Runs of the sparkline."""

_NO_PAGE: Final = Page(runs=(), cursor=None)
_NO_MARKS: Final[Mapping[JobKey, tuple[RunMark, ...]]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """What the page of a job shows.

    Attributes:
        row: the job as lists have it, with its strip.
        definition: what is configured.
        is_paused: its schedule rests.
        paused_by: the subject who lets it rest; None where nobody does.
        paused_issuer: whose subject that is.
        paused_at: since when.
        upcoming: the next instants of its schedule; none while it rests.
        latest: its last runs.
        durations: how long they took.
        trouble: why the store does not answer; empty where it does.
    """

    row: JobRow
    definition: JobDefinition
    is_paused: bool
    paused_by: str | None
    paused_issuer: str | None
    paused_at: datetime | None
    upcoming: tuple[datetime, ...]
    latest: Page
    durations: Sparkline
    trouble: str


async def job_page(host: Host, module: str, job: str) -> JobPage:
    """Gives a job with all that is known of it.

    Raises:
        UnknownJob: there is none of this name.
        StoreUnavailable: the engine is not open.
    """
    key, none = (module, job), tuple[JobState, ...]()
    definition = host.jobs.source.definitions(module).get(key)
    if definition is None:
        raise UnknownJob("There is no job of this name.")
    found = await ask(host, lambda engine: engine.states.of([key]), none)
    if not found.value:
        return _without_store(host, definition, found.trouble)
    [state] = found.value
    asked = await ask(host, lambda engine: engine.figures.last_results([key], _MARKS), _NO_MARKS)
    marks = asked.value.get(key, ())
    row = replace(job_row(host, state), strip=strip(marks[-STRIP:], STRIP))
    latest = await ask(host, lambda engine: engine.runs(RunFilter(module=module, job=job), limit=_LATEST), _NO_PAGE)
    schedule = state.definition.schedule
    return JobPage(
        row=row,
        definition=state.definition,
        is_paused=state.is_paused,
        paused_by=state.record.paused_by if state.is_paused else None,
        paused_issuer=state.record.paused_issuer if state.is_paused else None,
        paused_at=state.record.paused_at if state.is_paused else None,
        upcoming=schedule.upcoming(host.clock.now(), _NEXT) if schedule and not state.is_paused else (),
        latest=latest.value,
        durations=sparkline(marks),
        trouble=found.trouble or latest.trouble,
    )


def _without_store(host: Host, definition: JobDefinition, trouble: str) -> JobPage:
    schedule = definition.schedule
    row = JobRow(
        module=definition.module,
        name=definition.name,
        type=definition.type,
        summary=definition.summary,
        state="on_demand" if schedule is None else "unknown",
        line=definition.line,
        said=said(definition),
        timezone=definition.timezone,
        next_at=None,
        last=None,
    )
    return JobPage(
        row=row,
        definition=definition,
        is_paused=False,
        paused_by=None,
        paused_issuer=None,
        paused_at=None,
        upcoming=schedule.upcoming(host.clock.now(), _NEXT) if schedule else (),
        latest=_NO_PAGE,
        durations=sparkline(()),
        trouble=trouble,
    )
