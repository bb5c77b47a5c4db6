"""From the start of the process to the first 200, beside plain aiohttp with joserfc imported."""

from collections.abc import Callable
from pathlib import Path

from measurement import Effort, Row, alternate, median_ratio
from servers import free_port, nexus_command, plain_command, seconds_to_first_answer, start, stop


def measure(folder: Path, effort: Effort) -> list[Row]:
    (folder / "config.toml").write_text("[modules.liveness]\n")

    def ours() -> float:
        return milliseconds(folder, lambda port: nexus_command(folder, port), "/m/liveness/up")

    def theirs() -> float:
        return milliseconds(folder, lambda port: plain_command(port, "--with-joserfc"), "/up")

    ours(), theirs()  # the first start of each compiles its modules and makes the local issuer's key
    measured, compared = alternate(max(effort.rounds, 11), ours, theirs)
    return [
        Row(
            name="process start to the first 200 : plain aiohttp with joserfc",
            unit="ms",
            ours=measured,
            theirs=compared,
            target="ratio 1.50 or less",
            reached=median_ratio(measured, compared) <= 1.5,
        )
    ]


def milliseconds(folder: Path, command: Callable[[int], list[str]], path: str) -> float:
    port = free_port()
    process = start(command(port), folder)
    try:
        return seconds_to_first_answer(process, port, path) * 1000
    finally:
        stop(process)
