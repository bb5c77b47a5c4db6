"""The fenced blocks of the documentation, and what their info strings say about running them.

A block's info string is its language and then words: `file=PATH` writes it there first, `append` adds it to that file,
`answers=PATH` says which resource of a host answers like this (to `GET`, or to the `method=METHOD` and `body=TEXT`
that stand beside it; with 200, or with `status=NUMBER`), `state=WORD` where a module does not come to run, and
`norun=REASON` says who runs it instead. Languages of `SHOWN` are read by people only.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SHOWN = frozenset({"text"})
RUN = frozenset({"toml", "python", "console", "json", "yaml"})

PAGES = sorted(
    [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "modules").glob("*/README.md")],
    key=lambda page: str(page.relative_to(ROOT)),
)
_FENCE = re.compile(
    r"^(?P<indent> *)(?P<mark>`{3,})(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=indent)(?P=mark)$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block.

    Attributes:
        page: where it stands.
        line: of its opening fence.
        language: the first word of its info string; empty where it has none.
        words: the further ones; a word without `=` has an empty value.
        text: what it holds, without the indentation of its fence.
    """

    page: Path
    line: int
    language: str
    words: dict[str, str] = field(default_factory=dict)
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """Gives the blocks of a page in their order."""
    return list(_blocks(page))


def prose(page: Path) -> str:
    """Gives a page without its blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def _blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        language, *words = shlex.split(found["info"]) or [""]
        indent = len(found["indent"])
        yield Block(
            page=page,
            line=text.count("\n", 0, found.start()) + 1,
            language=language,
            words=dict(word.partition("=")[::2] for word in words),
            text="".join(line[indent:] for line in found["body"].splitlines(keepends=True)),
        )
