"""On which line of a TOML text each key stands; the standard library's parser does not tell.

The scanner reads texts that `tomllib` has accepted (TOML 1.0), so it looks for structure only and never for mistakes.
"""

import re
from typing import Final

from nexus.config.origin import Path

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_STRINGS: Final = (
    re.compile(r'"""(?:\\.|[^\\])*?"""{1,3}(?!")', re.DOTALL),
    re.compile(r"'''.*?'''{1,3}(?!')", re.DOTALL),
    re.compile(r'"(?:\\.|[^"\\\n])*"'),
    re.compile(r"'[^'\n]*'"),
)
_SCALAR: Final = re.compile(r"[^,\]}#\n]*")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_ESCAPED: Final = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}


def line_index(text: str) -> dict[Path, int]:
    """Gives the line, counted from 1, of every table, key and array element of a valid TOML text."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}
        self._counted_to = 0
        self._line = 1

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text.startswith("[[", self._at):
                table = self._header(2, is_array=True)
            elif self._text[self._at] == "[":
                table = self._header(1, is_array=False)
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self._lines

    def _header(self, brackets: int, *, is_array: bool) -> Path:
        line = self._line_here()
        self._at += brackets
        keys = self._keys()
        self._at += brackets
        path: Path = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            is_last = position == len(keys) - 1
            self._lines.setdefault(path, line)
            if is_last and is_array:
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = (*path, self._counts[path])
            if is_last:
                self._lines[path] = line
        return path

    def _pair(self, table: Path) -> None:
        line = self._line_here()
        path = table
        for key in self._keys():
            path = (*path, key)
            self._lines.setdefault(path, line)
        self._lines[path] = line
        self._skip(_SPACE)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._at >= len(self._text):
            return
        first = self._text[self._at]
        if first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        elif first in "\"'":
            self._string()
        else:
            self._skip(_SCALAR)

    def _array(self, path: Path) -> None:
        self._at += 1
        index = 0
        while True:
            self._skip(_BLANK)
            if self._text[self._at] == "]":
                self._at += 1
                return
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._lines[(*path, index)] = self._line_here()
            self._value((*path, index))
            index += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while True:
            self._skip(_BLANK)
            if self._text[self._at] == "}":
                self._at += 1
                return
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._pair(path)

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(_SPACE)
            if self._text[self._at] in "\"'":
                keys.append(_unquoted(self._string()))
            else:
                found = _BARE_KEY.match(self._text, self._at)
                keys.append(found[0] if found else "")
                self._at += len(keys[-1])
            self._skip(_SPACE)
            if self._at >= len(self._text) or self._text[self._at] != ".":
                return keys
            self._at += 1

    def _string(self) -> str:
        for pattern in _STRINGS:
            found = pattern.match(self._text, self._at)
            if found:
                self._at = found.end()
                return found[0]
        # Not valid TOML: step on, so that the scan ends whatever it is given.
        self._at += 1
        return ""

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted_to, self._at)
        self._counted_to = self._at
        return self._line


def _unquoted(string: str) -> str:
    if string.startswith("'"):
        return string[1:-1]
    return _ESCAPE.sub(
        lambda found: chr(int(found[1] or found[2], 16)) if found[1] or found[2] else _ESCAPED.get(found[3], found[3]),
        string[1:-1],
    )
