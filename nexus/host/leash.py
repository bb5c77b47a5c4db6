"""Drives a stranger's coroutine so that it can be ended even where it swallows its cancellation.

`Task.cancel` is a request: code that catches `CancelledError` and goes on keeps its task alive for ever, and with it
`asyncio.run`. A coroutine on a leash is no longer resumed once the leash is cut.
"""

import asyncio
import contextlib
from collections.abc import Coroutine, Generator
from typing import Any, Final, Generic, TypeVar

from nexus.spec.errors import NexusError

R = TypeVar("R")

_CLOSE_ATTEMPTS: Final = 10
"""How often a coroutine is closed that goes on after `GeneratorExit` too."""


class ModuleExit(NexusError):
    """A module's code called `sys.exit`, which must not end the host."""


class Leash(Generic[R]):
    """Awaits a coroutine in its caller's task.

    Raises, when awaited:
        ModuleExit: the coroutine raised `SystemExit`; a task that lets it through would end the event loop.
        CancelledError: the leash was cut and the coroutine went on all the same.
    """

    def __init__(self, work: Coroutine[Any, Any, R]) -> None:
        self._work = work
        self._is_cut = False

    def cut(self) -> None:
        """The next time the coroutine waits for something, it is closed instead."""
        self._is_cut = True

    def __await__(self) -> Generator[Any, Any, R]:
        thrown: BaseException | None = None
        answer: object = None
        while True:
            try:
                wanted = self._work.send(answer) if thrown is None else self._work.throw(thrown)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # StopIteration does not know its value's type
            except SystemExit as error:
                raise ModuleExit(f"called sys.exit({error.code!r})") from None
            thrown = None
            if self._is_cut:
                self.close()
                raise asyncio.CancelledError
            try:
                answer = yield wanted
            except BaseException as error:  # noqa: BLE001 - whatever is thrown in is the coroutine's
                thrown = error

    def close(self) -> None:
        """Closes the coroutine, also one that was never begun; does nothing where it has ended."""
        for _ in range(_CLOSE_ATTEMPTS):
            with contextlib.suppress(Exception):
                self._work.close()
                return
