"""Verified claims kept for a while, so that a token that comes again costs a hash instead of a signature.

Keyed by SHA-256 under a salt of the process, so neither tokens nor their hashes as others know them are in memory.
An entry speaks only while nothing that the decision rested on has changed: same keys, no fetch due, and the clock
within the token's validity. In every other case it gives nothing and the verifier decides, so the cache never changes
a decision.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable

from nexus.auth.counters import Counters
from nexus.auth.verifier import VerifiedClaims
from nexus.spec.principal import Principal


class ClaimsCache:
    """A bounded map from tokens to verified claims, least recently used out first; refusals are never kept."""

    __slots__ = ("_counters", "_entries", "_max_entries", "_monotonic", "_salted", "_wall")

    def __init__(
        self,
        counters: Counters,
        *,
        max_entries: int,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._counters = counters
        self._entries: OrderedDict[bytes, VerifiedClaims] = OrderedDict()
        self._max_entries = max_entries
        self._wall = wall
        self._monotonic = monotonic
        self._salted = hashlib.sha256(secrets.token_bytes(64))

    def __len__(self) -> int:
        return len(self._entries)

    def principal(self, token: str) -> Principal | None:
        """Whom a token was verified for, where the verifier would find the same now; counted."""
        key = self._key(token)
        claims = self._entries.get(key)
        if claims is None:
            return None
        keys = claims.keys
        if claims.ring is not keys.ring:
            del self._entries[key]
            return None
        if not claims.valid_from <= self._wall() < claims.valid_until or self._monotonic() >= keys.attention_at:
            return None
        self._entries.move_to_end(key)
        self._counters.cached += 1
        return claims.principal

    def put(self, token: str, claims: VerifiedClaims) -> None:
        """Keeps what was verified."""
        if self._max_entries < 1:
            return
        self._entries[self._key(token)] = claims
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forgets all."""
        self._entries.clear()

    def _key(self, token: str) -> bytes:
        hashed = self._salted.copy()
        hashed.update(token.encode("utf-8", "surrogatepass"))
        return hashed.digest()
