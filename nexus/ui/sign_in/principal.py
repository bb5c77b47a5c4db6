"""Who acts by the pages, as the audit log and the runs of jobs name it."""

from datetime import datetime
from typing import Protocol

from nexus.spec.principal import Principal


class Named(Protocol):
    """Somebody with a subject of an issuer."""

    @property
    def subject(self) -> str:
        """Unique within the issuer."""

    @property
    def issuer(self) -> str:
        """Who vouches."""


def principal_of(who: Named, expires_at: datetime) -> Principal:
    """Gives who acts; no permission of a token goes with it, as the session's role has decided before."""
    return Principal(
        issuer=who.issuer, subject=who.subject, client=None, permissions=frozenset(), expires_at=expires_at
    )
