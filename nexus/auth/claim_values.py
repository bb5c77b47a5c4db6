"""Typed reading of single claims: a claim of a wrong type refuses the token, it is never converted."""

import math
from collections.abc import Mapping

from nexus.auth.refusal import Reason, Refusal

Claims = Mapping[str, object]

MAX_TIME = 253_402_214_400.0  # 9999-12-31, the last day that Python's calendar has; well below 2**53


def text(claims: Claims, name: str, max_length: int) -> str | None:
    """A claim of 1 to `max_length` printable characters, or None where it is absent.

    Raises:
        Refusal: it is something else.
    """
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= max_length or not value.isprintable():
        raise Refusal(Reason.MALFORMED_CLAIM, name)
    return value


def time(claims: Claims, name: str) -> float | None:
    """A NumericDate (RFC 7519, section 2) as seconds since the epoch, or None where it is absent.

    Raises:
        Refusal: not a finite number from 0 to the year 9999.
    """
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refusal(Reason.MALFORMED_TIME, name)
    if not 0 <= value <= MAX_TIME:
        raise Refusal(Reason.MALFORMED_TIME, name)
    return float(value)


def texts(claims: Claims, name: str) -> list[str] | None:
    """A list of texts, or None where the claim is absent.

    Raises:
        Refusal: it is something else.
    """
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Refusal(Reason.MALFORMED_CLAIM, name)
    return value


def scopes(claims: Claims, name: str, *, lists: bool = True) -> list[str] | None:
    """The scope tokens (RFC 6749, section 3.3) of a claim: a text separated by spaces, or a list of texts.

    Raises:
        Refusal: it is something else, or a list where `lists` is false.
    """
    value = claims.get(name)
    if isinstance(value, str):
        return [token for token in value.split(" ") if token]
    if isinstance(value, list) and not lists:
        raise Refusal(Reason.MALFORMED_CLAIM, name)
    return texts(claims, name)
