"""An attempt that is under way on this replica."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Literal

from nexus.jobs.run import Progress, Run
from nexus.jobs.run_log import RunLog

End = Literal["cancelled", "timed_out", "left"]
"""Why an attempt ends that has not ended by itself."""


@dataclass(slots=True, kw_only=True)
class Active:
    """An attempt under way on this replica; `is_again` where it was so on another before."""

    run: Run
    number: int
    is_again: bool
    log: RunLog
    task: asyncio.Task[Any] | None = None
    end: End | None = None
    reason: str | None = None
    progress: Progress | None = None
    is_changed: bool = False
    began: float = 0.0
    stopping: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self, end: End, reason: str | None = None) -> None:
        """Ends it soon; the first reason counts, and none does once its code has ended by itself."""
        if self.end is not None or (self.task is not None and self.task.done()):
            return  # cancelled again, it would be torn from its clean-up
        self.end, self.reason = end, reason
        self.stopping.set_result(None)
        if self.task is not None:
            self.task.cancel()
