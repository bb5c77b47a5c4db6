"""What a route asks of its caller; what declares nothing is protected."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Access:
    """A route's demand: `kind` says whether a verified token is needed, `permissions` which ones it must hold.

    Every named permission is needed; an empty set asks for a valid token and nothing more.
    """

    kind: Literal["public", "protected"]
    permissions: frozenset[str] = frozenset()

    @property
    def is_public(self) -> bool:
        """True where no token is asked for."""
        return self.kind == "public"


PUBLIC = Access("public")
"""Anyone may call; the host reads no token."""

PROTECTED = Access("protected")
"""Only a caller with a valid token; what every route is unless it says otherwise."""


def requiring(permissions: Iterable[str]) -> Access:
    """Gives the access of a route that only a token with all of `permissions` opens."""
    return Access("protected", frozenset(permissions))
