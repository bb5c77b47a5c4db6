"""The one JSON reader for all that outsiders send: token headers, claims, key sets, issuer metadata.

Stricter than `json.loads` where two readers could understand a text differently (RFC 8259, section 4; RFC 7493):
UTF-8 without a byte order mark, no member twice, no NaN or Infinity, no lone surrogate, bounded depth and size.
"""

import json
import math
import re
from functools import cache

from nexus.spec.errors import NexusError

MAX_DEPTH = 16
MAX_INTEGER_DIGITS = 20  # what 64 bits need, with a sign; longer numbers cost quadratic time and mean nothing here

# A string that never ends is taken to the end of the text: looking for its end from each of its quotes anew would cost
# quadratic time, before any signature is looked at.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


class MalformedJson(NexusError):
    """The text is not JSON as everybody reads it; the message tells the rule, never the text."""


def parse(data: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH, max_digits: int = MAX_INTEGER_DIGITS) -> object:
    """The value that the bytes describe.

    Raises:
        MalformedJson: too long, too deep, not UTF-8, not JSON, or ambiguous.
    """
    if len(data) > max_bytes:
        raise MalformedJson(f"the JSON text is longer than {max_bytes} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedJson("the JSON text is not UTF-8") from None
    if text.count("[") + text.count("{") > max_depth:
        _check_depth(text, max_depth)
    try:
        value: object = _decoder(max_digits).decode(text)
    except (ValueError, RecursionError):
        raise MalformedJson("the text is not JSON") from None
    if "\\u" in text:
        _check_surrogates(value)
    return value


def parse_object(
    data: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH, max_digits: int = MAX_INTEGER_DIGITS
) -> dict[str, object]:
    """As `parse`, for a text that must be a JSON object.

    Raises:
        MalformedJson: as `parse`, or the value is not an object.
    """
    value = parse(data, max_bytes=max_bytes, max_depth=max_depth, max_digits=max_digits)
    if not isinstance(value, dict):
        raise MalformedJson("the JSON text is not an object")
    return value


def _check_depth(text: str, max_depth: int) -> None:
    # Before parsing, because the parser recurses. Up to the first syntax error strings are cut out exactly as the
    # parser would read them, so the parser never gets deeper than what is counted here.
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub("", text)):
        depth += 1 if bracket.group() in "[{" else -1
        if depth > max_depth:
            raise MalformedJson(f"the JSON text is nested deeper than {max_depth} levels")


def _check_surrogates(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise MalformedJson("the JSON text has half of a surrogate pair") from None


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson("a member of a JSON object is there twice")
    return members


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise MalformedJson("a number is too large")
    return number


def _constant(name: str) -> object:
    raise MalformedJson(f"{name} is not a JSON number")


@cache
def _decoder(max_digits: int) -> json.JSONDecoder:
    def integer(digits: str) -> int:
        if len(digits) > max_digits:
            raise MalformedJson("an integer is too large")
        return int(digits)

    return json.JSONDecoder(object_pairs_hook=_members, parse_int=integer, parse_float=_float, parse_constant=_constant)
