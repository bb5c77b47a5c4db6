"""Servers as processes of their own on one core; the load and the clock run on another."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).parent
NEXUS = Path(sys.executable).parent / "nexus"
SERVER_CORE, LOAD_CORE = 0, 1

# Where it is set, every start compiles anew what the first one of an installation compiles for all.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pinned(core: int, command: Sequence[str]) -> list[str]:
    """The command on one core, where the system can do that and has more than one."""
    if shutil.which("taskset") is None or (os.cpu_count() or 1) < 2:
        return list(command)
    return ["taskset", "-c", str(core), *command]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(command: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    """Starts a server; what it says goes to `server.log` in its folder."""
    with (folder / "server.log").open("ab") as log:
        return subprocess.Popen(pinned(SERVER_CORE, command), cwd=folder, stdout=log, stderr=log)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def seconds_to_first_answer(process: subprocess.Popen[bytes], port: int, path: str, *, patience: float = 120) -> float:
    """How long from now until the path answers 200, looked at every millisecond on a connection of its own."""
    begin = time.perf_counter()
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
    while time.perf_counter() - begin < patience:
        if process.poll() is not None:
            sys.exit(f"the server ended with exit code {process.returncode}: {' '.join(map(str, process.args))}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(request)
            if connection.recv(64).startswith(b"HTTP/1.1 200"):
                return time.perf_counter() - begin
        time.sleep(0.001)
    sys.exit(f"{path} did not answer 200 within {patience:g} s")


@contextlib.contextmanager
def serving(command: Sequence[str], folder: Path, port: int, path: str) -> Iterator[subprocess.Popen[bytes]]:
    """The server's process while the block runs, ready when it begins."""
    process = start(command, folder)
    try:
        seconds_to_first_answer(process, port, path)
        yield process
    except SystemExit:
        print((folder / "server.log").read_text()[-3000:], file=sys.stderr)
        raise
    finally:
        stop(process)


def nexus_command(folder: Path, port: int) -> list[str]:
    """`nexus serve` on the folder's configuration."""
    return [str(NEXUS), "serve", "-c", str(folder / "config.toml"), "--port", str(port)]


def plain_command(port: int, *options: str) -> list[str]:
    """Plain aiohttp, see `plain.py`."""
    return [sys.executable, str(HERE / "plain.py"), str(port), *options]


def token(folder: Path) -> str:
    """A token of the folder's own local issuer that opens everything."""
    command = [str(NEXUS), "token", "-c", str(folder / "config.toml"), "--permission", "admin"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()
