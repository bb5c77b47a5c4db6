"""What a route asks of its caller; what declares nothing is protected."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from nexus.spec.errors import InvalidDeclaration

PERMISSION: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")
"""A permission: what a token's `scope` can hold and a challenge can quote (RFC 6749, section 3.3)."""

PERMISSION_RULE: Final = "write up to 255 ASCII characters without blanks, quotes and backslashes"
"""What a mistake in one is answered with."""


@dataclass(frozen=True, slots=True)
class Access:
    """A route's demand: `kind` says whether a verified token is needed, `permissions` which ones it must hold.

    Every named permission is needed; an empty set asks for a valid token and nothing more.
    """

    kind: Literal["public", "protected"]
    permissions: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuses what would open a route by mistake, or close it for everybody.

        Raises:
            InvalidDeclaration: another kind, a permission that no token can have, or a public route that asks for some.
        """
        if self.kind not in ("public", "protected"):
            raise InvalidDeclaration(f"access {self.kind!r} is unknown: use nexus.PUBLIC or nexus.PROTECTED")
        names: frozenset[object] = frozenset(self.permissions)  # modules need not be typed
        for name in names:
            if not (isinstance(name, str) and PERMISSION.fullmatch(name)):
                raise InvalidDeclaration(f"permission {name!r} is no word: {PERMISSION_RULE}")
        object.__setattr__(self, "permissions", names)
        if self.is_public and self.permissions:
            raise InvalidDeclaration(f"a public route asks for {sorted(self.permissions)}: choose one")

    @property
    def is_public(self) -> bool:
        """True where no token is asked for."""
        return self.kind == "public"


PUBLIC = Access("public")
"""Anyone may call; the host reads no token."""

PROTECTED = Access("protected")
"""Only a caller with a valid token; what every route is unless it says otherwise."""


def requiring(permissions: Iterable[str], access: Access = PROTECTED) -> Access:
    """Gives `access` with `permissions` added, all of which the token must have then.

    Raises:
        InvalidDeclaration: they are no names, or the access is public.
    """
    if isinstance(permissions, str):
        raise InvalidDeclaration(f"permissions {permissions!r} is one text: write {{{permissions!r}}}")
    wanted = frozenset(permissions)
    # What is no access at all is told by the route that is to have it.
    return Access(access.kind, access.permissions | wanted) if wanted and isinstance(access, Access) else access
