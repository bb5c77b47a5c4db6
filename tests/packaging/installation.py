"""Nexus as somebody installed it: an environment of its own, and a folder to start it in."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

ROOT = Path(__file__).parent.parent.parent
UV = Path(sys.executable).parent / "uv"
PATIENCE = 60.0

SOURCES = ("nexus", "modules", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE")
"""What of the project an installation can need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One way to have the command `nexus`.

    Attributes:
        command: what runs it, before its own arguments.
        folder: where it is run.
    """

    command: tuple[str, ...]
    folder: Path

    def run(self, *arguments: str) -> str:
        """What the command prints to stdout; any exit code but 0 fails the test with what it said."""
        done = run([*self.command, *arguments], self.folder)
        return done.stdout

    def module_names(self) -> set[str]:
        """The modules that it finds, without starting a host."""
        return {module["name"] for module in json.loads(self.run("modules", "--offline", "--json"))}

    @contextmanager
    def serving(self) -> Iterator[str]:
        """A host on a free port; gives its URL, and expects exit code 0 after SIGTERM."""
        url = f"http://127.0.0.1:{free_port()}"
        arguments = [*self.command, "serve", "--port", url.rpartition(":")[2]]
        with (self.folder / "serve.log").open("wb") as log:
            process = subprocess.Popen(arguments, cwd=self.folder, env=environment(), stdout=log, stderr=log)
        try:
            wait_for(f"{url}/livez", process, self.folder / "serve.log")
            yield url
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=PATIENCE) == 0, (self.folder / "serve.log").read_text()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def environment() -> dict[str, str]:
    """Ours without what would lead the command back to this very project."""
    ours = {"VIRTUAL_ENV", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {name: value for name, value in kept.items() if not name.startswith(("NEXUS_", "PYTEST_", "COV_"))}


def run(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": 200}
    done = subprocess.run(command, cwd=folder, env=environment(), check=False, **options)
    assert done.returncode == 0, f"{command} exited {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done


def uv(*arguments: str | Path, folder: Path) -> None:
    """Runs uv on what it has already downloaded, and lets it download only where that is not enough."""
    try:
        run([UV, *arguments, "--offline"], folder)
    except AssertionError:
        run([UV, *arguments], folder)


def environment_with(folder: Path, *requirements: str | Path) -> Path:
    """A new virtual environment that holds the locked versions of the requirements; gives its Python."""
    run([UV, "venv", "--quiet", "--python", sys.executable, folder], folder.parent)
    python = folder / "bin" / "python"
    uv("pip", "install", "--python", python, "--constraint", ROOT / "requirements.lock", *requirements, folder=ROOT)
    return python


def pip(python: Path, *arguments: str | Path, folder: Path) -> None:
    """Runs pip on the environment of the given Python, and lets it ask no registry."""
    run([sys.executable, "-m", "pip", "--python", python, *arguments], folder)


def copy_of_the_sources(folder: Path) -> Path:
    """The project as a clone holds it, so that nothing is built or installed from the tree under test."""
    ignored = shutil.ignore_patterns("__pycache__")
    folder.mkdir()
    for source in (ROOT / name for name in SOURCES):
        if source.is_dir():
            shutil.copytree(source, folder / source.name, ignore=ignored)
        elif source.exists():
            shutil.copy(source, folder)
    return folder


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE):
                return
        except urllib.error.HTTPError as refusal:
            refusal.close()
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"{url} did not come up:\n{log.read_text()}")
