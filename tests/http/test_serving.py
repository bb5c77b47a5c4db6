import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import pytest

from tests.http.conftest import PATIENCE
from tests.http.test_drain import Client

ROOT = Path(__file__).parents[2]


@contextlib.asynccontextmanager
async def process(*args):
    it = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.http.served",
        *args,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(2 * PATIENCE):
            yield it, int(await it.stdout.readline())
    finally:
        if it.returncode is None:
            it.kill()
        await it.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_under_load_ends_the_process_with_0_and_no_request_fails(number):
    async with process() as (it, port):
        clients = [Client(port) for _ in range(32)]
        tasks = [asyncio.create_task(client.run()) for client in clients]
        while min(client.answered for client in clients) < 2:
            await asyncio.sleep(0.01)

        it.send_signal(number)
        out, err = await it.communicate()
        await asyncio.gather(*tasks)

    assert (it.returncode, out, err) == (0, b"draining\nstopped\n", b"")
    assert [client.failed for client in clients if client.failed] == []


async def insisted_on(it, number):
    """Sends the signal until the process ends: one that comes right after the first is the same one."""
    ended = asyncio.ensure_future(it.wait())
    while it.returncode is None:
        it.send_signal(number)
        await asyncio.wait({ended}, timeout=0.1)
    return await ended


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_to_the_process_and_to_its_group_is_one(second):
    async with process() as (it, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /m/m/wait HTTP/1.1\r\nHost: a\r\n\r\n")
        assert await it.stdout.readline() == b"waiting\n"

        it.send_signal(signal.SIGTERM)
        it.send_signal(second)

        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        out, _ = await it.communicate()
    assert (it.returncode, out) == (0, b"draining\nstopped\n")


@pytest.mark.parametrize("path", ["/m/m/hold", "/m/m/block"])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_the_process_at_once(path, second):
    async with process() as (it, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        if path == "/m/m/hold":
            writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            assert await it.stdout.readline() == b"held\n"
            it.send_signal(signal.SIGTERM)
            assert await it.stdout.readline() == b"draining\n"
        else:
            it.send_signal(signal.SIGTERM)
            assert await it.stdout.readline() == b"draining\n"
            writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            assert await it.stdout.readline() == b"blocked\n"

        assert await insisted_on(it, second) == 128 + second
        writer.close()


@pytest.mark.parametrize(("after_start", "code"), [("strict", 3), ("broken", 1)])
async def test_a_start_that_fails_ends_the_process_in_order(after_start, code):
    async with process(after_start) as (it, _):
        out, err = await it.communicate()

    assert it.returncode == code
    assert (out == b"draining\nstopped\n") is (after_start == "strict")
    assert (b"the start failed" in err) is (after_start == "broken")


@pytest.mark.parametrize("after_start", ["", "bad-reload"])
async def test_sighup_reloads_and_the_host_serves_on(after_start):
    async with process(after_start) as (it, port):
        for _ in range(2):
            it.send_signal(signal.SIGHUP)
            assert await it.stdout.readline() == b"reloaded\n"

        client = Client(port)
        task = asyncio.create_task(client.run())
        while not client.answered:
            await asyncio.sleep(0.01)
        it.send_signal(signal.SIGTERM)
        await asyncio.gather(it.communicate(), task)

    assert it.returncode == 0
