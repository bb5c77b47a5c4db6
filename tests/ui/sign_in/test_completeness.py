"""Every row of the attack list on sign-in is tried over HTTP."""

import re
from pathlib import Path

ROWS = {f"l{number}" for number in range(1, 21)}
NAMED = re.compile(r"^(?:async )?def test_(l\d+)_", re.MULTILINE)


def test_every_row_is_tried():
    tried = {row for file in Path(__file__).parent.glob("test_*_rows.py") for row in NAMED.findall(file.read_text())}

    assert tried == ROWS
