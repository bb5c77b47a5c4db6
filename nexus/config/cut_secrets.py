"""Secrets of which a shortened text shows one end: `…` and `...` are where messages and representations are cut."""

import base64
import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import quote, quote_plus

from nexus.config.secret import SECRET_MASK
from nexus.config.secret_forms import MIN_LENGTH, raw_bytes

_CUT: Final = re.compile(r"…|\.{3}")


def mask_cut(text: str, values: Iterable[str]) -> str:
    """Gives the text in which no beginning of a value stands before a cut, and no end of one behind it."""
    forms = [form for value in values for form in _forms(value)]
    pieces = _CUT.split(text)
    shown = pieces[0]
    for cut, piece in zip(_CUT.findall(text), pieces[1:], strict=True):
        before = max((_shared_end(shown, form) for form in forms), default=0)
        behind = max((_shared_start(piece, form) for form in forms), default=0)
        head = shown[: len(shown) - before] + SECRET_MASK if before else shown
        tail = SECRET_MASK + piece[behind:] if behind else piece
        shown = head + cut + tail
    return shown


def _shared_end(text: str, form: str) -> int:
    """The length of the longest beginning of `form` with which `text` ends, 0 where it is too short to tell."""
    lengths = range(min(len(form), len(text)), MIN_LENGTH - 1, -1)
    return next((length for length in lengths if text.endswith(form[:length])), 0)


def _shared_start(text: str, form: str) -> int:
    """The length of the longest end of `form` with which `text` begins, 0 where it is too short to tell."""
    lengths = range(min(len(form), len(text)), MIN_LENGTH - 1, -1)
    return next((length for length in lengths if text.startswith(form[-length:])), 0)


@lru_cache(maxsize=1024)
def _forms(value: str) -> tuple[str, ...]:
    raw = raw_bytes(value)
    encoded = [base64.b64encode(bytes(offset) + raw).decode()[(0, 2, 3)[offset] :] for offset in range(3)]
    texts = [value, " ".join(value.split()), quote(raw), quote(raw, safe=""), quote_plus(raw), repr(value)[1:-1]]
    texts += [json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(raw)[2:-1]]
    texts += [text.rstrip("=") for each in encoded for text in (each, each.replace("+", "-").replace("/", "_"))]
    return tuple(dict.fromkeys(texts))
