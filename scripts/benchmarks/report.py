"""The numbers as a table, on the screen and in a file."""

import importlib.metadata
import platform
import re
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from measurement import Effort, Row

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
PACKAGES = ("aiohttp", "joserfc", "pydantic", "dbos", "sqlalchemy")
FOR_INFORMATION = "for information"  # the target of a row that has none
HEADINGS = ("what : beside what", "unit", "Nexus, median (min to max)", "beside (min to max)", "ratio", "to reach")


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table whose columns line up."""
    cells = [HEADINGS, *(tuple(cells_of(row)) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    heading, *lines = (lined_up(line, widths) for line in cells)
    return "\n".join([heading, lined_up(["-" * width for width in widths], widths), *lines])


def lined_up(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def cells_of(row: Row) -> list[str]:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    verdict = "" if row.target == FOR_INFORMATION else ": reached" if row.reached else ": missed"
    return [row.name, row.unit, spread(row.ours), spread(row.theirs), ratio, row.target + verdict]


def spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    middle = statistics.median(values)
    digits = 0 if middle >= 20 else 1 if middle >= 2 else 2
    return f"{middle:,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def write(file: Path, rows: Sequence[Row], effort: Effort) -> None:
    """Puts the table between the marks of the file, and says where and with what it was measured."""
    text = file.read_text()
    if BEGIN not in text or END not in text:
        sys.exit(f"{file} has no lines {BEGIN} and {END}: add them where the numbers are to stand")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    file.write_text(f"{before}{BEGIN}\n{circumstances(effort)}\n\n{table(rows)}\n{END}{after}")


def circumstances(effort: Effort) -> str:
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return (
        f"{time.strftime('%Y-%m-%d', time.gmtime())}, {processor()}, Python {platform.python_version()}, {packages}; "
        f"{effort.rounds} rounds of {effort.seconds} s, {effort.connections} connections."
    )


def processor() -> str:
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return found[1].strip() if found else platform.machine()
