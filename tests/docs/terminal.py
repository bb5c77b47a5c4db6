"""Runs a page's `console` blocks as a reader would type them: one shell after another, hosts in the background."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.ports import free_port

from .fences import ROOT, Block

PORT = "3001"
"""The port that the pages name; each run has one of its own in its place."""

PATIENCE = 120.0
NOT_HERE = ("./scripts/test", "./scripts/bench")
"""Commands that run these very blocks, or take minutes: they are only looked at."""

_SERVES = re.compile(r"^(\S*=\S+ )*(nexus serve|\./scripts/serve)\b")
_WILD = re.compile(r"\.\.\.|…")


class Terminal:
    """A folder, an environment and at most one running host; a context manager that stops the host.

    Args:
        folder: where the reader is.
        home: where the terminal keeps what is not the reader's.
    """

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self._home = home
        self._state = home / "state.sh"
        self._log = home / "host.log"
        self._host: subprocess.Popen[bytes] | None = None
        self._port = free_port()
        self._code = 0
        self._state.write_text(f"cd {folder}\n")
        self._environ = _clean_environment() | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "NO_COLOR": "1",
            "COLUMNS": "120",
            "NEXUS__GLOBAL__SERVER__PORT": str(self._port),
            # What a reader installs goes to a folder of the reader's own, from what is there already.
            "PIP_TARGET": str(home / "site"),
            "PIP_NO_INDEX": "1",
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip's own oddity: as a variable, the negated option is switched on by 0
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONPATH": str(home / "site"),
            "PYTEST_ADDOPTS": "-p no:cacheprovider -p no:randomly -p no:xdist",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.stop_host()
        elif self._host is not None:
            self._host.kill()
            self._host.wait()

    def local(self, text: str) -> str:
        """Gives what a page says with this terminal's port in it."""
        return text.replace(PORT, str(self._port))

    def type(self, block: Block) -> None:
        """Runs every command of a block, and compares what it prints with what the page shows."""
        for command, shown in _commands(block.text):
            if _SERVES.match(command):
                self._serve(command, shown, block)
                continue
            if command.startswith(NOT_HERE):
                assert os.access(ROOT / command.split()[0], os.X_OK), f"{block}: $ {command}"
                continue
            done = self._run(command)
            self._code = done.returncode
            printed = done.stdout.replace(str(self._port), PORT)
            if shown:
                assert _matches(shown, printed), f"{block}: $ {command}\nshown:\n{shown}\nprinted:\n{printed}"
            else:
                assert done.returncode == 0, f"{block}: $ {command}\nexited {done.returncode}:\n{printed}"

    def stop_host(self) -> None:
        """Ends the running host as an operator would."""
        if self._host is None:
            return
        host, self._host = self._host, None
        host.send_signal(signal.SIGTERM)
        assert host.wait(timeout=PATIENCE) == 0, self._log.read_text()

    def _run(self, command: str) -> subprocess.CompletedProcess[str]:
        script = f"""source {self._state}
(exit {self._code})
{self.local(command)}
code=$?
{{ declare -px | grep -v NEXUS_PID; echo cd "'$PWD'"; }} > {self._state}
exit $code"""
        return subprocess.run(
            ["bash", "-c", script],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def _serve(self, command: str, shown: str, block: Block) -> None:
        self.stop_host()
        script = f"source {self._state}\n{_exec(self.local(command))}"
        with self._log.open("wb") as log:
            self._host = subprocess.Popen(
                ["bash", "-c", script], env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._environ["NEXUS_PID"] = str(self._host.pid)
        deadline = time.monotonic() + PATIENCE
        while not (self._answers() and _matches(f"{shown}\n...", self._printed())):
            is_over = self._host.poll() is not None or time.monotonic() > deadline
            assert not is_over, f"{block}: $ {command}\nshown:\n{shown}\nprinted:\n{self._printed()}"
            time.sleep(0.05)

    def _printed(self) -> str:
        return self._log.read_text(errors="replace").replace(str(self._port), PORT)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/startupz", timeout=PATIENCE):
                return True
        except OSError:
            return False


def copy_of_the_repository(folder: Path) -> None:
    """Puts into `folder` what a clone has and the pages speak of."""
    shutil.copy(ROOT / "config.toml", folder)


def _exec(command: str) -> str:
    # The signal has to reach the host itself, not the shell around it.
    return re.sub(r"(nexus serve|\./scripts/serve)", "exec nexus serve", command, count=1)


def _commands(text: str) -> Iterator[tuple[str, str]]:
    """Gives each command, its continued lines joined, with the output shown below it."""
    command, output = "", list[str]()
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, "\n".join(output)
            command, output = line.removeprefix("$ "), []
        elif command.endswith("\\") and not output:
            command = command[:-1] + line.strip()
        else:
            assert command, f"a console block begins with '$ ', not with {line!r}"
            output.append(line)
    if command:
        yield command, "\n".join(output)


def _matches(shown: str, printed: str) -> bool:
    """True where what is shown was printed; `...` stands for anything, and so do differences of blanks."""
    parts = [r"\s+".join(map(re.escape, part.split())) for part in _WILD.split(shown)]
    return (
        re.fullmatch(r"\s*" + r".*?".join(rf"\s*{part}\s*" for part in parts) + r"\s*", printed, re.DOTALL) is not None
    )


def _clean_environment() -> dict[str, str]:
    led_back = ("NEXUS_", "PYTEST_", "COV_", "COVERAGE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(led_back)}
