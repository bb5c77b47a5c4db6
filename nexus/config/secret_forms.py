"""The forms in which a secret travels, as one pattern: plain, percent-encoded, escaped, and in base64."""

import base64
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

MIN_LENGTH: Final = 6
"""Shorter values would mask half of every log; `nexus check` warns of them."""

MIN_LINE_LENGTH: Final = 16
"""Lines of a multi-line secret (a PEM key, say) are taken out one by one from this length on."""

_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
"""What no encoding changes (RFC 3986, section 2.3)."""

_NAMED_ESCAPES: Final = {"\b": "b", "\t": "t", "\n": "n", "\f": "f", "\r": "r"}
_ENTITIES: Final = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_RUN: Final = re.compile(r"\\+|.", re.DOTALL)


def forms(value: str) -> Iterator[str]:
    """Gives regular expressions that match every form of `value`, and of each long line of it."""
    yield from _forms(value)
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1:
        for line in lines:
            # The first and last line of a PEM text are the same in everybody's key.
            if len(line) >= MIN_LINE_LENGTH and not line.startswith("-----"):
                yield from _forms(line)


def _forms(value: str) -> Iterator[str]:
    yield "".join(_any_escape(part) for part in _RUN.findall(value))
    raw = raw_bytes(value)
    for offset in range(3):
        yield from _aligned(raw, offset)


@lru_cache(maxsize=1024)
def _any_escape(part: str) -> str:
    """Matches one character, or a run of backslashes, as it is and in every escape it may have met on the way.

    Which characters an encoder escapes differs from one to the next, so each is matched by itself. Quantifiers are
    possessive and no two ways match the same text, so that no text makes the search slow.
    """
    if part in _PLAIN:
        return re.escape(part)
    percent = "".join(f"%(?:25)*{_hex(f'{byte:02x}')}" for byte in raw_bytes(part))
    if part.startswith("\\"):
        return rf"(?:\\{{{len(part)},}}+|{percent})"
    ways = [re.escape(part), percent, rf"\\++{re.escape(part)}"]
    code = ord(part)
    units = part.encode("utf-16-be", "surrogatepass").hex()
    ways.append("".join(rf"\\*+u{_hex(units[at : at + 4])}" for at in range(0, len(units), 4)))
    if code < 0x100:
        ways.append(rf"\\*+x{_hex(f'{code:02x}')}")
    if code >= 0x80:
        # As Python shows bytes: those of UTF-8 one by one.
        ways.append("".join(rf"\\*+x{_hex(f'{byte:02x}')}" for byte in raw_bytes(part)))
    if code > 0xFFFF:
        ways.append(rf"\\*+U{_hex(f'{code:08x}')}")
    if part in _NAMED_ESCAPES:
        ways.append(rf"\\*+{_NAMED_ESCAPES[part]}")
    if part == " ":
        ways.append(r"\+")
    if part in _ENTITIES:
        ways.append(f"&(?:{_ENTITIES[part]}|#0*{code}|#[xX]0*{_hex(f'{code:x}')});")
    return f"(?:{'|'.join(dict.fromkeys(ways))})"


def _hex(digits: str) -> str:
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)


def _aligned(raw: bytes, offset: int) -> Iterator[str]:
    """The characters of base64 that depend on `raw` alone where `offset` bytes stand before it and more may follow."""
    encoded = base64.b64encode(bytes(offset) + raw).decode().rstrip("=")
    # The first characters hold bits of what stands before, the last one bits of what follows.
    start = (0, 2, 3)[offset]
    end = len(encoded) if (offset + len(raw)) % 3 == 0 else len(encoded) - 1
    certain = encoded[start:end]
    if len(certain) >= MIN_LENGTH:
        yield certain.replace("/", "(?:[/_]|%2[Ff])").replace("+", "(?:[+-]|%2[Bb])")


def raw_bytes(value: str) -> bytes:
    """The bytes behind a text; the environment gives what is not UTF-8 as lone surrogates (PEP 383)."""
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")
