"""Where sessions are kept: a file of the state directory, or the PostgreSQL that replicas share. All of it blocks.

The jobs' SQLite file is held by one host alone; this one is a file of its own, so that `nexus dashboard link` can write
to it beside a running host. One statement is one transaction, on either database.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from nexus.config.settings import StoreSettings
from nexus.spec.errors import NexusError
from nexus.ui.sign_in.tables import TABLES

FILE_NAME: Final = "sessions.db"

PATIENCE: Final = 2
"""Seconds until a database that does not answer is given up."""

_AGAIN: Final = 0.01

Row = tuple[Any, ...]


class SessionsUnavailable(NexusError):
    """The database of sessions cannot be used."""


class Database(Protocol):
    """Takes statements from any thread."""

    def run(self, statement: str, values: Mapping[str, object]) -> list[Row]:
        """Gives the rows of one statement, whose `:names` stand for `values`.

        Raises:
            SessionsUnavailable: the database does not answer.
        """
        ...

    def close(self) -> None:
        """Closes every connection."""
        ...


def open_database(settings: StoreSettings, state_dir: Path) -> Database:
    """Opens what the configuration names, and makes the tables where they are missing.

    Raises:
        SessionsUnavailable: it cannot be opened.
    """
    if settings.url.startswith("sqlite"):
        return SqliteDatabase(state_dir / FILE_NAME)
    # A host on SQLite alone is not to load the driver.
    from nexus.ui.sign_in.postgres import PostgresDatabase  # noqa: PLC0415

    return PostgresDatabase(settings.url)


class ConnectionPerThread:
    """One connection for each thread that asks for one.

    Args:
        connect: makes one.
        end: wakes whoever waits for one that is about to be closed.
    """

    def __init__(self, connect: Callable[[], Any], end: Callable[[Any], None]) -> None:
        self._connect = connect
        self._end = end
        self._mine = threading.local()
        self._all: list[Any] = []
        self._is_closed = False

    def mine(self) -> Any:
        """Gives this thread's connection, made where it has none.

        Raises:
            SessionsUnavailable: all are closed for good.
        """
        connection = getattr(self._mine, "connection", None)
        if connection is None:
            if self._is_closed:
                raise SessionsUnavailable("the database of sessions is closed: the host is stopping")
            connection = self._mine.connection = self._connect()
            self._all.append(connection)
        return connection

    def drop_mine(self) -> None:
        """Closes this thread's connection; the next one asked for is new."""
        connection, self._mine.connection = self._mine.connection, None
        self._all.remove(connection)
        connection.close()

    def close(self) -> None:
        """Closes all; none is made any more."""
        self._is_closed = True
        for connection in tuple(self._all):
            self._end(connection)
            connection.close()


class SqliteDatabase:
    """The file `path`, which its owner alone may read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connections = ConnectionPerThread(self._connect, sqlite3.Connection.interrupt)
        try:
            _make_private(path)
            connection = self._connections.mine()
            _write_ahead(connection)
            for statement in TABLES:
                connection.execute(statement)
        except (OSError, sqlite3.Error) as error:
            self._connections.close()
            raise SessionsUnavailable(
                f"sign-in to the pages needs the file {path}, which cannot be used ({told(error)}): make it and its"
                " folder writable for this user alone, or remove it"
            ) from error

    def run(self, statement: str, values: Mapping[str, object]) -> list[Row]:
        """Gives the rows of one statement.

        Raises:
            SessionsUnavailable: the file cannot be read or written.
        """
        try:
            rows: list[Row] = self._connections.mine().execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise SessionsUnavailable(f"the file {self._path} of sessions does not answer ({told(error)})") from error
        return rows

    def close(self) -> None:
        """Closes every connection."""
        self._connections.close()

    def _connect(self) -> sqlite3.Connection:
        # Each thread keeps to its own connection; closing all at the end is the one exception.
        connection = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Takes the journal that readers do not wait for; SQLite itself does not wait where several ask for it at once."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_AGAIN)
        else:
            return


def _make_private(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_mode & 0o077:
            raise PermissionError(1, "others may read or write it")
    finally:
        os.close(descriptor)


def told(error: Exception) -> str:
    """Gives the driver's or the system's own words on one line."""
    words = error.strerror if isinstance(error, OSError) else str(error)
    return " ".join((words or type(error).__name__).split())[:200]
