"""Reads jobs as they stand: all, those of a module, or the few that a page shows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from nexus.jobs.definition import JobDefinition, JobKey, JobSource
from nexus.jobs.history import History
from nexus.jobs.job_records import JobRecord, JobRecords
from nexus.jobs.job_state import JobState
from nexus.jobs.run import Run
from nexus.jobs.scheduler import Scheduler
from nexus.jobs.store_threads import StoreThreads


class JobStates:
    """Puts together what is configured, what is remembered and what is next.

    Args:
        source: tells the jobs.
        records: what is remembered of each.
        history: their runs.
        scheduler: knows when each is due.
        call: runs what blocks in a thread, and raises `StoreUnavailable` where the store does not answer.
        now: the present instant, UTC.
    """

    def __init__(
        self,
        *,
        source: JobSource,
        records: JobRecords,
        history: History,
        scheduler: Scheduler,
        call: StoreThreads,
        now: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._records = records
        self._history = history
        self._scheduler = scheduler
        self._call = call
        self._now = now

    async def every(self) -> tuple[JobState, ...]:
        """Gives every job, ordered by module and name.

        Raises:
            StoreUnavailable: what is remembered cannot be read.
        """
        definitions = self._source.definitions()
        return await self._stand([definitions[key] for key in sorted(definitions)], None)

    async def of_module(self, module: str) -> tuple[JobState, ...]:
        """Gives the jobs of a module, ordered by name.

        Raises:
            StoreUnavailable: what is remembered cannot be read.
        """
        definitions = self._source.definitions(module)
        keys = sorted(definitions)
        return await self._stand([definitions[key] for key in keys], keys)

    async def one(self, definition: JobDefinition) -> JobState:
        """Gives one job.

        Raises:
            StoreUnavailable: what is remembered cannot be read.
        """
        [state] = await self._stand([definition], [definition.key])
        return state

    async def of(self, keys: Iterable[JobKey]) -> tuple[JobState, ...]:
        """Gives a few jobs, in the order they are named; those that are not there are left out.

        Raises:
            StoreUnavailable: what is remembered cannot be read.
        """
        found = {key: self._source.definitions(key[0]).get(key) for key in keys}
        there = [definition for definition in found.values() if definition is not None]
        return await self._stand(there, [definition.key for definition in there])

    def coming(self) -> list[tuple[datetime, JobKey]]:
        """Gives when each job with a schedule is due next, also those whose schedules rest; in no order."""
        return self._scheduler.timers()

    async def _stand(self, definitions: Sequence[JobDefinition], keys: Sequence[JobKey] | None) -> tuple[JobState, ...]:
        wanted = [definition.key for definition in definitions]
        records, last = await self._call(lambda: (self._records.of(keys), self._history.last_runs(wanted)))
        return tuple(self._state(definition, records, last) for definition in definitions)

    def _state(
        self, definition: JobDefinition, records: Mapping[JobKey, JobRecord], last: Mapping[JobKey, Run]
    ) -> JobState:
        record = records.get(definition.key, JobRecord())
        is_paused = definition.paused if record.paused is None else record.paused
        due = self._scheduler.next_due(definition.key)
        if due is None and definition.schedule is not None:
            due = definition.schedule.next_after(self._now())
        return JobState(
            definition=definition,
            record=record,
            is_paused=is_paused,
            next_run_at=None if is_paused else due,
            last_run=last.get(definition.key),
        )
