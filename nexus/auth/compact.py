"""Reading of a compact JWS (RFC 7515, section 7.1) up to the signature: form, sizes, header rules.

joserfc's own `extract_compact` is not used: its JSON reader takes duplicate members, and some headers make it raise
`TypeError` or `RecursionError`.
"""

import binascii
import re
from dataclasses import dataclass

from nexus.auth import strict_json
from nexus.auth.refusal import Reason, Refusal

# RSASSA with 16384 bits, the longest that the settings allow, is 2731 characters.
_MAX_SIGNATURE = 2736
_SEGMENTS = re.compile(r"([A-Za-z0-9_-]++)\.([A-Za-z0-9_-]++)\.([A-Za-z0-9_-]++)", re.ASCII)
_URLSAFE = bytes.maketrans(b"-_", b"+/")
# A last character may only carry bits that belong to a whole byte, or one token would have several spellings.
_LAST_OF_TWO = frozenset("AQgw")
_LAST_OF_THREE = frozenset("AEIMQUYcgkosw048")
# Members that only an encrypted or detached token has (RFC 7516, RFC 7518 section 4, RFC 7797).
_ENCRYPTION_MEMBERS = frozenset({"enc", "zip", "epk", "apu", "apv", "p2s", "p2c", "iv", "tag"})


@dataclass(frozen=True, slots=True)
class Header:
    """The members of the protected header that are used; `jwk`, `jku`, `x5u` and `x5c` are not among them."""

    algorithm: str
    kid: str | None
    type: str | None


@dataclass(frozen=True, slots=True)
class Compact:
    """A token in its parts: still of unknown origin."""

    header: Header
    claims: dict[str, object]
    header_segment: str
    payload_segment: str
    signature_segment: str

    @property
    def token(self) -> str:
        """The text that was read."""
        return f"{self.header_segment}.{self.payload_segment}.{self.signature_segment}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBounds:
    """How much a token may be; each is a setting of `[global.auth]`, which tells its unit."""

    max_token_bytes: int = 8192
    max_header_bytes: int = 2048
    max_json_depth: int = strict_json.MAX_DEPTH
    max_integer_digits: int = strict_json.MAX_INTEGER_DIGITS
    max_kid_length: int = 256


def parse_compact(token: str, bounds: TokenBounds) -> Compact | Refusal:
    """The parts of a compact JWS whose payload is a JSON object.

    Returns:
        A refusal where it is not one, is too long, or its header asks for what is not understood. It is not raised,
        since what is most of a flood costs less to read than an exception does on its way up.
    """
    if len(token) > bounds.max_token_bytes:
        return Refusal(Reason.TOO_LONG)
    match = _SEGMENTS.fullmatch(token)
    if match is None:
        return Refusal(Reason.NOT_COMPACT_JWS)
    try:
        return _parse(match, bounds)
    except Refusal as refusal:
        return refusal


def _parse(match: re.Match[str], bounds: TokenBounds) -> Compact:
    header_segment, payload_segment, signature_segment = match.groups()
    if len(header_segment) > bounds.max_header_bytes or len(signature_segment) > _MAX_SIGNATURE:
        raise Refusal(Reason.TOO_LONG, "header or signature")
    try:
        header = _object(header_segment, bounds)
    except (ValueError, strict_json.MalformedJson):
        raise Refusal(Reason.MALFORMED_HEADER) from None
    checked = check_header(header, max_kid_length=bounds.max_kid_length)
    try:
        claims = _object(payload_segment, bounds)
    except (ValueError, strict_json.MalformedJson):
        raise Refusal(Reason.MALFORMED_CLAIMS) from None
    return Compact(checked, claims, header_segment, payload_segment, signature_segment)


def _object(segment: str, bounds: TokenBounds) -> dict[str, object]:
    return strict_json.parse_object(
        decode_base64url(segment),
        max_bytes=bounds.max_token_bytes,
        max_depth=bounds.max_json_depth,
        max_digits=bounds.max_integer_digits,
    )


def check_header(header: dict[str, object], *, max_kid_length: int) -> Header:
    """The used members of a protected header; unknown members are ignored (RFC 7515, section 4).

    Raises:
        Refusal: a wrong type, an extension that must be understood, or a nested or encrypted token.
    """
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or not algorithm:
        raise Refusal(Reason.WRONG_ALGORITHM, "alg")
    # No extension is understood, so any `crit` is a refusal (RFC 7515, section 4.1.11); an empty one is malformed.
    if "crit" in header or "b64" in header:
        raise Refusal(Reason.CRITICAL_HEADER)
    if not _ENCRYPTION_MEMBERS.isdisjoint(header):
        raise Refusal(Reason.ENCRYPTED)
    content_type = header.get("cty", "")
    if not isinstance(content_type, str) or content_type.lower() in {"jwt", "application/jwt"}:
        raise Refusal(Reason.NESTED)
    kid = header.get("kid")
    if "kid" in header and not (isinstance(kid, str) and 0 < len(kid) <= max_kid_length):
        raise Refusal(Reason.MALFORMED_KID)
    token_type = header.get("typ")
    if "typ" in header and not isinstance(token_type, str):
        raise Refusal(Reason.WRONG_TYPE, "typ")
    return Header(algorithm, kid if isinstance(kid, str) else None, token_type if isinstance(token_type, str) else None)


def decode_base64url(segment: str) -> bytes:
    """The bytes of a base64url text without padding (RFC 7515, section 2), in its only spelling.

    Raises:
        ValueError: another spelling, or not base64url.
    """
    rest = len(segment) % 4
    if rest:
        if rest == 1 or segment[-1] not in (_LAST_OF_TWO if rest == 2 else _LAST_OF_THREE):
            raise ValueError("not base64url")
        segment += "=="[: 4 - rest]
    return binascii.a2b_base64(segment.encode("ascii").translate(_URLSAFE), strict_mode=True)
