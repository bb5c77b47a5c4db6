"""The background tasks of one incarnation of a module."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from nexus.host.supervisor import Supervisor
from nexus.spec.errors import NexusError

R = TypeVar("R")

_MAX_TASKS: Final = 10_000
"""Tasks of one module at once; a leak must end somewhere."""


class TasksRefused(NexusError):
    """A module may not start a task now."""


class ModuleTasks:
    """What `context.tasks` is: tasks that end with the module.

    Args:
        module: whose tasks they are.
        owner: of this incarnation, as the supervisor keeps it.
        supervisor: runs them.
        on_failure: told the name of a task and what it raised.
    """

    def __init__(
        self, module: str, *, owner: str, supervisor: Supervisor, on_failure: Callable[[str, BaseException], None]
    ) -> None:
        self._module = module
        self._owner = owner
        self._supervisor = supervisor
        self._on_failure = on_failure
        self._is_closed = False

    def start(self, name: str, work: Coroutine[Any, Any, R]) -> asyncio.Task[R]:
        """Starts a task that the host owns.

        Raises:
            TasksRefused: the module has stopped, or has too many tasks.
        """
        refusal = ""
        if self._is_closed:
            refusal = "has stopped"
        elif len(self._supervisor.tasks(self._owner)) >= _MAX_TASKS:
            refusal = f"has {_MAX_TASKS} background tasks"
        if refusal:
            work.close()
            raise TasksRefused(f"module {self._module!r} {refusal}: it cannot start the task {name!r}")
        return self._supervisor.start(
            f"{self._module}.{name}",
            work,
            owner=self._owner,
            on_failure=lambda _, error: self._on_failure(name, error),
        )

    async def stop(self, timeout: float) -> tuple[str, ...]:  # noqa: ASYNC109 - the bound is the point
        """Ends the tasks, within `timeout` seconds; gives the names of those that refused. None starts after it."""
        self._is_closed = True
        return await self._supervisor.stop_owner(self._owner, timeout)
