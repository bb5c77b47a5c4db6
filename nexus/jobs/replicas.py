"""Which hosts take part, by the database's own clock: a host that has not been seen for long enough is dead."""

from typing import Final

import sqlalchemy as sa

from nexus.jobs.database import Database
from nexus.jobs.tables import REPLICAS

DEAD_AFTER: Final = 15.0
"""Seconds without a sign of life after which a replica's runs are taken up by others."""

_FORGOTTEN_AFTER: Final = 100 * DEAD_AFTER
"""Seconds without a sign of life after which nobody looks for a replica in the list any more."""


class Replicas:
    """Keeps the list of hosts; every method blocks."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        self._single = database.single
        self._now = (
            sa.extract("epoch", sa.func.clock_timestamp())
            if database.is_shared
            else sa.literal_column("(julianday('now') - 2440587.5) * 86400.0")
        )

    def join(self, replica: str, name: str) -> None:
        """Takes part from now on."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(REPLICAS).where(REPLICAS.c.id == replica))
            connection.execute(
                sa.insert(REPLICAS).values(id=replica, name=name, started_at=self._now, seen_at=self._now)
            )

    def leave(self, replica: str) -> None:
        """Takes part no longer: what is still its own is taken up at once."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(REPLICAS).where(REPLICAS.c.id == replica))

    def beat(self, replica: str) -> bool:
        """Gives a sign of life; False where it comes too late, since others may have taken up its runs."""
        fresh = REPLICAS.c.seen_at > self._now - DEAD_AFTER
        with self._single.begin() as connection:
            beaten = connection.execute(
                sa.update(REPLICAS).where(REPLICAS.c.id == replica, fresh).values(seen_at=self._now)
            )
            return beaten.rowcount == 1

    def living(self) -> frozenset[str]:
        """Gives the replicas that are not dead."""
        query = sa.select(REPLICAS.c.id).where(REPLICAS.c.seen_at > self._now - DEAD_AFTER)
        with self._single.connect() as connection:
            return frozenset(connection.execute(query).scalars())

    def forget_dead(self) -> None:
        """Drops the entries of replicas that have been dead for long; who has no entry is dead to the others too."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(REPLICAS).where(REPLICAS.c.seen_at < self._now - _FORGOTTEN_AFTER))
