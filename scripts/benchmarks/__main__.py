"""Paired, interleaved measurements of Nexus against what it stands on; prints them, and keeps them on request."""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import auth
import commands
import history
import jobs
import many_routes
import pages
import report
import request_path
import start_up
from measurement import Effort, Row

SUITES: dict[str, Callable[[Path, Effort], list[Row]]] = {
    "host": request_path.measure,
    "routes": many_routes.measure,
    "start": start_up.measure,
    "commands": commands.measure,
    "auth": auth.measure,
    "jobs": jobs.measure,
    "history": history.measure,
    "pages": pages.measure,
}


def main() -> None:
    options = parse()
    effort = Effort(
        rounds=options.rounds, seconds=options.seconds, connections=options.connections, tokens=options.tokens
    )
    rows: list[Row] = []
    for name in options.suites or list(SUITES):
        with tempfile.TemporaryDirectory(prefix="nexus-bench-") as folder:
            print(f"measuring {name}", flush=True)
            measured = SUITES[name](Path(folder), effort)
        rows += measured
        print(report.table(measured), flush=True)
    if options.write:
        report.write(options.write, rows, effort)
        print(f"written to {options.write}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="suite", help=f"of {', '.join(SUITES)}; all when left out")
    parser.add_argument("--rounds", type=int, default=7, help="how often each pair is measured (%(default)s)")
    parser.add_argument("--seconds", type=int, default=3, help="of load per measurement (%(default)s)")
    parser.add_argument("--connections", type=int, default=32, help="open at a time (%(default)s)")
    parser.add_argument("--tokens", type=int, default=1_000_000, help="distinct ones, for memory (%(default)s)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="keep the result between the marks in this file")
    options = parser.parse_args()
    unknown = set(options.suites) - set(SUITES)
    if unknown:
        parser.error(f"no suite {', '.join(sorted(unknown))}: there are {', '.join(SUITES)}")
    return options


if __name__ == "__main__":
    main()
