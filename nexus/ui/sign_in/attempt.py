"""Sign-ins that have begun at an issuer and not come back: what each must be answered with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nexus.ui.sign_in.session import hash_of, new_secret

if TYPE_CHECKING:
    from nexus.ui.sign_in.database import Database

LIFETIME: Final = 600.0
"""Seconds that somebody may take at the issuer."""

MAX_ATTEMPTS: Final = 1000
"""Kept at once, since anybody can begin; one more makes the oldest useless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What the way back is checked by.

    Attributes:
        nonce: has to be in the ID token.
        verifier: proves to the issuer that the code is ours (RFC 7636).
        return_path: a path of this host.
    """

    nonce: str
    verifier: str
    return_path: str


def begin(database: "Database", *, browser: str, return_path: str, now: float) -> tuple[str, Attempt]:
    """Gives a new attempt of a browser, and its state (RFC 6749, section 10.12)."""
    state = new_secret()
    attempt = Attempt(nonce=new_secret(), verifier=new_secret(), return_path=return_path)
    database.run("DELETE FROM nexus_sign_in_attempts WHERE ends_at <= :now", {"now": now})
    database.run(
        "INSERT INTO nexus_sign_in_attempts (state_hash, browser_hash, nonce, verifier, return_path, ends_at)"
        " VALUES (:state_hash, :browser_hash, :nonce, :verifier, :return_path, :ends_at)",
        {
            "state_hash": hash_of(state),
            "browser_hash": hash_of(browser),
            "nonce": attempt.nonce,
            "verifier": attempt.verifier,
            "return_path": return_path,
            "ends_at": now + LIFETIME,
        },
    )
    database.run(
        "DELETE FROM nexus_sign_in_attempts WHERE state_hash IN"
        " (SELECT state_hash FROM nexus_sign_in_attempts ORDER BY ends_at DESC LIMIT 1000 OFFSET :most)",
        {"most": MAX_ATTEMPTS},
    )
    return state, attempt


def take(database: "Database", *, state: str, browser: str | None, now: float) -> Attempt | None:
    """Gives the attempt of a state, once; None where it is unknown, too old, or another browser's."""
    rows = database.run(
        "DELETE FROM nexus_sign_in_attempts WHERE state_hash = :state_hash"
        " RETURNING browser_hash, nonce, verifier, return_path, ends_at",
        {"state_hash": hash_of(state) or ""},
    )
    if not rows:
        return None
    browser_hash, nonce, verifier, return_path, ends_at = rows[0]
    if browser is None or hash_of(browser) != browser_hash or now >= ends_at:
        return None
    return Attempt(nonce=nonce, verifier=verifier, return_path=return_path)
