"""One-time links: who can write to the store of sessions may let somebody in, once and soon."""

import getpass
import os
from typing import TYPE_CHECKING, Final

from nexus.ui.sign_in.session import Person, hash_of, new_secret

if TYPE_CHECKING:
    from nexus.ui.sign_in.database import Database

LIFETIME: Final = 600.0
"""Seconds that a link may be used."""

_MAX_LINKS: Final = 100
"""Kept at once; one more makes the oldest useless."""


def make(database: "Database", *, issuer: str, now: float, subject: str | None = None) -> str:
    """Gives the code of a new link.

    Args:
        database: where only its hash is kept.
        issuer: the local issuer's name, which vouches for who has the link.
        now: seconds since 1970.
        subject: who made it; the account of this process where None.
    """
    code = new_secret()
    database.run("DELETE FROM nexus_sign_in_links WHERE ends_at <= :now", {"now": now})
    database.run(
        "INSERT INTO nexus_sign_in_links (code_hash, subject, issuer, ends_at)"
        " VALUES (:code_hash, :subject, :issuer, :ends_at)",
        {
            "code_hash": hash_of(code),
            "subject": subject or _account(),
            "issuer": issuer,
            "ends_at": now + LIFETIME,
        },
    )
    database.run(
        "DELETE FROM nexus_sign_in_links WHERE code_hash IN"
        " (SELECT code_hash FROM nexus_sign_in_links ORDER BY ends_at DESC LIMIT 1000 OFFSET :most)",
        {"most": _MAX_LINKS},
    )
    return code


def consume(database: "Database", code: str, *, now: float) -> Person | None:
    """Gives whom the link lets in, None where it is unknown, used or too old; of two at once, one gets in."""
    rows = database.run(
        "DELETE FROM nexus_sign_in_links WHERE code_hash = :code_hash RETURNING subject, issuer, ends_at",
        {"code_hash": hash_of(code) or ""},
    )
    if not rows:
        return None
    subject, issuer, ends_at = rows[0]
    return Person(subject=subject, issuer=issuer, name=subject, may_act=True) if now < ends_at else None


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return f"uid-{os.getuid()}"
