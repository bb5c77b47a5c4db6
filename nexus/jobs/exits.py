"""Keeps a job's code from ending the host: what asks to end the process is a failure of the run."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from nexus.spec.errors import NexusError

R = TypeVar("R")


class EndedProcess(NexusError):
    """A job's code asked to end the process, which is not its own."""


async def kept_from_exit(call: Callable[[], Awaitable[R]]) -> R:
    """Gives what `call` gives.

    A task that `SystemExit` or `KeyboardInterrupt` leaves would end the event loop, and so every other module's work.

    Raises:
        EndedProcess: it asked to end the process.
    """
    try:
        return await call()
    except (SystemExit, KeyboardInterrupt) as error:
        asked = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        told = f"its code asked to end the process ({asked}): let it return, or raise an exception"
        raise EndedProcess(told) from error
