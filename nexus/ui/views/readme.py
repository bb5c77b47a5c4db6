"""A module's README, read as blocks of text that a template can show; Markdown in the small, and no HTML."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

_MAX_BYTES: Final = 65_536
"""Bytes of a README that are shown."""

_HEADING: Final = re.compile(r"(#{1,6})\s+(.*?)\s*#*")
_ITEM: Final = re.compile(r"\s{0,3}(?:[-*+]|\d{1,3}[.)])\s+(.*)")
_SPAN: Final = re.compile(r"`([^`\n]+)`|\*\*([^*\n]+)\*\*|\[([^\]\n]*)\]\(([^()\s]*)\)")


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a line; `link` is an address of the web, or empty."""

    kind: Literal["text", "code", "strong", "link"]
    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a README.

    Attributes:
        kind: what it is.
        lines: spans of its lines, its items or its rows' cells; of `code`, one span a line.
        level: of a heading.
    """

    kind: Literal["heading", "paragraph", "list", "code", "table"]
    lines: tuple[tuple[Span, ...], ...]
    level: int = 0


def read_readme(path: Path | None) -> tuple[Block, ...]:
    """Gives the blocks of the file; none where it is missing or cannot be read. Blocks."""
    if path is None:
        return ()
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ()
    return parse_readme(text)


def parse_readme(text: str) -> tuple[Block, ...]:
    """Gives the blocks of a README's text."""
    blocks: list[Block] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            at += 1
        elif line.lstrip().startswith("```"):
            at, block = _fence(lines, at)
            blocks.append(block)
        elif found := _HEADING.fullmatch(line):
            blocks.append(Block("heading", (spans(found[2]),), len(found[1])))
            at += 1
        else:
            at, block = _text(lines, at)
            blocks.append(block)
    return tuple(blocks)


def spans(line: str) -> tuple[Span, ...]:
    """Gives the parts of a line: code, emphasis and links to the web; any other link is its text."""
    found: list[Span] = []
    at = 0
    for match in _SPAN.finditer(line):
        if match.start() > at:
            found.append(Span("text", line[at : match.start()]))
        code, strong, label, link = match.groups()
        if code is not None:
            found.append(Span("code", code))
        elif strong is not None:
            found.append(Span("strong", strong))
        elif link.startswith(("https://", "http://")):
            found.append(Span("link", label or link, link))
        else:
            found.append(Span("text", label))
        at = match.end()
    if at < len(line):
        found.append(Span("text", line[at:]))
    return tuple(found)


def _fence(lines: list[str], at: int) -> tuple[int, Block]:
    end = at + 1
    while end < len(lines) and not lines[end].lstrip().startswith("```"):
        end += 1
    return end + 1, Block("code", tuple((Span("code", line),) for line in lines[at + 1 : end]))


def _text(lines: list[str], at: int) -> tuple[int, Block]:
    end = at
    while end < len(lines) and lines[end].strip() and not lines[end].lstrip().startswith("```"):
        if end > at and _HEADING.fullmatch(lines[end]):
            break
        end += 1
    part = lines[at:end]
    if part[0].lstrip().startswith("|"):
        return end, _table(part)
    if _ITEM.fullmatch(part[0]):
        return end, _list(part)
    return end, Block("paragraph", (spans(" ".join(line.strip() for line in part)),))


def _list(lines: list[str]) -> Block:
    items: list[str] = []
    for line in lines:
        item = _ITEM.fullmatch(line)
        if item:
            items.append(item[1])
        else:
            items[-1] += " " + line.strip()
    return Block("list", tuple(spans(item) for item in items))


def _table(lines: list[str]) -> Block:
    rows = [line.strip().strip("|").split("|") for line in lines if not re.fullmatch(r"[\s|:-]+", line)]
    # Cells are parted by a span of their own, so that a table is lines of spans like every other block.
    return Block("table", tuple(tuple(Span("text", cell.strip().replace("`", "")) for cell in row) for row in rows))
