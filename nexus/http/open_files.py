"""How many connections the process may have open: each takes a file descriptor, and without one accepting fails."""

import asyncio
import errno
import logging
import resource
from contextlib import suppress
from typing import Any, Final

_log: Final = logging.getLogger("nexus.http")

_RESERVE: Final = 256
"""Descriptors kept for files, databases, the modules' own connections and the event loop."""

_SHORT_OF: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_TELL_EVERY: Final = 60.0


class Shortage:
    """An event loop's exception handler: tells once a minute that no connection can be accepted.

    asyncio pauses for a second then, but logs a traceback for each attempt, thousands of them in a flood.
    """

    def __init__(self) -> None:
        self._told_at = -_TELL_EVERY

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Takes what asyncio has to tell; all but a shortage goes the usual way."""
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _SHORT_OF or "socket" not in context:
            loop.default_exception_handler(context)
        elif loop.time() - self._told_at >= _TELL_EVERY:
            self._told_at = loop.time()
            _log.warning(
                "no connection can be accepted (%s): raise the limit of open files (ulimit -n)",
                error.strerror,
                extra={"event": "connections.short"},
            )


def raise_limit() -> None:
    """Raises the process' limit of open files to what the system lets it have; shells set it low for old programs."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def bounded(max_connections: int) -> int:
    """Gives as many connections as were configured, or fewer where the limit of open files has no room for them."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return max_connections
    room = max(soft - min(_RESERVE, soft // 4), 1)
    if room < max_connections:
        _log.info(
            "fewer connections than configured: raise the limit of open files (ulimit -n)",
            extra={"event": "connections.bounded", "configured": max_connections, "connections": room},
        )
    return min(max_connections, room)
