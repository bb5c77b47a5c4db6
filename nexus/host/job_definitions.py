"""Puts together what a module declares of its jobs and what its table says of them."""

from pydantic import BaseModel

from nexus.config.settings import JobEntry
from nexus.discovery.catalog import ModuleRecord
from nexus.host.module_settings import BoundModule
from nexus.jobs.definition import JobDefinition, JobKey
from nexus.jobs.schedule import parse_schedule
from nexus.spec.job import Job


def job_definitions(record: ModuleRecord, bound: BoundModule) -> dict[JobKey, JobDefinition]:
    """Gives the configured jobs, and each job that no entry names as one that runs on demand."""
    declared = {job.type: job for job in record.jobs}
    entries = record.entry.jobs if record.entry else ()
    found: dict[JobKey, JobDefinition] = {}
    for entry in entries:
        if entry.type in declared:
            name = entry.name or entry.type
            found[record.name, name] = _definition(record.name, declared[entry.type], entry, bound.jobs.get(name))
    named = {entry.type for entry in entries}
    for kind, job in declared.items():
        if kind not in named and (record.name, kind) not in found:
            found[record.name, kind] = _definition(record.name, job, JobEntry.model_validate({"type": kind}), None)
    return found


def _definition(module: str, job: Job, entry: JobEntry, options: BaseModel | None) -> JobDefinition:
    return JobDefinition(
        module=module,
        name=entry.name or entry.type,
        type=job.type,
        summary=job.summary,
        run=job.run,
        model=job.options,
        options=options,
        line=entry.schedule,
        timezone=entry.timezone,
        schedule=parse_schedule(entry.schedule, entry.timezone) if entry.schedule is not None else None,
        overlap=entry.overlap or job.overlap,
        concurrency=entry.concurrency,
        deadline=entry.deadline,
        jitter=entry.jitter or 0.0,
        attempts=entry.attempts or job.attempts,
        retry_delay=entry.retry_delay,
        retry_delay_max=entry.retry_delay_max,
        timeout=entry.timeout or job.timeout,
        paused=entry.paused,
    )
