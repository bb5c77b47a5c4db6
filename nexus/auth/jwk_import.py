"""From a JSON Web Key Set (RFC 7517) to a key ring, key by key: one bad key never costs the others.

What is weak, secret, meant for something else or ambiguous is left out, with a warning that names its key id.
"""

import binascii
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, thumbprint

from nexus.auth.compact import decode_base64url
from nexus.auth.key_ring import ALGORITHMS_BY_KIND, KeyRing, PublicKey, VerificationKey
from nexus.auth.weak_rsa import DEFAULT_BOUNDS, RsaBounds, find_weakness
from nexus.spec.errors import NexusError

_SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_MAX_WARNINGS = 20
_MAX_COORDINATE = 88  # base64url characters of 66 bytes, a coordinate on P-521


class UnusableKeySet(NexusError):
    """The document is no key set, is too large, or has no key that may be used."""


@dataclass(frozen=True, slots=True)
class ImportedKeys:
    """A ring with at least one key, and a sentence for each key that was left out (at most 20)."""

    ring: KeyRing
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBounds:
    """How much a key set may be.

    Attributes:
        max_keys: of one set; a longer one is refused.
        max_kid_length: characters of a key id.
        rsa: bits of an RSA key.
    """

    max_keys: int = 100
    max_kid_length: int = 256
    rsa: RsaBounds = DEFAULT_BOUNDS


class _Skipped(Exception):
    """Why one key is left out."""


def import_keys(document: object, *, algorithms: Collection[str], bounds: KeyBounds) -> ImportedKeys:
    """The usable keys of a parsed key set, for the algorithms that the issuer is allowed.

    Raises:
        UnusableKeySet: nothing in it may be used, or it is no key set.
    """
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise UnusableKeySet("the key set is not an object with a list named keys")
    if len(entries) > bounds.max_keys:
        raise UnusableKeySet(f"the key set has {len(entries)} keys, more than the {bounds.max_keys} allowed")
    warnings: list[str] = []
    keys: list[VerificationKey] = []
    for entry in entries:
        try:
            keys.append(_import_key(entry, algorithms, bounds))
        except _Skipped as skipped:
            warnings.append(f"key {_shown_kid(entry)} is left out: {skipped}")
    usable = _without_ambiguous(keys, warnings)
    if not usable:
        raise UnusableKeySet("; ".join(["the key set has no usable key", *warnings[:3]]))
    return ImportedKeys(KeyRing(usable), tuple(warnings[:_MAX_WARNINGS]))


def _import_key(entry: object, algorithms: Collection[str], bounds: KeyBounds) -> VerificationKey:
    if not isinstance(entry, dict):
        raise _Skipped("it is not an object")
    _check_purpose(entry)
    kid = entry.get("kid")
    if "kid" in entry and not (isinstance(kid, str) and 0 < len(kid) <= bounds.max_kid_length):
        raise _Skipped(f"its kid is not a text of 1 to {bounds.max_kid_length} characters")
    kind = (_text(entry, "kty"), None if entry["kty"] == "RSA" else _text(entry, "crv"))
    able = ALGORITHMS_BY_KIND.get(kind, ())
    if not able:
        raise _Skipped("its type or curve is not one for signatures that are verified here")
    declared = entry.get("alg", able[0])
    if not isinstance(declared, str) or declared not in able:
        raise _Skipped("its alg does not fit its type or curve")
    usable = tuple(name for name in ((declared,) if "alg" in entry else able) if name in algorithms)
    if not usable:
        raise _Skipped("its algorithms are not among those allowed for the issuer")
    public = _import_public(kind[0], entry, bounds.rsa)
    return VerificationKey(kid if isinstance(kid, str) else None, usable, public, thumbprint(public.as_dict()))


def _check_purpose(entry: dict[str, object]) -> None:
    if entry.get("kty") == "oct":
        raise _Skipped("it is symmetric")
    if not _SECRET_MEMBERS.isdisjoint(entry):
        raise _Skipped("its private part is published, so it must be replaced")
    if entry.get("use", "sig") != "sig":
        raise _Skipped("its use is not sig")
    operations = entry.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise _Skipped("its key_ops do not name verify")


def _import_public(kty: str, entry: dict[str, object], rsa: RsaBounds) -> PublicKey:
    # Only the members that make the key are handed on, so that nothing else can change what is imported.
    try:
        if kty == "RSA":
            return _import_rsa(_text(entry, "n"), _text(entry, "e"), rsa)
        names = ("crv", "x", "y") if kty == "EC" else ("crv", "x")
        material = {name: _text(entry, name) for name in names}
        if any(len(text) > _MAX_COORDINATE for text in material.values()):
            raise _Skipped("a coordinate is too long")
        importer = ECKey if kty == "EC" else OKPKey
        return importer.import_key({"kty": kty, **material})
    except (JoseError, ValueError, TypeError, KeyError, OverflowError, binascii.Error):
        raise _Skipped("its numbers are malformed") from None


def _import_rsa(modulus: str, exponent: str, bounds: RsaBounds) -> PublicKey:
    if len(modulus) > bounds.max_bits // 4 or len(exponent) > bounds.max_exponent_bits // 2:
        raise _Skipped("its numbers are too long")
    weakness = find_weakness(_number(modulus), _number(exponent), bounds)
    if weakness:
        raise _Skipped(weakness)
    return RSAKey.import_key({"kty": "RSA", "n": modulus, "e": exponent})


def _number(text: str) -> int:
    return int.from_bytes(decode_base64url(text), "big")


def _text(entry: dict[str, object], name: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value or not value.isascii():
        raise _Skipped(f"its {name} is missing or not a text")
    return value


def _without_ambiguous(keys: list[VerificationKey], warnings: list[str]) -> list[VerificationKey]:
    """Keys without those that share id and type with a different one: nobody can tell which is meant."""
    groups: defaultdict[tuple[str | None, str], list[VerificationKey]] = defaultdict(list)
    for key in keys:
        groups[key.kid, key.public.key_type].append(key)
    usable: list[VerificationKey] = []
    for (kid, _), group in groups.items():
        if kid is None or len(group) == 1:
            usable.extend(group)
        elif len({(key.thumbprint, key.algorithms) for key in group}) == 1:
            usable.append(group[0])
        else:
            warnings.append(f"key {_shown(kid)} is left out: several keys of one type have this kid")
    return usable


def _shown_kid(entry: object) -> str:
    kid = entry.get("kid") if isinstance(entry, dict) else None
    return _shown(kid) if isinstance(kid, str) else "without kid"


def _shown(kid: str) -> str:
    """A key id fit for one line of a log: ASCII, quoted, cut."""
    return ascii(kid[:64])
