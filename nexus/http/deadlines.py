"""The one task that looks after deadlines and after tables of modules that are gone."""

import asyncio
from collections.abc import Callable
from typing import Final

from nexus.http.shell import Shell

_TABLES_EVERY: Final = 1.0


async def watch(shell: Shell, drop_stale: Callable[[], None], every: float) -> None:
    """Looks at all requests in flight each `every` seconds until cancelled; `drop_stale` runs about once a second."""
    loop = asyncio.get_running_loop()
    dropped_at = loop.time()
    while True:
        await asyncio.sleep(every)
        now = loop.time()
        shell.look(now)
        if now - dropped_at >= _TABLES_EVERY:
            dropped_at = now
            drop_stale()
