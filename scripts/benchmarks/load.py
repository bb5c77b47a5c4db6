"""Load by wrk, whose answers are all looked at: a server that refuses quickly must not look fast."""

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

from measurement import Effort
from servers import LOAD_CORE, pinned

DEBIAN = Path(__file__).parent.parent.parent / ".venv" / "debian"


def requests_per_second(
    url: str, effort: Effort, *, token: str | None = None, refused: bool = False, script: Path | None = None
) -> float:
    """Answers per second of one wrk run; ends the program when one of them was not a success.

    With `refused` every answer has to be a refusal instead; a `script` makes the requests, and any answer is fine.
    """
    arguments = ["-t1", f"-c{effort.connections}", f"-d{effort.seconds}s"]
    if token is not None:
        arguments += ["-H", f"Authorization: Bearer {token}"]
    if script is not None:
        arguments += ["-s", str(script)]
    command, variables = wrk()
    done = subprocess.run(
        pinned(LOAD_CORE, [command, *arguments, url]), env=variables, check=True, capture_output=True, text=True
    )
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    total = re.search(r"(\d+) requests in", done.stdout)
    failures = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    wrong = failures is not None
    if refused:
        wrong = total is None or failures is None or failures[1] != total[1]
    if rate is None or (wrong and script is None) or "Socket errors" in done.stdout:
        sys.exit(f"the load on {url} failed:\n{done.stdout}")
    return float(rate[1])


def wrk() -> tuple[str, dict[str, str]]:
    """The command and its environment: the unpacked one, else the system's."""
    unpacked = DEBIAN / "usr/bin/wrk"
    if unpacked.exists():
        libraries = ":".join(str(path) for path in DEBIAN.glob("usr/lib/*-linux-gnu"))
        return str(unpacked), {**os.environ, "LD_LIBRARY_PATH": libraries}
    found = shutil.which("wrk")
    return (found, dict(os.environ)) if found else sys.exit("wrk is missing: ./scripts/bench unpacks it on Debian")


def body(url: str, *, token: str | None = None) -> bytes:
    """One answer's body, to compare what both servers send before their speed is compared."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return answer.read()
