"""Writing to the terminal: data to stdout, messages to stderr, nothing that could steer the terminal."""

import json
import re
import shutil
import sys
from collections.abc import Sequence
from typing import Final

import click

from nexus.config.problem import Problem

_STEERING: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters and those that turn the direction of text: a module's words must not forge lines or colours."""

_UNSURE: Final = ("degraded", "retrying", "blocked", "warn", "warning", "unknown", "paused", "cancelled", "skipped")
_BAD: Final = ("failed", "invalid_config", "not_found", "incompatible", "fail", "fails", "error", "timed_out", "lost")
_COLOURS: Final = {
    **dict.fromkeys(("running", "pass", "holds", "starting", "would start", "ok", "succeeded"), "green"),
    **dict.fromkeys(_UNSURE, "yellow"),
    **dict.fromkeys(_BAD, "red"),
}


def emit(text: str = "") -> None:
    """Writes a line of data to stdout."""
    click.echo(text)


def emit_json(value: object) -> None:
    """Writes data as indented JSON to stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def say(text: str) -> None:
    """Writes a line for the reader to stderr."""
    click.echo(plain(text, lines=True), err=True)


class ChangingLine:
    """A line on stderr that changes: rewritten on a terminal, elsewhere written anew for each change."""

    def __init__(self) -> None:
        self.is_rewritten = sys.stderr.isatty()
        self._shown = ""

    def show(self, text: str) -> None:
        """Writes the line where it differs from what is there."""
        text = plain(text)
        if self.is_rewritten:
            # Blanks instead of an escape sequence: they clear the rest of the line on any terminal.
            text = text[: shutil.get_terminal_size().columns - 1]
            click.echo("\r" + text.ljust(len(self._shown)), nl=False, err=True)
        elif text != self._shown:
            click.echo(text, err=True)
        self._shown = text

    def clear(self) -> None:
        """Leaves an empty line on a terminal, for what is written next."""
        if self.is_rewritten and self._shown:
            click.echo("\r" + " " * len(self._shown) + "\r", nl=False, err=True)
        self._shown = ""


def plain(value: object, *, lines: bool = False) -> str:
    """Gives a text whose control characters are shown, not obeyed; on one line unless `lines`."""
    text = "" if value is None else str(value)
    shown = _STEERING.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    return shown if lines else " ".join(shown.split("\n"))


def problem_line(problem: Problem) -> str:
    """Gives `place: key: what is wrong and what to do`; a warning says that it is one."""
    label = "" if problem.level == "error" else "warning: "
    parts = (str(problem.origin) if problem.origin else "", problem.path, label + problem.message)
    return ": ".join(part for part in parts if part)


def emit_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Writes rows in aligned columns to stdout; the words of states are coloured where a terminal shows them."""
    cells = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    emit(click.style(_aligned(headers, widths), bold=True))
    for row in cells:
        emit(_aligned(row, widths, paint=True))


def painted(word: str) -> str:
    """Gives a state's word in its colour; plain where it has none."""
    colour = _COLOURS.get(word.strip())
    return click.style(word, fg=colour) if colour else word


def _aligned(cells: Sequence[str], widths: Sequence[int], *, paint: bool = False) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    # Before the colours, whose end would keep blanks from being the end of the line.
    while len(padded) > 1 and not padded[-1].strip():
        padded.pop()
    padded[-1] = padded[-1].rstrip()
    return "  ".join(painted(cell) if paint else cell for cell in padded)
