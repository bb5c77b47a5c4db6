"""Where a configured value comes from, and how its place in the tree is written."""

import json
import re
from dataclasses import dataclass
from typing import Final, Literal

Path = tuple[str | int, ...]
"""Keys and array indices from the root of the configuration."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_PART: Final = re.compile(rf'\.?(?:\[(?P<index>\d+)\]|(?P<bare>{_BARE.pattern})|(?P<quoted>"(?:\\.|[^"\\])*"))')


@dataclass(frozen=True, slots=True)
class Origin:
    """The place that gave a value.

    Attributes:
        kind: what kind of place.
        source: the file as it was named, the variable, or the flag; empty for a default.
        line: counted from 1; None where a place has no lines.
    """

    kind: Literal["default", "file", "env", "flag"]
    source: str = ""
    line: int | None = None

    def __str__(self) -> str:
        if self.kind == "default":
            return "default"
        if self.kind == "file":
            return self.source if self.line is None else f"{self.source}:{self.line}"
        return f"{self.kind} {self.source}" if self.kind == "env" else f"flag {self.source}"


DEFAULT: Final = Origin("default")


def dotted(path: Path) -> str:
    """Gives a path as `modules.hello.jobs[0].schedule`; a key that TOML would quote is quoted, on one line."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{_key(part)}"
    return text.removeprefix(".")


def undotted(text: str) -> Path:
    """Gives the path that `dotted` wrote."""
    return tuple(
        int(found["index"]) if found["index"] else found["bare"] or json.loads(found["quoted"])
        for found in _PART.finditer(text)
    )


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=not key.isprintable())


def plain_key(key: str) -> str:
    """Gives a key without what spellings differ in: case, hyphens and underscores."""
    return key.lower().replace("-", "").replace("_", "")
