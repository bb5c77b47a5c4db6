"""Lets the threads of this process write to a SQLite file one after another.

SQLite has one writer at a time. Whoever comes second sleeps and tries again, up to a tenth of a second each time, while
others that have just come pass by: under load some wait for seconds. In a queue of our own each waits its turn.
"""

import threading
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry

_PATIENCE: Final = 10.0
"""Seconds to wait for a turn; then SQLite itself decides."""

_WRITES: Final = ("INSERT", "UPDATE", "DELETE", "REPLACE", "BEGIN IMMEDIATE")

_TURN: Final = "nexus.turn"


class SqliteTurns:
    """One queue for all engines on one file."""

    def __init__(self) -> None:
        self._turn = threading.Lock()

    def attach(self, engine: sa.Engine) -> None:
        """Makes the transactions of this engine wait from their first write on."""
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "checkin", self._after)  # not "commit", which comes before the database has committed

    def _before(self, connection: sa.Connection, _cursor: Any, statement: str, *_: object) -> None:
        if _TURN not in connection.info and statement.lstrip()[:16].upper().startswith(_WRITES):
            connection.info[_TURN] = self._turn.acquire(timeout=_PATIENCE)

    def _after(self, _connection: Any, record: ConnectionPoolEntry) -> None:
        if record.info.pop(_TURN, False):
            self._turn.release()
