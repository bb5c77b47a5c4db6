"""Taking every known secret out of what leaves the host: log records, API bodies, error texts, job results."""

import logging
import re
import threading
from collections.abc import Callable
from itertools import count
from typing import Final

from nexus.config.cut_secrets import mask_cut
from nexus.config.secret import SECRET_MASK
from nexus.config.secret_forms import MIN_LENGTH, forms

_STANDARD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

_ROUNDS: Final = 4
"""What a mask leaves beside it may read as a further secret, where secrets begin and end with backslashes."""

_LOOK_BACK: Final = 64
_OPEN_ESCAPE: Final = re.compile(r"(?<!\\)(?:\\\\)*\\(?:u(?P<digits>[0-9A-Fa-f]{0,3}))?\Z")
"""The beginning of an escape of JSON (RFC 8259, section 7) that is not whole where the text ends."""
_BACKSLASHES_AT_END: Final = re.compile(r"\\*\Z")


class Scrubber:
    """Knows every secret that was resolved, and replaces it by `******` wherever it occurs.

    A value is known in the forms it travels in: as it is, percent-encoded, escaped for JSON or HTML, and in base64 at
    all three alignments, so also inside a larger encoded text such as `user:password`. Safe to use from any thread.
    """

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._known: tuple[str, ...] = ()
        self._pattern: re.Pattern[str] | None = None
        self._is_stale = False
        self._lock = threading.Lock()

    def register(self, value: str) -> bool:
        """Makes a value known; False where it is too short to be told from other text."""
        if len(value) < MIN_LENGTH:
            return False
        with self._lock:
            if value not in self._values:
                self._values.add(value)
                self._is_stale = True
        return True

    def scrub(self, text: str) -> str:
        """Gives the text without any known secret, and without the part of one that was cut."""
        pattern = self._compiled()
        if pattern is None:
            return text
        for _ in range(_ROUNDS):
            text, masked = pattern.subn(_mask, text)
            if not masked:
                break
        return mask_cut(text, self._known) if "…" in text or "..." in text else text

    def scrub_data(self, data: object) -> object:
        """Gives JSON-like data of the same shape whose texts, keys and numbers included, hold no known secret.

        What JSON has no type for is given back as it is.
        """
        return data if self._compiled() is None else self._scrubbed(data, lambda other: other)

    def scrub_all(self, data: object) -> object:
        """Does as `scrub_data`, and turns what JSON has no type for into its scrubbed text."""
        return self._scrubbed(data, lambda other: self.scrub(str(other)))

    def _scrubbed(self, data: object, otherwise: Callable[[object], object]) -> object:
        if data is None or isinstance(data, bool):
            return data
        if isinstance(data, str):
            return self.scrub(data)
        if isinstance(data, dict):
            return self._scrubbed_table(data, otherwise)
        if isinstance(data, list | tuple):
            return [self._scrubbed(value, otherwise) for value in data]
        if isinstance(data, int | float):
            shown = repr(data)
            scrubbed = self.scrub(shown)
            return data if scrubbed == shown else scrubbed
        return otherwise(data)

    def _scrubbed_table(
        self, data: dict[object, object], otherwise: Callable[[object], object]
    ) -> dict[object, object]:
        clean: dict[object, object] = {}
        for key, value in data.items():
            shown = self._scrubbed(key, otherwise)
            # A key of several values, say, is an array after scrubbing, which no table takes as a key.
            shown = shown if shown is None or isinstance(shown, str | int | float) else self.scrub(str(shown))
            if shown in clean:
                # Two keys that held secrets are still two.
                shown = next(f"{shown} {number}" for number in count(2) if f"{shown} {number}" not in clean)
            clean[shown] = self._scrubbed(value, otherwise)
        return clean

    def _compiled(self) -> re.Pattern[str] | None:
        if self._is_stale:
            with self._lock:
                # A longer secret may begin with a shorter one, and would be masked only in part after it.
                longest_first = sorted(self._values, key=lambda value: (-len(value), value))
                patterns = dict.fromkeys(form for value in longest_first for form in forms(value))
                self._pattern = re.compile("|".join(patterns))
                self._known = tuple(longest_first)
                self._is_stale = False
        return self._pattern


def _mask(found: re.Match[str]) -> str:
    """Masks a match so that a text that is JSON stays JSON where the match begins or ends within an escape."""
    text, start = found.string, found.start()
    opened = _OPEN_ESCAPE.search(text, max(0, start - _LOOK_BACK), start)
    before = ""
    if opened:
        digits = opened["digits"]
        before = "\\" if digits is None else "0" * (4 - len(digits))
    is_open_ended = len(_BACKSLASHES_AT_END.search(found[0])[0]) % 2  # type: ignore[index]  # it matches any text
    return before + SECRET_MASK + "\\" * is_open_ended


class ScrubbingFilter(logging.Filter):
    """Scrubs a record where it is written: message, arguments, traceback and every extra field.

    It belongs on the handler, so that records of every logger, a library's too, pass it.
    """

    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__()
        self._scrubber = scrubber

    def filter(self, record: logging.LogRecord) -> bool:
        """Scrubs the record itself, so that no handler after this one shows more; never drops it, never raises."""
        record.name = self._scrubber.scrub(record.name)
        record.msg, record.args = self._scrubber.scrub(_message(record)), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_info = None
        record.exc_text = self._scrubber.scrub(record.exc_text) if record.exc_text else None
        record.stack_info = self._scrubber.scrub(record.stack_info) if record.stack_info else None
        for name, value in list(vars(record).items()):
            if name not in _STANDARD_FIELDS:
                delattr(record, name)
                setattr(record, self._scrubber.scrub(name), self._field(value))
        return True

    def _field(self, value: object) -> object:
        try:
            return self._scrubber.scrub_all(value)
        except Exception as error:  # noqa: BLE001 - a stranger's value, turned into text by a stranger's code
            return f"(a {type(value).__name__} that cannot be shown: {type(error).__name__})"


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - a stranger's arguments, formatted by a stranger's code
        shown = record.msg if isinstance(record.msg, str) else f"a {type(record.msg).__name__}"
        return f"{shown} (its arguments could not be formatted: {type(error).__name__})"
