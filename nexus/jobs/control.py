"""What a job's code may do with its run: steps, and telling its progress."""

import itertools
import math
from collections.abc import Awaitable, Callable

from nexus.jobs.active import Active
from nexus.jobs.errors import ModuleDown
from nexus.jobs.run import Progress
from nexus.jobs.workflows import Workflows


class Control:
    """Implements `nexus.spec.job_context.RunControl` for one attempt.

    Args:
        active: the attempt.
        may_work: awaited before each step; raises `asyncio.CancelledError` where others may have taken the run up.
        workflows: keep the steps.
    """

    def __init__(self, active: Active, may_work: Callable[[], Awaitable[None]], workflows: Workflows | None) -> None:
        self._active = active
        self._may_work = may_work
        self._workflows = workflows
        self._done: dict[tuple[str, int], object] = {}
        self._taken: dict[str, set[int]] = {}

    async def load(self) -> None:
        """Learns what has been done: in earlier attempts, and in this one until its host died or left."""
        run_id, number = self._active.run.id, self._active.number
        if self._workflows is not None and number > 1:
            self._done = await self._workflows.finished_steps(run_id, number)
        if self._workflows is not None and self._active.is_again:
            self._done |= await self._workflows.replay(run_id, number)

    async def step(self, name: str, call: Callable[[], Awaitable[object]]) -> object:
        """Does a step once, or gives what it gave before; raises what it raises.

        Raises:
            ModuleDown: the job engine is closed.
        """
        # A step that failed gives its number back: trying it again, here or in a later attempt, is the same step.
        taken = self._taken.setdefault(name, set())
        number = next(number for number in itertools.count(1) if number not in taken)
        taken.add(number)
        if (name, number) in self._done:
            return self._done[name, number]
        await self._may_work()
        if self._workflows is None:
            raise ModuleDown("the job engine is closed")
        try:
            done = await self._workflows.step(name, number, call)
        except BaseException:
            taken.discard(number)
            raise
        await self._may_work()  # a process that was frozen meanwhile gets what another replica has kept: it ends here
        return done

    def progress(self, done: float, total: float | None, note: str) -> None:
        """Notes how far the run is.

        Raises:
            ValueError: a number is not finite.
        """
        done, total = float(done), None if total is None else float(total)
        if not all(map(math.isfinite, (done, total or 0.0))):
            raise ValueError(f"progress of {done:g} of {total} cannot be shown: give finite numbers")
        self._active.progress = Progress(done=done, total=total, note=str(note)[:200])
        self._active.is_changed = True
