"""The database of sessions as coroutines use it: opened with the first use, in a few threads, with a time limit."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from nexus.config.settings import StoreSettings
from nexus.spec.errors import Problem

if TYPE_CHECKING:
    from nexus.ui.sign_in.database import Database

R = TypeVar("R")

_THREADS: Final = 4
_PATIENCE: Final = 5.0
"""Seconds that a request waits for the database."""

_LAST_CHANCE: Final = 1.0
"""Seconds that statements under way get when the host stops."""


class Store:
    """Calls blocking functions with the database; opened late, since a host that nobody looks at needs none.

    Args:
        settings: name the database.
        state_dir: where the embedded one lies.
    """

    def __init__(self, settings: StoreSettings, state_dir: Path) -> None:
        self._settings = settings
        self._state_dir = state_dir
        self._database: Database | None = None
        self._opening = asyncio.Lock()
        self._threads = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="nexus-sessions")

    async def __call__(self, work: "Callable[[Database], R]") -> R:
        """Gives what `work` gives.

        Raises:
            Problem: 503, the database does not answer; a write may have been done all the same.
        """
        from nexus.ui.sign_in.database import SessionsUnavailable  # noqa: PLC0415 - loads a driver

        try:
            async with asyncio.timeout(_PATIENCE):
                database = await self._opened()
                return await asyncio.get_running_loop().run_in_executor(self._threads, work, database)
        except SessionsUnavailable as error:
            raise Problem(503, str(error), headers={"Retry-After": "5"}) from error
        except TimeoutError as error:
            raise Problem(
                503,
                "who you are cannot be looked up now: the database of sessions is slow",
                headers={"Retry-After": "5"},
            ) from error

    async def close(self) -> None:
        """Closes the database; what is under way gets a moment to end."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        ended = asyncio.ensure_future(asyncio.to_thread(self._threads.shutdown))
        await asyncio.wait({ended}, timeout=_LAST_CHANCE)
        if self._database is not None:
            self._database.close()
        await ended

    async def _opened(self) -> "Database":
        async with self._opening:
            if self._database is None:
                from nexus.ui.sign_in.database import open_database  # noqa: PLC0415 - as above

                self._database = await asyncio.get_running_loop().run_in_executor(
                    self._threads, open_database, self._settings, self._state_dir
                )
            return self._database
