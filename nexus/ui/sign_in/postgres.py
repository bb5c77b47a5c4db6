"""The PostgreSQL that replicas share, as the database of sessions. All of it blocks."""

import contextlib
import os
import re
import socket
from collections.abc import Mapping
from typing import Final

import psycopg

from nexus.ui.sign_in.database import PATIENCE, ConnectionPerThread, Row, SessionsUnavailable, told
from nexus.ui.sign_in.tables import TABLES

_SCHEMA_LOCK: Final = 0x6E657869
"""Any number that all replicas agree on, and that the jobs' tables do not use."""

_PARAMETER: Final = re.compile(r":([a-z_]+)")


class PostgresDatabase:
    """The database at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connections = ConnectionPerThread(self._connect, _hang_up)
        try:
            with self._connections.mine().transaction():
                # Two replicas that start together must not both create.
                self._connections.mine().execute("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
                for statement in TABLES:
                    self._connections.mine().execute(statement)
        except psycopg.Error as error:
            self._connections.close()
            raise SessionsUnavailable(
                f"sign-in to the pages needs the configured PostgreSQL, which cannot be used ({told(error)}): see that"
                " it is up and that the account may create tables"
            ) from error

    def run(self, statement: str, values: Mapping[str, object]) -> list[Row]:
        """Gives the rows of one statement; one that fails because the server went away is tried once more.

        Raises:
            SessionsUnavailable: the server does not answer.
        """
        try:
            return self._run(statement, values)
        except psycopg.Error as error:
            raise SessionsUnavailable(f"the PostgreSQL of sessions does not answer ({told(error)})") from error

    def close(self) -> None:
        """Closes every connection."""
        self._connections.close()

    def _run(self, statement: str, values: Mapping[str, object]) -> list[Row]:
        try:
            return self._rows(statement, values)
        except psycopg.OperationalError:
            if not self._connections.mine().closed:
                raise
            self._connections.drop_mine()
            return self._rows(statement, values)

    def _rows(self, statement: str, values: Mapping[str, object]) -> list[Row]:
        # The statements are this package's own constants; psycopg's types ask for a literal.
        cursor = self._connections.mine().execute(_PARAMETER.sub(r"%(\1)s", statement).encode(), values)
        rows: list[Row] = cursor.fetchall() if cursor.description else []
        return rows

    def _connect(self) -> "psycopg.Connection[Row]":
        return psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=PATIENCE,
            prepare_threshold=None,  # a pooler between us may give each statement another server
            application_name="nexus-sessions",
            options=f"-c statement_timeout={PATIENCE * 1000}",
            tcp_user_timeout=PATIENCE * 1000,
        )


def _hang_up(connection: "psycopg.Connection[Row]") -> None:
    """Wakes a thread that waits for a server which is frozen: it would keep the process from ending."""
    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as ours:
        ours.shutdown(socket.SHUT_RDWR)
