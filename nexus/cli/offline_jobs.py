"""The jobs that the configuration would load, under the names that the API uses."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from nexus.api.run_view import JobStateView
from nexus.cli.console import say
from nexus.cli.offline import OfflineModule, Outlook
from nexus.host.job_definitions import job_definitions
from nexus.jobs.definition import JobDefinition
from nexus.jobs.options import shown_options


def jobs_json(outlook: Outlook) -> list[dict[str, Any]]:
    """Gives every job by module and name, scrubbed as the API's answers are; tells which modules are left out."""
    found = [job for module in outlook.modules.values() for job in _of(module)]
    return sorted(found, key=lambda job: (job["module"], job["name"]))


def _of(module: OfflineModule) -> Iterator[dict[str, Any]]:
    bound = module.bound
    if bound is None or not module.record.jobs:
        return
    if bound.reason is not None:
        say(f"the jobs of module {module.record.name} are left out: 'nexus check' tells why")
        return
    for job in job_definitions(module.record, bound).values():
        shown = _view(job).model_dump(mode="json")
        yield {key: module.scrubber.scrub_data(value) for key, value in shown.items()}


def _view(job: JobDefinition) -> JobStateView:
    rests = job.schedule is None or job.paused
    return JobStateView(
        module=job.module,
        name=job.name,
        type=job.type,
        summary=job.summary,
        schedule=job.line,
        timezone=job.timezone,
        options=shown_options(job.options),
        overlap=job.overlap,
        concurrency=job.concurrency,
        attempts=job.attempts,
        timeout=job.timeout,
        state="on_demand" if job.schedule is None else "paused" if job.paused else "scheduled",
        paused_by=None,
        paused_issuer=None,
        paused_at=None,
        next_run_at=None if rests or job.schedule is None else job.schedule.next_after(datetime.now(UTC)),
        last_run=None,
    )
