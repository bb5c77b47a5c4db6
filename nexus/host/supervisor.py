"""The supervisor: owner of every task of the host; each has a name, its end is always said, and none outlives it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from nexus.host.leash import Leash

R = TypeVar("R")

OnFailure = Callable[[str, BaseException], None]
"""Told the name of a task and what it raised."""

_LAST_WORD: Final = 0.1
"""Seconds a task gets after its leash is cut; one turn of the loop is enough where nothing blocks it."""

logger = logging.getLogger("nexus.host")


class Supervisor:
    """Starts tasks, keeps them by owner, and stops them within bounds.

    Leaving it as a context manager stops every task that is left.

    Args:
        patience: seconds the tasks that are left get when it is left.
    """

    def __init__(self, *, patience: float = 5.0) -> None:
        self._patience = patience
        self._by_owner: dict[str, dict[asyncio.Task[Any], Leash[Any]]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop(self.tasks(), self._patience)

    def start(
        self,
        name: str,
        work: Coroutine[Any, Any, R],
        *,
        owner: str = "host",
        on_failure: OnFailure | None = None,
    ) -> asyncio.Task[R]:
        """Runs `work` as a task.

        Args:
            name: shown in logs; need not be unique.
            work: a coroutine that nobody awaits yet.
            owner: whose task it is; `stop_owner` ends all tasks of one owner.
            on_failure: called once with the name and the exception where the task raises; a cancellation is none.
        """
        leash = Leash(work)
        task = asyncio.get_running_loop().create_task(_pull(leash), name=name)
        owned = self._by_owner.setdefault(owner, {})
        owned[task] = leash

        def ended(_: asyncio.Task[R]) -> None:
            del owned[task]
            if not owned and self._by_owner.get(owner) is owned:
                del self._by_owner[owner]
            leash.close()  # a task that is cancelled before its first step never reaches its coroutine
            self._tell_end(task, owner, on_failure)

        task.add_done_callback(ended)
        return task

    def tasks(self, owner: str | None = None) -> tuple[asyncio.Task[Any], ...]:
        """Gives the tasks of `owner` that have not ended; all tasks where it is None."""
        owners = self._by_owner.values() if owner is None else [self._by_owner.get(owner, {})]
        return tuple(task for owned in owners for task in owned if not task.done())

    async def stop_owner(self, owner: str, timeout: float) -> tuple[str, ...]:  # noqa: ASYNC109 - the bound is the point
        """Ends the tasks of `owner`; see `stop`."""
        return await self.stop(self.tasks(owner), timeout)

    async def stop(self, tasks: tuple[asyncio.Task[Any], ...], timeout: float) -> tuple[str, ...]:  # noqa: ASYNC109
        """Cancels the tasks and waits until they have ended, at most `timeout` seconds; the caller's own is spared.

        Gives the names of those that refused: their coroutines are closed and will never be resumed.
        """
        waiting = {task for task in tasks if not task.done() and task is not asyncio.current_task()}
        # Twice: many a loop swallows the first cancellation with an over-broad except and heeds the second.
        for _ in range(2):
            for task in waiting:
                task.cancel()
            if waiting:
                _, waiting = await asyncio.wait(waiting, timeout=timeout / 2)
        for task in waiting:
            for owned in self._by_owner.values():
                if task in owned:
                    owned[task].cut()
            task.cancel()
        refused = tuple(sorted(task.get_name() for task in waiting))
        if waiting:
            await asyncio.wait(waiting, timeout=_LAST_WORD)
            logger.warning(
                "tasks refused to end and were abandoned: %s",
                ", ".join(refused),
                extra={"event": "host.task.refused", "tasks": refused},
            )
        return refused

    @staticmethod
    def _tell_end(task: asyncio.Task[Any], owner: str, on_failure: OnFailure | None) -> None:
        name = task.get_name()
        extra = {"task": name, "owner": owner}
        if task.cancelled():
            logger.debug("task %s was cancelled", name, extra={"event": "host.task.cancelled", **extra})
        elif (error := task.exception()) is not None:
            # Who takes the failure over tells it as its own; a traceback is of use either way.
            level = logging.ERROR if on_failure is None else logging.DEBUG
            logger.log(level, "task %s failed", name, exc_info=error, extra={"event": "host.task.failed", **extra})
            if on_failure is not None:
                on_failure(name, error)
        else:
            logger.debug("task %s finished", name, extra={"event": "host.task.finished", **extra})


async def _pull(leash: Leash[R]) -> R:
    return await leash
