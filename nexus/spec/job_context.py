"""What a job is given: its module's context, and the run it is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from nexus.spec.context import ModuleContext

S_co = TypeVar("S_co", covariant=True)
R = TypeVar("R")


class RunControl(Protocol):
    """The run as the host keeps it; `JobContext` speaks to it."""

    async def step(self, name: str, call: Callable[[], Awaitable[object]]) -> object:
        """Gives what the step gave when it was done before, else does it and keeps what it gives."""

    def progress(self, done: float, total: float | None, note: str) -> None:
        """Keeps how far the run is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext(ModuleContext[S_co]):
    """A module's context for the length of one attempt.

    Attributes:
        run_id: the same for every attempt of the run, also on another replica.
        job: the job's name.
        attempt: 1 for the first.
        scheduled_for: the instant (UTC) at which it was due; None for a run that somebody asked for.
        requested_by: the subject who asked for it; None for a scheduled run.
        control: the host's; `step` and `progress` speak to it.
    """

    run_id: str
    job: str
    attempt: int
    scheduled_for: datetime | None
    requested_by: str | None
    control: RunControl

    async def step(self, name: str, function: Callable[..., Awaitable[R]], *args: Any, **kwargs: Any) -> R:
        """Does one part of the job so that it is not done again once it has succeeded.

        What it gave is kept in the store and given again when the run is taken up after a crash, or tried again after
        a failure. It therefore comes back as JSON has it: a tuple as a list, a date as text. A step that was under way
        when its host died is done again, so what it does outside should bear being done twice.

        Args:
            name: what is done; several steps of one name are told apart by their order.
            function: async; what it gives must have a JSON form.
            args: its arguments.
            kwargs: its arguments by name.

        Raises:
            Exception: whatever `function` raises.
        """
        return await self.control.step(name, lambda: function(*args, **kwargs))  # type: ignore[return-value]  # as the function gives it

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Tells how far the run is: `done` of `total` in a unit of the job's own; shown within a second or so."""
        self.control.progress(done, total, note)
