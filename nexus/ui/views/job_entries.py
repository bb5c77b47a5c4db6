"""Every job in short, without the store: what lists are sorted, filtered and counted by."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from operator import attrgetter

from nexus.host.host import Host
from nexus.jobs.definition import JobDefinition, JobKey
from nexus.ui.views.jobs import said, state_of

Entries = Mapping[JobKey, "JobEntry"]
"""By module and name, and in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEntry:
    """One job.

    Attributes:
        definition: what is configured.
        state: as `JobRow` has it.
        text: in lower case, what a list shows of it and people look for.
    """

    definition: JobDefinition
    state: str
    text: str

    @property
    def key(self) -> JobKey:
        """Tells it from every other job."""
        return self.definition.key


def job_entries(host: Host) -> Entries:
    """Gives every job as it is configured."""
    definitions = host.jobs.source.definitions()
    return {key: _entry(host, definitions[key], is_paused=definitions[key].paused) for key in sorted(definitions)}


def as_set(entries: Entries, paused: Mapping[JobKey, bool]) -> Entries:
    """Gives the jobs with the schedules that somebody has made rest or go on."""
    changed: dict[JobKey, JobEntry] = {}
    for key, rests in paused.items():
        entry = entries.get(key)
        if entry is not None and entry.state in ("scheduled", "paused"):
            changed[key] = replace(entry, state="paused" if rests else "scheduled")
    return {**entries, **changed} if changed else entries


def count_states(entries: Entries) -> Counter[str]:
    """Gives how many jobs stand where."""
    return Counter(map(attrgetter("state"), entries.values()))


def _entry(host: Host, job: JobDefinition, *, is_paused: bool) -> JobEntry:
    text = "\n".join((job.module, job.name, job.summary, said(job))).lower()
    return JobEntry(definition=job, state=state_of(host, job, is_paused=is_paused), text=text)
