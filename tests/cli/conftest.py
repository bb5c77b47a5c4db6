"""What the tests of the commands share: a folder to work in, commands run in it, and a host that serves."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from nexus.cli import cli

MAIN = "from nexus.cli import main; main()"
PATIENCE = 60.0


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, an environment without any setting of Nexus, and the command on the path."""
    for name in list(os.environ):
        if name.startswith("NEXUS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def nexus(folder: Path) -> Callable[..., Ended]:
    """Runs a command in the working directory, in this process."""

    def run(*words: str, stdin: str | None = None) -> Ended:
        result = CliRunner().invoke(cli, list(words), input=stdin, prog_name="nexus")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def shell(folder: Path) -> Callable[..., Ended]:
    """Runs a command in the working directory, in a process of its own."""

    def run(*words: str, stdin: str = "") -> Ended:
        done = subprocess.run(
            [sys.executable, "-c", MAIN, *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@dataclass
class Serving:
    """A host in a process of its own."""

    process: "subprocess.Popen[str]"
    folder: Path
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return next(line for line in self.lines if " serves at " in line).rpartition(" ")[2]

    def wait_for(self, text: str, *, timeout: float = PATIENCE) -> str:
        """Waits until a line with `text` is on stdout, and gives it."""
        ends_at = time.monotonic() + timeout
        while time.monotonic() < ends_at:
            line = self.process.stdout.readline()
            if not line:
                break
            self.lines.append(line.rstrip("\n"))
            if text in line:
                return self.lines[-1]
        raise AssertionError(f"no {text!r} on stdout: {self.lines}\n{(self.folder / 'stderr').read_text()}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def serve(folder: Path) -> Iterator[Callable[..., Serving]]:
    """Starts `nexus serve` on a free port and waits until it has said all it says."""
    started: list[Serving] = []

    def start(*words: str) -> Serving:
        command = [sys.executable, "-c", MAIN, "serve", "--port", "0", *words]
        with (folder / "stderr").open("w") as stderr:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=stderr, text=True, bufsize=1, process_group=0
            )
        started.append(Serving(process, folder))
        started[-1].wait_for("use it:")
        return started[-1]

    yield start
    for serving in started:
        serving.stop()
        serving.process.stdout.close()
