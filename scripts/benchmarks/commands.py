"""How long a command takes that people wait for at a prompt."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from measurement import Effort, Row, alternate
from servers import NEXUS, SERVER_CORE, pinned


def measure(folder: Path, effort: Effort) -> list[Row]:
    def ours() -> float:
        return milliseconds([str(NEXUS), "--help"], folder)

    def theirs() -> float:
        return milliseconds([sys.executable, "-c", "pass"], folder)

    ours(), theirs()
    measured, compared = alternate(max(effort.rounds, 21), ours, theirs)
    return [
        Row(
            name="`nexus --help` : an empty Python",
            unit="ms",
            ours=measured,
            theirs=compared,
            target="100 ms or less",
            reached=statistics.median(measured) <= 100,
        )
    ]


def milliseconds(command: list[str], folder: Path) -> float:
    begin = time.perf_counter()
    subprocess.run(pinned(SERVER_CORE, command), cwd=folder, check=True, capture_output=True)
    return (time.perf_counter() - begin) * 1000
