"""Opens the store's database: one SQLite file that a single host may hold, or a PostgreSQL that replicas share."""

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, InvalidatePoolError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from nexus.jobs.errors import StoreHeld, StoreUnusable
from nexus.jobs.sqlite_room import wait_for_room
from nexus.jobs.sqlite_turns import SqliteTurns
from nexus.jobs.tables import METADATA, indexes

DEFAULT_FILE: Final = "sqlite:///.nexus/nexus.db"
"""The setting's default; it stands for the file of this name in the state directory."""

_PATIENCE: Final = 2
"""Seconds to connect, or to wait for a free connection: a caller is told within these that the store is down."""

_STATEMENT_MS: Final = 10_000

_PAGES: Final = 2000
"""Pages that are given back at a time (8 MB): others write in between."""

_FRESH: Final = 1.0
"""Seconds for which a connection that has just worked is taken to work still."""

_SCHEMA_LOCK: Final = 0x6E657875  # "nexu": any number that all replicas agree on

_INDEX_LOCK: Final = 0x6E657869  # "nexi": another

_INDEXES: Final = {
    # An earlier version's index of the runs that have an error did not hold the errors: it is made anew.
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index' AND sql NOT LIKE '%(seq) WHERE error IS NOT NULL'",
    "postgresql": "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indisvalid",
}
"""Finds the names of the indexes that can be used, by the kind of database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The open database.

    Attributes:
        url: what the job engine's library opens the same database by.
        engine: ours.
        single: the same, for transactions of one statement: a server is asked once for it, not thrice.
        library_engine: the library's.
        is_shared: True where other replicas may use it too.
        place: how it is called in messages; holds no password.
    """

    url: str
    engine: sa.Engine
    single: sa.Engine
    library_engine: sa.Engine
    is_shared: bool
    place: str
    lock: int | None

    @classmethod
    def open(cls, url: str, *, directory: Path, state_dir: Path) -> Self:
        """Opens the database and makes our tables where they are missing; blocks.

        Args:
            url: `sqlite:///file`, or `postgresql://user:password@host/database`.
            directory: what a relative file lies below.
            state_dir: where the default file lies.

        Raises:
            StoreUnusable: it cannot be opened.
            StoreHeld: another host holds the file.
        """
        opened = _open_sqlite(url, directory, state_dir) if url.startswith("sqlite") else _open_postgresql(url)
        database = cls(**opened)
        try:
            _make_tables(database)
            _add_indexes(database)
        except SQLAlchemyError as error:
            database.close()
            raise StoreUnusable(
                f"the store {database.place} cannot be used ({told_error(error)}): see that it is up, that the account "
                "may create tables and that the disk has room, or set [global.store] url"
            ) from error
        return database

    def close(self) -> None:
        """Closes every connection and lets go of the file."""
        self.engine.dispose()
        self.library_engine.dispose()
        if self.lock is not None:
            os.close(self.lock)

    def shrink(self) -> None:
        """Gives space that deleted rows have left back to the disk; PostgreSQL does so by itself."""
        if self.is_shared:
            return
        with self.engine.connect() as connection:
            free, before = _free_pages(connection), 0
            driver: Any = connection.connection.driver_connection
            while free and free != before:
                # As a script, which is stepped to its end: `execute` takes one step, and that frees a single page.
                driver.executescript(f"PRAGMA incremental_vacuum({_PAGES})")
                free, before = _free_pages(connection), free
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _free_pages(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA freelist_count").scalar_one())


def _open_sqlite(url: str, directory: Path, state_dir: Path) -> dict[str, Any]:
    file = state_dir / "nexus.db" if url == DEFAULT_FILE else directory / url.removeprefix("sqlite:///")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(f"{file}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnusable(
            f"the store {file} cannot be made ({error.strerror}): make its folder writable, or set [global.store] url"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip()
        os.close(lock)
        raise StoreHeld(
            f"the store {file} is held by another host{f' (process {holder})' if holder else ''}: stop that one, set "
            "another file, or use PostgreSQL where several replicas are to share a store"
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # for its owner alone, whatever the umask
    address = f"sqlite:///{file.absolute()}"
    engine = sa.create_engine(address, pool_timeout=_PATIENCE)
    event.listen(engine, "connect", _prepare_sqlite)
    library_engine = sa.create_engine(address, pool_size=20, max_overflow=0)
    event.listen(library_engine, "connect", _prepare_for_library)
    turns = SqliteTurns()
    turns.attach(engine)
    turns.attach(library_engine)
    wait_for_room(library_engine)
    return {
        "url": address,
        "engine": engine,
        "single": engine,
        "library_engine": library_engine,
        "is_shared": False,
        "place": str(file),
        "lock": lock,
    }


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Both settings stay in the file, so the library's own connections have them too.
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA busy_timeout={_STATEMENT_MS}")
    connection.isolation_level = "IMMEDIATE"  # one writer at a time, from the first statement on


def _prepare_for_library(connection: Any, _record: object) -> None:
    # As the library prepares an engine that it makes itself.
    connection.execute("PRAGMA busy_timeout=30000")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.isolation_level = "IMMEDIATE"


def _open_postgresql(url: str) -> dict[str, Any]:
    try:
        parsed = sa.make_url(url).set(drivername="postgresql+psycopg")
    except ArgumentError:
        raise StoreUnusable(
            "[global.store] url is no address: write 'postgresql://user:password@host:5432/database'"
        ) from None
    engine = sa.create_engine(
        parsed,
        pool_timeout=_PATIENCE,
        connect_args={
            "connect_timeout": _PATIENCE,
            "application_name": "nexus",
            "options": f"-c statement_timeout={_STATEMENT_MS} -c idle_in_transaction_session_timeout=60000",
            "tcp_user_timeout": 10_000,
        },
    )
    _ping_after_rest(engine)
    library_engine = sa.create_engine(  # as the library makes it, but for the ping
        parsed,
        pool_size=20,
        max_overflow=0,
        connect_args={
            "connect_timeout": 10,
            "application_name": "nexus",
            "options": "-c idle_in_transaction_session_timeout=60000",
            "tcp_user_timeout": 10_000,
        },
    )
    _ping_after_rest(library_engine)
    plain = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
    place = f"{parsed.host or 'localhost'}/{parsed.database}"
    return {
        "url": plain,
        "engine": engine,
        "single": engine.execution_options(isolation_level="AUTOCOMMIT"),
        "library_engine": library_engine,
        "is_shared": True,
        "place": place,
        "lock": None,
    }


def _ping_after_rest(engine: sa.Engine) -> None:
    """Tries connections that have rested before they are used: pinging all of them is a tenth of a run's work."""

    @event.listens_for(engine, "checkin")
    def note(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ping(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        if time.monotonic() - record.info.get("used_at", 0.0) < _FRESH:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error  # the others have met the same: all are made anew


def _make_tables(database: Database) -> None:
    with database.engine.begin() as connection:
        if database.is_shared:  # two replicas that start together must not both create
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
        METADATA.create_all(connection)
        _add_columns(connection)


def _add_columns(connection: sa.Connection) -> None:
    """Gives tables that an earlier version has made the columns that came since; each has a default."""
    inspector = sa.inspect(connection)
    for table in METADATA.sorted_tables:
        there = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                told = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {told}")


def _add_indexes(database: Database) -> None:
    """Gives tables that an earlier version has made the indexes that came since; nobody's writes wait for that."""
    with database.single.connect() as connection:
        dialect = connection.dialect.name
        whole = set(connection.exec_driver_sql(_INDEXES[dialect]).scalars())
        missing = [index for index in indexes(dialect) if index.name not in whole]
        if not missing:
            return
        if database.is_shared:
            # One replica makes them, which takes as long as the tables are; the others begin without.
            if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_INDEX_LOCK))):
                return
            connection.exec_driver_sql("SET statement_timeout = 0")
        try:
            for index in missing:
                _make_index(connection, index, " CONCURRENTLY" if database.is_shared else "")
            connection.commit()
        finally:
            connection.invalidate()  # with its lock and its setting


def _make_index(connection: sa.Connection, index: sa.Index, how: str) -> None:
    told = str(sa.schema.CreateIndex(index).compile(dialect=connection.dialect))
    connection.exec_driver_sql(f"DROP INDEX{how} IF EXISTS {index.name}")  # one that was cut off while it was made
    connection.exec_driver_sql(told.replace("CREATE INDEX", f"CREATE INDEX{how}", 1))


def told_error(error: Exception) -> str:
    """Gives the driver's own words on one line; SQLAlchemy's add the statement and its values."""
    original = getattr(error, "orig", None) or error
    return " ".join(str(original).split())[:300] or type(error).__name__
