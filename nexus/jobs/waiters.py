"""Those who wait for a run to end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from nexus.jobs.run import Run

_LOOK: Final = 1.0
"""Seconds between two looks at a run that somebody waits for: it may run on another replica."""


class Waiters:
    """Wakes who waits when a run moves on this replica, and looks for those that move elsewhere.

    Args:
        read: gives a run; raises `UnknownRun`, `StoreUnavailable`.
    """

    def __init__(self, read: Callable[[str], Awaitable[Run]]) -> None:
        self._read = read
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def wake(self, run_id: str) -> None:
        """Has those who wait for the run look at it."""
        for changed in self._waiting.get(run_id, ()):
            changed.set()

    async def wait(self, run_id: str, seconds: float) -> Run:
        """Gives the run when it is final, or as it is after `seconds`; raises what reading it raises."""
        deadline = asyncio.get_running_loop().time() + seconds
        changed = asyncio.Event()
        self._waiting.setdefault(run_id, set()).add(changed)
        try:
            while True:
                run = await self._read(run_id)
                left = deadline - asyncio.get_running_loop().time()
                if run.status.is_final or left <= 0:
                    return run
                changed.clear()
                try:
                    async with asyncio.timeout(min(left, _LOOK)):
                        await changed.wait()
                except TimeoutError:
                    continue
        finally:
            waiting = self._waiting[run_id]
            waiting.discard(changed)
            if not waiting:
                del self._waiting[run_id]
