"""Makes the library wait where a SQLite file cannot be written for a while.

It waits for a PostgreSQL that is away, and for a locked file, for as long as it takes. A full disk it would pass on to
the job: a step that was done would fail, and be done again. To it, a file without room is a locked one.
"""

import sqlite3
from typing import Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

_PASSING: Final = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
)

_PRIMARY: Final = 0xFF
"""Bits of an error's code that tell its kind; those above tell more."""


def wait_for_room(engine: sa.Engine) -> None:
    """Tells what a disk without room raises in the words by which the library knows that waiting helps."""
    event.listen(engine, "handle_error", _as_locked)


def _as_locked(context: sa.ExceptionContext) -> OperationalError | None:
    error = context.original_exception
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & _PRIMARY in _PASSING:
        told = sqlite3.OperationalError(f"database is locked: {error}")
        return OperationalError(context.statement or "COMMIT", context.parameters, told)
    return None
