"""The one task that looks after clients that take too long, and tells when connections are refused."""

import asyncio
import logging
from typing import Final

from nexus.http.connection import Server

_log: Final = logging.getLogger("nexus.http")

_LOOK_EVERY: Final = 0.5
"""Seconds between two looks: with 10,000 connections one takes some milliseconds."""

_TELL_EVERY: Final = 60.0
"""Seconds between two log lines about refused connections; a flood would bury the log."""


async def watch(server: Server) -> None:
    """Looks at all connections of `server` until cancelled."""
    settings = server.settings
    every = min(_LOOK_EVERY, settings.header_timeout / 4, settings.write_timeout / 4)
    loop = asyncio.get_running_loop()
    told, told_at = 0, -_TELL_EVERY
    while True:
        await asyncio.sleep(every)
        now = loop.time()
        server.look(now)
        if server.refused > told and now - told_at >= _TELL_EVERY:
            extra = {"event": "connections.refused", "refused": server.refused - told}
            _log.warning("connections refused: raise 'global.server.max_connections' if they were wanted", extra=extra)
            told, told_at = server.refused, now
