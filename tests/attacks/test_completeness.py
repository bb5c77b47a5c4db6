"""Every row of the attack list is tried, or it says why not."""

import re
import subprocess
import sys
from pathlib import Path

from .rows import NOT_APPLICABLE, NOT_OVER_HTTP, ROWS

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(r"(?<![A-Za-z0-9])([HCTJKE]\d{1,2})(?=[-_\]]|$)", re.IGNORECASE)
ALL = {f"{letter}{number}" for letter, last in ROWS.items() for number in range(1, last + 1)}


def collected(*folders: str) -> list[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:randomly", "-p", "no:xdist", *folders]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if "::" in line]


def tried(tests: list[str], folder: str) -> set[str]:
    """The rows that stand in the names of the tests of a folder."""
    names = [test.split("::", 1)[1] for test in tests if test.startswith(f"{folder}/")]
    assert names
    return {row.upper() for name in names for row in NUMBER.findall(name.replace("test_", "", 1).replace("_", "-"))}


def test_every_row_is_tried_over_http_or_says_why_not():
    tests = collected("tests/attacks", "tests/auth")
    over_http, below = tried(tests, "tests/attacks"), tried(tests, "tests/auth")

    assert ALL - over_http == NOT_OVER_HTTP.keys() | NOT_APPLICABLE.keys()
    assert below >= NOT_OVER_HTTP.keys()
    assert (over_http | below) - ALL == set()
    assert all(len(why) > 40 for why in {**NOT_OVER_HTTP, **NOT_APPLICABLE}.values())
