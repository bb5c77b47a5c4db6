"""Who a verified request comes from."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The caller as its token's verified claims tell; never the token itself.

    Attributes:
        issuer: the `iss` claim (RFC 7519, section 4.1.1).
        subject: the `sub` claim; unique within the issuer.
        client: the client the token was issued to (`azp` or `client_id`), where the issuer tells.
        permissions: exact names, from the claim that the issuer's profile reads.
        expires_at: UTC instant after which the token is refused.
        actor: who acts for the subject (`act`, RFC 8693, section 4.1), where the token tells; it permits nothing.
    """

    issuer: str
    subject: str
    client: str | None
    permissions: frozenset[str]
    expires_at: datetime
    actor: str | None = None

    def has(self, *permissions: str) -> bool:
        """True where the principal has every one of the named permissions."""
        return self.permissions.issuperset(permissions)
