"""The keys of one issuer at one time: immutable, found by key id and algorithm."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from joserfc.jwk import ECKey, OKPKey, RSAKey

PublicKey = RSAKey | ECKey | OKPKey

# Which algorithms a key of a type and curve may verify (RFC 7518, section 3.1; RFC 8037, section 3.1; RFC 9864).
ALGORITHMS_BY_KIND: Mapping[tuple[str, str | None], tuple[str, ...]] = MappingProxyType(
    {
        ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        ("EC", "P-256"): ("ES256",),
        ("EC", "P-384"): ("ES384",),
        ("EC", "P-521"): ("ES512",),
        ("OKP", "Ed25519"): ("EdDSA", "Ed25519"),
    }
)


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key that passed all checks, and the algorithms it may verify for its issuer."""

    kid: str | None
    algorithms: tuple[str, ...]
    public: PublicKey
    thumbprint: str


class KeyRing:
    """A frozen set of usable keys.

    Attributes:
        kids: ids of the keys, for status; keys without an id are not in it.
        fingerprint: equal for two rings exactly when they decide alike.
    """

    __slots__ = ("_by_kid_and_algorithm", "_only", "fingerprint", "kids", "size")

    def __init__(self, keys: Iterable[VerificationKey]) -> None:
        found = tuple(keys)
        self._by_kid_and_algorithm = {
            (key.kid, algorithm): key for key in found if key.kid is not None for algorithm in key.algorithms
        }
        self._only = found[0] if len(found) == 1 else None
        self.kids = frozenset(key.kid for key in found if key.kid is not None)
        self.size = len(found)
        facts = sorted(repr((key.kid, key.algorithms, key.thumbprint)) for key in found)
        self.fingerprint = hashlib.sha256("\n".join(facts).encode()).hexdigest()

    def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """The key for a token's header, or None; without a key id only where the ring has a single key."""
        if kid is None:
            only = self._only
            return only.public if only is not None and algorithm in only.algorithms else None
        key = self._by_kid_and_algorithm.get((kid, algorithm))
        return key.public if key is not None else None
