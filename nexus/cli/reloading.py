"""`nexus serve --reload`: a host that starts again when a file changes; for development, not for production.

The host runs as a child process: started anew, it has no trace of the code it ran before.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Final, Self

from nexus.cli.console import say
from nexus.cli.failure import ExitCode
from nexus.config.loading import DEFAULT_FILE
from nexus.discovery.finder import shipped_directory
from nexus.preparation import ServeOptions, prepare

_LOOK_EVERY_S: Final = 0.25
_SUFFIXES: Final = frozenset({".py", ".toml", ".html", ".sql"})
_MAX_FILES: Final = 20_000
"""More than the code of any modules folder; a larger one is a wrong path, and looking at it would load the disk."""

Snapshot = dict[Path, tuple[int, int]]


def serve_and_watch(files: tuple[Path, ...], environment: str | None) -> int:
    """Runs `nexus serve` with the options of this process but `--reload`, again after each change.

    Returns:
        The exit code of the host that a signal ended.
    """
    folders = _watched(files, environment)
    command = [sys.executable, "-c", "from nexus.cli import main; main()", *_without_reload(sys.argv[1:])]
    with _Signals() as signals:
        while True:
            before = _snapshot(folders)
            # In a group of its own: from a terminal Ctrl-C would reach it twice, and the second one ends it at once.
            with subprocess.Popen(command, process_group=0) as child:  # noqa: S603 - this very program
                signals.child = child
                changed = _wait(child, folders, before, signals)
                if changed is None and signals.received:
                    return child.wait()
                if changed is not None and child.poll() is None:
                    say(f"{changed} changed: starting again")
                    child.terminate()
                    child.wait()
            if changed is None:
                say(f"the host ended with code {child.returncode}: waiting for a change")
                while not signals.received and _changed(folders, before) is None:
                    time.sleep(_LOOK_EVERY_S)
            if signals.received:
                return child.returncode if child.returncode is not None else ExitCode.INTERRUPTED


class _Signals:
    """Hands on to the host what would end this process, so that the host stops in its own good order."""

    def __init__(self) -> None:
        self.received = False
        self.child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._hand_on)
        return self

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    def _hand_on(self, number: int, _: FrameType | None) -> None:
        self.received = self.received or number != signal.SIGHUP
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(number)


def _wait(
    child: "subprocess.Popen[bytes]", folders: tuple[Path, ...], before: Snapshot, signals: _Signals
) -> Path | None:
    """Waits until a file changes, and gives it; None where the host ended first."""
    while child.poll() is None:
        changed = None if signals.received else _changed(folders, before)
        if changed is not None:
            return changed
        time.sleep(_LOOK_EVERY_S)
    return None


def _watched(files: tuple[Path, ...], environment: str | None) -> tuple[Path, ...]:
    """The configuration files and the folders that modules come from."""
    prepared = prepare(ServeOptions(files=files, environment=environment, safe_mode=True))
    found = {*files, *prepared.loaded.files, prepared.loaded.directory / DEFAULT_FILE, shipped_directory()}
    for record in prepared.catalog.records.values():
        if record.entry is not None and record.entry.path is not None:
            found.add(prepared.loaded.directory / Path(record.entry.path).expanduser())
    return tuple(sorted(found))


def _snapshot(places: tuple[Path, ...]) -> Snapshot:
    found: Snapshot = {}
    for file in _files(places):
        try:
            status = file.stat()
        except OSError:
            continue
        found[file] = (status.st_mtime_ns, status.st_size)
        if len(found) >= _MAX_FILES:
            break
    return found


def _files(places: tuple[Path, ...]) -> Iterator[Path]:
    for place in places:
        if not place.is_dir():
            yield place
            continue
        for folder, below, names in os.walk(place):
            below[:] = [name for name in below if not name.startswith(".") and name != "__pycache__"]
            yield from (Path(folder, name) for name in names if Path(name).suffix in _SUFFIXES)


def _changed(places: tuple[Path, ...], before: Snapshot) -> Path | None:
    now = _snapshot(places)
    different = sorted(file for file in now.keys() | before.keys() if now.get(file) != before.get(file))
    return different[0] if different else None


def _without_reload(arguments: list[str]) -> list[str]:
    return [argument for argument in arguments if argument != "--reload"]
