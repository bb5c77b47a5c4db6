"""Calls the store off the event loop: a few threads, a time limit, and one error for whatever the database raises."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError, StatementError

from nexus.jobs.errors import StoreRefused, StoreUnavailable

R = TypeVar("R")

_THREADS: Final = 4
"""Fewer than the connections of the pool, so that no call waits for one; more would only fight for the interpreter."""

_PATIENCE: Final = 2.0
"""Seconds that a caller waits for the store."""

_RETRY: Final = 1.0
"""Seconds between two tries of what has to be stored."""


def _told(error: SQLAlchemyError) -> str:
    """SQLite's own words, such as that the disk is full; those of a server may name what callers need not know."""
    original = getattr(error, "orig", None)
    return str(original) if isinstance(original, sqlite3.Error) else type(error).__name__


class StoreThreads:
    """Calls blocking functions of the store."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="nexus-store")

    async def __call__(self, call: Callable[[], R], *, patience: float = _PATIENCE) -> R:
        """Gives what `call` gives.

        Raises:
            StoreRefused: the database cannot hold what is to be written.
            StoreUnavailable: the database raised, or did not answer within `patience` seconds. What was to be written
                may be written all the same.
        """
        try:
            async with asyncio.timeout(patience):
                return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        except (DataError, TypeError, ValueError) as error:
            raise StoreRefused(f"the store of runs cannot hold that ({type(error).__name__})") from error
        except SQLAlchemyError as error:
            if isinstance(error, StatementError) and not isinstance(error, DBAPIError):  # what is bound has no form
                raise StoreRefused(f"the store of runs cannot hold that ({type(error.orig).__name__})") from error
            raise StoreUnavailable(f"the store of runs does not answer ({_told(error)}): try again") from error
        except TimeoutError as error:
            raise StoreUnavailable(f"the store of runs does not answer within {patience:g} s: try again") from error

    async def until_done(self, call: Callable[[], R]) -> R:
        """Does as a call, again and again while the store does not answer; for calls that bear being repeated.

        Raises:
            StoreRefused: asking again does not help.
        """
        while True:
            try:
                return await self(call, patience=15.0)
            except StoreRefused:
                raise
            except StoreUnavailable:
                await asyncio.sleep(_RETRY)

    def close(self) -> None:
        """Takes no further calls; those under way end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)
