"""Sessions as rows: made, looked up, listed and ended. What a browser holds is not stored, only its SHA-256."""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from nexus.ui.sign_in.database import Database, Row

MAX_SESSIONS: Final = 10_000
"""Kept at once; one more ends the one that was not used for longest."""

_SEEN_EVERY: Final = 60.0
"""Seconds within which a session in use is not written again."""

_MAX_TEXT: Final = 255
_MAX_USER_AGENT: Final = 120
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_COLUMNS: Final = "name, subject, issuer, person, may_act, csrf, user_agent, created_at, seen_at, idle, ends_at"
_ALIVE: Final = "ends_at > :now AND seen_at + idle > :now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who signs in.

    Attributes:
        subject: unique within the issuer.
        issuer: who vouches.
        name: for people to read.
        may_act: True for the role admin.
    """

    subject: str
    issuer: str
    name: str
    may_act: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session that is alive.

    Attributes:
        name: public; names the session in lists and logs.
        person: who signed in.
        csrf_token: goes into every form.
        user_agent: what the browser called itself at sign-in, shortened.
        signed_in_at: instant in UTC.
        seen_at: instant in UTC of the last use, give or take a minute.
        idle: seconds without use after which it ends.
        expires_at: instant in UTC at which it ends whatever is done in it.
    """

    name: str
    person: Person
    csrf_token: str = field(repr=False)
    user_agent: str
    signed_in_at: datetime
    seen_at: datetime
    idle: float
    expires_at: datetime


def new_secret() -> str:
    """Gives 256 random bits as 43 characters."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> str | None:
    """Gives what is stored of a secret, None where the text is none of ours."""
    return hashlib.sha256(secret.encode()).hexdigest() if _SECRET.fullmatch(secret) else None


def begin(
    database: "Database", person: Person, *, now: float, idle: float, lifetime: float, user_agent: str
) -> tuple[str, Session]:
    """Makes a session, and gives the secret that the browser gets with it."""
    secret = new_secret()
    row: dict[str, object] = {
        "id_hash": hash_of(secret),
        "name": secrets.token_hex(8),
        "subject": person.subject[:_MAX_TEXT],
        "issuer": person.issuer,
        "person": _plain(person.name, _MAX_TEXT) or person.subject,
        "may_act": int(person.may_act),
        "csrf": new_secret(),
        "user_agent": _plain(user_agent, _MAX_USER_AGENT),
        "created_at": now,
        "seen_at": now,
        "idle": idle,
        "ends_at": now + lifetime,
    }
    database.run("DELETE FROM nexus_sessions WHERE ends_at <= :now OR seen_at + idle <= :now", {"now": now})
    database.run(
        f"INSERT INTO nexus_sessions (id_hash, {_COLUMNS})"  # noqa: S608 - a constant
        " VALUES (:id_hash, :name, :subject, :issuer, :person, :may_act, :csrf, :user_agent, :created_at, :seen_at,"
        " :idle, :ends_at)",
        row,
    )
    database.run(
        "DELETE FROM nexus_sessions WHERE id_hash IN"
        " (SELECT id_hash FROM nexus_sessions ORDER BY seen_at DESC, created_at DESC LIMIT 1000 OFFSET :most)",
        {"most": MAX_SESSIONS},
    )
    return secret, _session(tuple(row[column] for column in _COLUMNS.split(", ")))


def find(database: "Database", secret: str, *, now: float, is_use: bool = True) -> Session | None:
    """Gives the session of a browser's secret while it is alive, and notes the use of it unless it is none."""
    id_hash = hash_of(secret)
    if id_hash is None:
        return None
    rows = database.run(
        f"SELECT {_COLUMNS} FROM nexus_sessions WHERE id_hash = :id_hash AND {_ALIVE}",  # noqa: S608 - constants
        {"id_hash": id_hash, "now": now},
    )
    if not rows:
        return None
    session = _session(rows[0])
    unseen = now - session.seen_at.timestamp()
    if is_use and unseen >= min(_SEEN_EVERY, session.idle / 10):
        database.run(
            "UPDATE nexus_sessions SET seen_at = :now WHERE id_hash = :id_hash", {"now": now, "id_hash": id_hash}
        )
    return session


def alive(database: "Database", *, now: float) -> list[Session]:
    """Gives every session that is alive, the last used first."""
    rows = database.run(
        f"SELECT {_COLUMNS} FROM nexus_sessions WHERE {_ALIVE} ORDER BY seen_at DESC, name",  # noqa: S608 - constants
        {"now": now},
    )
    return [_session(row) for row in rows]


def end(database: "Database", name: str) -> bool:
    """Ends the session of a public name; False where there was none."""
    return bool(database.run("DELETE FROM nexus_sessions WHERE name = :name RETURNING name", {"name": name}))


def end_of(database: "Database", secret: str) -> None:
    """Ends the session of a browser's secret, where there is one."""
    database.run("DELETE FROM nexus_sessions WHERE id_hash = :id_hash", {"id_hash": hash_of(secret) or ""})


def _session(row: "Row") -> Session:
    name, subject, issuer, person, may_act, csrf, user_agent, created_at, seen_at, idle, ends_at = row
    return Session(
        name=name,
        person=Person(subject=subject, issuer=issuer, name=person, may_act=bool(may_act)),
        csrf_token=csrf,
        user_agent=user_agent,
        signed_in_at=datetime.fromtimestamp(created_at, UTC),
        seen_at=datetime.fromtimestamp(seen_at, UTC),
        idle=idle,
        expires_at=datetime.fromtimestamp(ends_at, UTC),
    )


def _plain(text: str, most: int) -> str:
    return "".join(character for character in text if character.isprintable())[:most].strip()
