"""The issuer that comes with each installation, for use on the own machine before there is an outside one.

Its key and its random name are made at first use and lie in the state directory, readable by the owner only. Who can
read that file can mint tokens; nobody else can, and no HTTP route does.
"""

import json
import math
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from nexus.auth import strict_json
from nexus.auth.key_ring import KeyRing, PublicKey, VerificationKey
from nexus.auth.keys import IssuerStatus
from nexus.auth.private_file import UnsafeFile, create_private, read_private
from nexus.auth.refusal import Reason, Refusal
from nexus.auth.token_rules import TokenRules
from nexus.spec.access import PERMISSION, PERMISSION_RULE
from nexus.spec.errors import NexusError

FILE_NAME = "local-issuer.json"
NAME_PREFIX = "nexus-local:"
DEFAULT_TTL = 3600.0  # seconds
MAX_TTL = 86_400.0

_ALGORITHM = "RS256"
_MAX_FILE_BYTES = 16_384
_MAX_SUBJECT = 255


class CannotMint(NexusError):
    """What was asked for is no proper token."""


@dataclass(frozen=True, slots=True)
class LocalIssuer:
    """The issuer of one installation.

    Attributes:
        name: `nexus-local:` and 128 random bits; the `iss` and `aud` of its tokens.
    """

    name: str
    _key: RSAKey = field(repr=False)
    _kid: str = field(repr=False)

    @classmethod
    def open(cls, state_dir: Path) -> "LocalIssuer":
        """The issuer of a state directory, made where there is none yet; several processes get the same one. Blocks.

        Raises:
            UnsafeFile: others could have read or changed its file, or the file is damaged.
            OSError: the state directory cannot be written.
        """
        path = state_dir / FILE_NAME
        content = read_private(path, max_bytes=_MAX_FILE_BYTES)
        if content is None:
            create_private(path, _new_content())
            content = read_private(path, max_bytes=_MAX_FILE_BYTES)
        if content is None:
            raise UnsafeFile(f"{path} vanished while it was made, try again")
        return cls._read(path, content)

    @classmethod
    def _read(cls, path: Path, content: bytes) -> "LocalIssuer":
        try:
            saved = strict_json.parse_object(content, max_bytes=_MAX_FILE_BYTES)
            name, jwk = saved["issuer"], saved["key"]
            key = RSAKey.import_key(jwk) if isinstance(jwk, dict) else None
        except (NexusError, JoseError, ValueError, KeyError, TypeError):
            name = key = None
        if key is None or not key.is_private or not isinstance(name, str) or not name.startswith(NAME_PREFIX):
            raise UnsafeFile(f"{path} is damaged, remove it and a new issuer will be made")
        return cls(name, key, key.thumbprint())

    def mint(
        self,
        *,
        subject: str,
        permissions: Iterable[str],
        ttl: float = DEFAULT_TTL,
        wall: Callable[[], float] = time.time,
    ) -> str:
        """A bearer token.

        Args:
            subject: who it is for: 1 to 255 printable characters.
            permissions: exact names, without spaces.
            ttl: seconds that it lives, at most 24 hours.
            wall: the clock.

        Raises:
            CannotMint: one of them is out of bounds.
        """
        if not (math.isfinite(ttl) and 0 < ttl <= MAX_TTL):
            raise CannotMint(f"a token lives more than 0 and at most {MAX_TTL:.0f} seconds, choose a ttl in between")
        if not subject.isprintable() or not 0 < len(subject) <= _MAX_SUBJECT:
            raise CannotMint(f"a subject is 1 to {_MAX_SUBJECT} printable characters")
        names = sorted(set(permissions))
        for name in names:
            if not PERMISSION.fullmatch(name):
                raise CannotMint(f"permission {name!r} is not usable: {PERMISSION_RULE}")
        now = math.floor(wall())
        claims = {
            "iss": self.name,
            "aud": self.name,
            "sub": subject,
            "client_id": "nexus",
            "scope": " ".join(names),
            "iat": now,
            "exp": now + math.ceil(ttl),
            "jti": secrets.token_hex(16),
        }
        header: dict[str, object] = {"alg": _ALGORITHM, "typ": "at+jwt", "kid": self._kid}
        return jws.serialize_compact(header, json.dumps(claims).encode(), self._key, algorithms=[_ALGORITHM])

    def rules(self) -> TokenRules:
        """What its tokens must fulfil."""
        return TokenRules(
            issuer=self.name,
            accepted_issuers=(self.name,),
            metadata_issuers=(),
            audience=self.name,
            algorithms=(_ALGORITHM,),
            profile="rfc9068",
            leeway=0.0,  # it is our own clock; a token that was just minted must still not be of the future
            max_lifetime=MAX_TTL,
        )

    def ring(self) -> KeyRing:
        """Its public key."""
        public = RSAKey.import_key(self._key.public_key)
        return KeyRing([VerificationKey(self._kid, (_ALGORITHM,), public, self._kid)])


class LocalKeys:
    """The key of the local issuer; never ages."""

    attention_at = math.inf

    def __init__(self, issuer: LocalIssuer) -> None:
        self.issuer = issuer.name
        self.ring = issuer.ring()

    def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """The key, where the token names it."""
        return self.ring.find(kid, algorithm)

    async def require(self, kid: str | None, algorithm: str) -> PublicKey:
        """The key.

        Raises:
            Refusal: the token names another.
        """
        key = self.ring.find(kid, algorithm)
        if key is None:
            raise Refusal(Reason.UNKNOWN_KID if kid not in self.ring.kids else Reason.WRONG_KEY)
        return key

    def status(self) -> IssuerStatus:
        """Always good."""
        return IssuerStatus(issuer=self.issuer, level="pass", reason="the local issuer serves", keys=1)

    async def reload(self) -> None:
        """Nothing is to be done."""


def _new_content() -> bytes:
    key = RSAKey.generate_key(2048)
    return json.dumps({"issuer": NAME_PREFIX + secrets.token_hex(16), "key": key.as_dict(private=True)}).encode()
