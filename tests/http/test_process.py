"""The host as a process where the system around it is short of something, or ends it."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

NEXUS = Path(sys.executable).with_name("nexus")
KEY = "local-issuer.json"
PATIENCE = 60


def start(folder, **kwargs):
    config = folder / "config.toml"
    config.write_text("[global.server]\nport = 0\nshutdown_grace = 1\n[modules.liveness]\n")
    environ = {**os.environ, "NEXUS_STATE_DIR": str(folder / "state")}
    return subprocess.Popen([NEXUS, "serve"], cwd=folder, env=environ, **kwargs)


def ask(url):
    with urllib.request.urlopen(url + "/m/liveness/up", timeout=PATIENCE) as answer:
        return answer.status


def url_of(process):
    return process.stdout.readline().decode().split()[-1]


def url_from_sockets(process):
    """Where it listens, for a process that says nothing."""
    ends_at = time.monotonic() + PATIENCE
    while time.monotonic() < ends_at and process.poll() is None:
        held = set()
        with contextlib.suppress(OSError):  # one that was closed meanwhile
            held = {str(it.readlink()) for it in Path(f"/proc/{process.pid}/fd").iterdir()}
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in held:
                return f"http://127.0.0.1:{int(fields[1].partition(':')[2], 16)}"
        time.sleep(0.05)
    raise AssertionError("it does not listen")


def no_room():
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_without_room_for_the_key_one_sentence_says_so_and_none_is_left_half_written(tmp_path):
    process = start(tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=no_room)

    out, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    assert out == b""
    assert b"Traceback" not in err
    assert b"the local issuer's key cannot be kept in" in err.splitlines()[-1]
    assert list((tmp_path / "state").iterdir()) == []


@pytest.mark.parametrize("closed", [(2,), (0, 1, 2)], ids=["stderr", "all"])
def test_a_host_that_was_started_with_closed_streams_serves(tmp_path, closed):
    process = start(
        tmp_path,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: [os.close(number) for number in closed],
    )
    try:
        assert ask(url_from_sockets(process)) == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()


def test_a_full_pipe_that_nobody_reads_holds_no_request(tmp_path):
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    try:
        while os.write(writes, b"x" * 4096):
            pass
    except BlockingIOError:
        os.set_blocking(writes, True)
    process = start(tmp_path, stdout=subprocess.PIPE, stderr=writes)
    try:
        assert ask(url_of(process)) == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.communicate()
        os.close(reads)
        os.close(writes)


def test_a_killed_host_starts_again_with_its_key(tmp_path):
    keys = []
    for _ in range(2):
        process = start(tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            assert ask(url_of(process)) == 200
        finally:
            process.kill()
            process.communicate()
        keys.append((tmp_path / "state" / KEY).read_bytes())

    assert keys[0] == keys[1]
    # The sessions stand beside it once the one-time link is made, which the kill may come before or after.
    assert [it.name for it in (tmp_path / "state").glob("*local-issuer*")] == [KEY]


def test_a_host_that_was_stopped_for_a_while_goes_on(tmp_path):
    process = start(tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        url = url_of(process)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.1)
        process.send_signal(signal.SIGCONT)
        assert ask(url) == 200
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()

    assert process.returncode == 0
    assert b"Traceback" not in err


def few_files():
    resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))


def test_a_flood_that_takes_all_open_files_leaves_a_line_in_the_log_and_passes(tmp_path):
    process = start(tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=few_files)
    try:
        url = url_of(process)
        port = int(url.rpartition(":")[2])
        for flood in [[socket.create_connection(("127.0.0.1", port)) for _ in range(150)] for _ in range(2)]:
            for connection in flood:
                connection.close()
        # asyncio rests a second each time that no file is left, and takes what waits before this.
        assert ask(url) == 200
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()

    assert process.returncode == 0
    assert b"Traceback" not in err
    assert err.count(b"no connection can be accepted") <= 1
