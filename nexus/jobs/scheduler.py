"""One task for all schedules: sleeps until the next instant, and has its run stored."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from nexus.jobs.definition import JobDefinition, JobKey
from nexus.jobs.errors import StoreUnavailable
from nexus.jobs.job_records import JobRecord

_NAP: Final = 5.0
"""The longest sleep in seconds: after it the wall clock is asked again, which somebody may have set."""

logger = logging.getLogger("nexus.jobs")


@dataclass(slots=True)
class _Timer:
    job: JobDefinition
    due: datetime


class Scheduler:
    """Knows when each job is due.

    Args:
        read: gives the scheduled jobs.
        note: stores their schedules, and gives what is remembered of each.
        fire: has the run of an instant stored, and begun; raises `StoreUnavailable` where it could not.
        miss: has a run stored that was due and does not start: with the reason.
        now: the present instant, UTC.
    """

    def __init__(
        self,
        *,
        read: Callable[[], list[JobDefinition]],
        note: Callable[[list[JobDefinition]], Awaitable[Mapping[JobKey, JobRecord]]],
        fire: Callable[[JobDefinition, datetime], Awaitable[None]],
        miss: Callable[[JobDefinition, datetime, str], Awaitable[None]],
        now: Callable[[], datetime],
    ) -> None:
        self._read = read
        self._note = note
        self._fire = fire
        self._miss = miss
        self._now = now
        self._timers: dict[JobKey, _Timer] = {}
        self._seen: datetime | None = None
        self._wake = asyncio.Event()
        self._wake.set()

    def next_due(self, key: JobKey) -> datetime | None:
        """Gives the next instant of a job, None where it has no schedule."""
        timer = self._timers.get(key)
        return timer.due if timer else None

    def timers(self) -> list[tuple[datetime, JobKey]]:
        """Gives the next instant of each job that has a schedule, in no order."""
        return [(timer.due, key) for key, timer in self._timers.items()]

    def refresh(self) -> None:
        """Has the schedules read again soon: modules or their configuration have changed."""
        self._wake.set()

    async def keep(self) -> None:
        """Fires until it is cancelled."""
        while True:
            try:
                await self.turn()
            except StoreUnavailable:
                self._wake.set()
                await asyncio.sleep(1.0)  # what was due stays so: it is fired late, or missed by its deadline
                continue
            except Exception:
                logger.exception("the schedules stumbled, and go on", extra={"event": "jobs.schedules"})
                self._wake.set()
                await asyncio.sleep(_NAP)
                continue
            await self._sleep()

    async def turn(self) -> None:
        """Reads what has changed, and fires what is due.

        Raises:
            StoreUnavailable: it could not; the next turn does what this one has left.
        """
        self._look_at_clock()
        if self._wake.is_set():
            self._wake.clear()  # first: who asks while it reads is heard after it
            await self._read_again()
        await self._fire_due()

    def _look_at_clock(self) -> None:
        """Has every timer made anew where the clock was set back: what they wait for may be days ahead."""
        now, before = self._now(), self._seen
        self._seen = now
        if before is not None and (before - now).total_seconds() > _NAP:
            logger.warning(
                "the clock was set back by %.0f s: instants that have fired do not fire again",
                (before - now).total_seconds(),
                extra={"event": "jobs.clock"},
            )
            self._timers.clear()
            self._wake.set()

    async def _read_again(self) -> None:
        jobs = self._read()
        records = await self._note(jobs)
        now = self._now()
        known, self._timers = self._timers, {}
        for job in jobs:
            before = known.get(job.key)
            if before is not None and (before.job.line, before.job.timezone) == (job.line, job.timezone):
                self._timers[job.key] = _Timer(job, before.due)
            elif (due := _first_due(job, records.get(job.key), now)) is not None:
                self._timers[job.key] = _Timer(job, due)

    async def _fire_due(self) -> None:
        for timer in list(self._timers.values()):
            if timer.due <= self._now() and timer.job.schedule is not None:
                await self._catch_up(timer)

    async def _catch_up(self, timer: _Timer) -> None:
        """Fires the instant that is due; of several that were missed for long the latest alone still starts."""
        job, schedule = timer.job, timer.job.schedule
        if schedule is None:
            return
        is_downtime = (self._now() - timer.due).total_seconds() > _NAP
        latest = (schedule.last_until(self._now()) if is_downtime else None) or timer.due
        late = (self._now() - latest).total_seconds()
        if job.deadline is not None and late > job.deadline:
            await self._miss(job, latest, f"it was {late:.0f} s late, and its deadline is {job.deadline:g} s")
        else:
            await self._fire(job, latest)
        timer.due = schedule.next_after(max(latest, timer.due))

    async def _sleep(self) -> None:
        soonest = min((timer.due for timer in self._timers.values()), default=None)
        wait = _NAP if soonest is None else min((soonest - self._now()).total_seconds(), _NAP)
        if wait <= 0:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            return


def _first_due(job: JobDefinition, record: JobRecord | None, now: datetime) -> datetime | None:
    """Gives the first instant to deal with: the latest that a stopped host has missed, else the next."""
    if job.schedule is None:
        return None
    last = record.last_due if record else None
    since = max(filter(None, (record.since, last)), default=None) if record else None
    if since is not None and since < now:
        missed = job.schedule.last_until(now)
        if missed is not None and missed > since:
            return missed
    return job.schedule.next_after(max(now, last or now))
