"""Binds what the configuration says of one module's jobs: their schedules and their options."""

from collections.abc import Iterable, Iterator

from pydantic import BaseModel

from nexus.config.binding import bind, written
from nexus.config.loading import Loaded
from nexus.config.origin import Path, dotted
from nexus.config.problem import Problem
from nexus.config.scrubber import Scrubber
from nexus.config.settings import TWINS, NoSettings
from nexus.discovery.catalog import ModuleRecord
from nexus.jobs.schedule import InvalidSchedule, parse_schedule
from nexus.spec.names import nearest


def bind_jobs(
    record: ModuleRecord, count: int, loaded: Loaded, scrubber: Scrubber, options: dict[str, BaseModel | None]
) -> Iterator[Problem]:
    """Tells what is wrong with each entry, whatever else is wrong with it or with another, which hides none of it.

    Args:
        record: the module.
        count: how many entries its table has.
        loaded: the configuration as it was read.
        scrubber: learns the secrets among the options.
        options: is given the bound options of each job, by the job's name; None for a job that takes none.
    """
    declared = {job.type: job for job in record.jobs}
    jobs: Path = ("modules", record.name, "jobs")
    names: set[str] = set()
    for index in range(count):
        at: Path = (*jobs, index)
        table = written(loaded.tree, at)
        type_ = table.get("type") if isinstance(table, dict) else None
        if not isinstance(table, dict) or not isinstance(type_, str):
            continue  # told where the module's own table is bound
        name = str(table.get("name") or type_)
        if name in names:
            yield Problem(loaded.tree.origin(jobs), dotted(jobs), TWINS)
        names.add(name)
        yield from _schedule_problems(loaded, at, table)
        job = declared.get(type_)
        if job is None:
            yield Problem(loaded.tree.origin((*at, "type")), dotted((*at, "type")), _unknown_job(type_, declared))
            continue
        bound = bind(loaded.tree, (*at, "options"), job.options or NoSettings, scrubber=scrubber)
        yield from bound.problems
        options[name] = bound.value if job.options else None


def _schedule_problems(loaded: Loaded, at: Path, table: dict[str, object]) -> Iterator[Problem]:
    schedule = table.get("schedule")
    # What has another number of fields, or an unknown zone, is told where the module's own table is bound.
    if isinstance(schedule, str) and len(schedule.split()) in (5, 6):
        try:
            parse_schedule(schedule, "UTC")
        except InvalidSchedule as error:
            yield Problem(loaded.tree.origin((*at, "schedule")), dotted((*at, "schedule")), str(error))


def _unknown_job(type_: str, declared: Iterable[str]) -> str:
    names = sorted(declared)
    near = nearest(type_, names)
    if near:
        return f"the module has no job {type_!r}: did you mean {near!r}?"
    known = f"use one of {', '.join(names)}" if names else "it has none, take the entry out"
    return f"the module has no job {type_!r}: {known}"
