"""A signal, and no request that was accepted fails: `nexus serve` under load, ended or reloaded in the middle of it."""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests import debian

from .served import PATIENCE, Served, served

MODULE = """
import asyncio
from pathlib import Path
from aiohttp import web
from pydantic import BaseModel
import nexus

class Settings(BaseModel):
    greeting: str = "old"
    fails: bool = False

busy = nexus.Module("busy", version="1.0.0", settings=Settings)
counts = {"begun": 0}

@busy.startup
async def start(context):
    if context.settings.fails:
        raise RuntimeError("cannot start with these")

@busy.shutdown
async def stop(context):
    Path("begun").write_text(str(counts["begun"]))

@busy.get("/hi", access=nexus.PUBLIC)
async def hi(request):
    counts["begun"] += 1
    await asyncio.sleep(0.003)
    return web.Response(text=nexus.context(request).settings.greeting)

@busy.get("/count", access=nexus.PUBLIC)
async def count(request):
    return web.json_response(counts)

@busy.get("/slow", access=nexus.PUBLIC)
async def slow(request):
    counts["begun"] += 1
    await asyncio.sleep(0.5)
    return web.Response(text=nexus.context(request).settings.greeting)

@busy.get("/hang", access=nexus.PUBLIC)
async def hang(request):
    counts["begun"] += 1
    await asyncio.sleep(3600)

@busy.post("/echo", access=nexus.PUBLIC)
async def echo(request):
    counts["begun"] += 1
    return web.Response(body=await request.read())

@busy.get("/socket", access=nexus.PUBLIC)
async def socket(request):
    it = web.WebSocketResponse()
    await it.prepare(request)
    async for message in it:
        await it.send_str(message.data)
    return it
"""

CONFIG = """
[global.server]
shutdown_grace = {grace}
shutdown_delay = {delay}
[modules.busy]
path = "mods"
[modules.busy.config]
greeting = "{greeting}"
fails = {fails}
"""


def config(*, grace: float = 10 * PATIENCE, delay: float = 0, greeting: str = "old", fails: bool = False) -> str:
    return CONFIG.format(grace=grace, delay=delay, greeting=greeting, fails=str(fails).lower())


@asynccontextmanager
async def busy_host(folder: Path, text: str) -> AsyncIterator[Served]:
    async with served(folder, text, {"busy.py": MODULE}) as host:
        await host.until_started()
        yield host


async def begun(host: Served, at_least: int) -> None:
    """Waits until so many requests have reached their handlers."""
    async with asyncio.timeout(PATIENCE):
        while json.loads((await host.get("/m/busy/count"))[1])["begun"] < at_least:
            await asyncio.sleep(0.005)


class Client:
    """Sends one request after the other on a connection that is kept, and judges every answer.

    A new connection is made only where the last answer announced the end of the old one. What fails is kept, but for a
    connection that is refused: then the host has stopped listening, and nothing was accepted.
    """

    REQUEST = b"GET /m/busy/hi HTTP/1.1\r\nHost: localhost\r\n\r\n"

    def __init__(self, port: int, bodies: frozenset[bytes] = frozenset({b"old"})) -> None:
        self.port = port
        self.bodies = bodies
        self.answers: list[bytes] = []
        self.failures: list[object] = []

    async def run(self) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                return
            try:
                await self._keep_asking(reader, writer)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.failures.append(error)
            finally:
                writer.close()

    async def _keep_asking(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        closes = False
        while not closes:
            writer.write(self.REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
            body = await reader.readexactly(length)
            closes = b"connection: close" in head.lower()
            if not head.startswith(b"HTTP/1.1 200 ") or body not in self.bodies:
                self.failures.append((head, body))
            self.answers.append(body)


@asynccontextmanager
async def clients(host: Served, count: int, *bodies: bytes) -> AsyncIterator[list[Client]]:
    them = [Client(host.port, frozenset(bodies or {b"old"})) for _ in range(count)]
    tasks = [asyncio.create_task(client.run()) for client in them]
    try:
        yield them
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def wrk() -> str:
    found = debian.program("wrk")
    assert found is not None, "wrk is not installed: ./scripts/test installs it"
    return found


def wrk_failures(report: str) -> dict[str, int]:
    """What wrk counted as failed on connections that stood.

    A refused connection, of which there are many once the host is gone, it counts as an error of connecting or writing.
    """
    errors = re.search(r"Socket errors: connect \d+, read (\d+), write \d+, timeout (\d+)", report)
    non_2xx = re.search(r"Non-2xx or 3xx responses: (\d+)", report)
    read, timeout = map(int, errors.groups()) if errors else (0, 0)
    return {"read": read, "timeout": timeout, "non-2xx": int(non_2xx[1]) if non_2xx else 0}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_a_signal_under_the_load_of_wrk_fails_no_request(tmp_path, number):
    async with busy_host(tmp_path, config()) as host:
        load = await asyncio.create_subprocess_exec(
            *[wrk(), "-t", "1", "-c", "64", "-d", "120s", "--timeout", "120s", f"{host.url}/m/busy/hi"],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **debian.environment()},
        )
        try:
            async with clients(host, 8) as judges:
                await begun(host, 1500)
                host.signal(number)
                code = await host.ended()
            load.send_signal(signal.SIGINT)
            report = (await asyncio.wait_for(load.communicate(), PATIENCE))[0].decode()
        finally:
            if load.returncode is None:
                load.kill()
                await load.wait()

    assert code == 0
    assert wrk_failures(report) == {"read": 0, "timeout": 0, "non-2xx": 0}, report
    assert [failure for judge in judges for failure in judge.failures] == []
    answered = int(re.search(r"(\d+) requests in", report)[1])
    assert answered > 1000, report
    # Every request that reached its handler was answered, and the answer arrived.
    assert answered + sum(len(judge.answers) for judge in judges) == int((tmp_path / "begun").read_text())


async def test_requests_that_take_their_time_are_finished_before_the_end(tmp_path):
    async with busy_host(tmp_path, config()) as host:
        slow = [asyncio.create_task(host.get("/m/busy/slow")) for _ in range(64)]
        await begun(host, 64)

        code = await host.stop()

        assert {await each for each in slow} == {(200, b"old")}
        assert code == 0


async def test_an_upload_that_is_under_way_is_finished_before_the_end(tmp_path):
    async with busy_host(tmp_path, config()) as host:
        reader, writer = await asyncio.open_connection("127.0.0.1", host.port)
        writer.write(b"POST /m/busy/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nabc")
        await begun(host, 1)
        host.signal(signal.SIGTERM)
        await host.until(lambda: host.log(event="host.draining"))

        writer.write(b"def")

        assert (await reader.read()).endswith(b"\r\n\r\nabcdef")
        writer.close()
        assert await host.ended() == 0


async def test_what_outlives_the_grace_period_is_told_so_and_ends(tmp_path):
    async with busy_host(tmp_path, config(grace=0.5)) as host:
        hanging = [asyncio.create_task(host.get("/m/busy/hang")) for _ in range(8)]
        await begun(host, 8)

        code = await host.stop()

        answers = [await each for each in hanging]
        assert {status for status, _ in answers} == {503}
        assert all(json.loads(body)["status"] == 503 for _, body in answers)
        assert code == 0


async def test_streams_and_sockets_do_not_hold_up_the_end(tmp_path):
    async with busy_host(tmp_path, config()) as host:
        headers = {"Authorization": f"Bearer {host.token('admin')}"}
        async with (
            host.session.get(host.url + "/api/events", headers=headers) as events,
            host.session.ws_connect(host.url + "/m/busy/socket") as socket,
        ):
            await socket.send_str("there?")
            assert await socket.receive_str() == "there?"
            assert events.status == 200
            host.signal(signal.SIGTERM)

            assert (await socket.receive(timeout=PATIENCE)).type is aiohttp.WSMsgType.CLOSE
            assert socket.close_code == 1001
            await asyncio.wait_for(events.content.read(), PATIENCE)
            assert await host.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_a_second_signal_ends_at_once(tmp_path, number):
    async with busy_host(tmp_path, config()) as host:
        hanging = asyncio.create_task(host.get("/m/busy/hang"))
        await begun(host, 1)
        host.signal(signal.SIGTERM)
        await host.until(lambda: host.log(event="host.draining"))

        ended = asyncio.ensure_future(host.ended())
        # One that comes right after the first is the same one.
        while host.process.returncode is None:
            host.signal(number)
            await asyncio.wait({ended}, timeout=0.1)

        assert await ended == 128 + number
        with pytest.raises(aiohttp.ClientError):
            await hanging


async def test_before_it_refuses_connections_it_is_not_ready_and_serves_on_for_the_delay(tmp_path):
    async with busy_host(tmp_path, config(delay=3)) as host:
        assert (await host.get("/readyz"))[0] == 200
        began = asyncio.get_running_loop().time()
        host.signal(signal.SIGTERM)
        await host.until(lambda: host.log(event="host.draining"))

        assert (await host.get("/readyz"))[0] == 503
        assert (await host.get("/livez"))[0] == 200
        assert await host.get("/m/busy/hi") == (200, b"old")

        assert await host.ended() == 0
        assert asyncio.get_running_loop().time() - began >= 3


async def test_a_reload_swaps_a_module_under_load_and_no_request_fails(tmp_path):
    async with busy_host(tmp_path, config(greeting="old")) as host:
        slow = [asyncio.create_task(host.get("/m/busy/slow")) for _ in range(16)]
        await begun(host, 16)
        async with clients(host, 32, b"old", b"new") as them:
            for greeting in ["new", "old"] * 3:
                (tmp_path / "config.toml").write_text(config(greeting=greeting))
                seen = len(them[0].answers)
                host.signal(signal.SIGHUP)
                wanted = greeting.encode()
                await host.until(lambda: wanted in them[0].answers[seen:])  # noqa: B023
            began_with_old = [await each for each in slow]

        assert [failure for client in them for failure in client.failures] == []
        assert set(began_with_old) == {(200, b"old")}
        assert await host.stop() == 0


async def test_a_reload_that_fails_leaves_the_old_module_serving_and_says_why(tmp_path):
    async with busy_host(tmp_path, config(greeting="old")) as host:
        async with clients(host, 8, b"old") as them:
            (tmp_path / "config.toml").write_text(config(greeting="new", fails=True))
            host.signal(signal.SIGHUP)
            await host.until(lambda: "cannot start with these" in (tmp_path / "stderr").read_text())
            (tmp_path / "config.toml").write_text("[modules.busy\n")
            before = len((tmp_path / "stderr").read_text())
            host.signal(signal.SIGHUP)
            await host.until(lambda: "not valid TOML" in (tmp_path / "stderr").read_text()[before:])
            answered = len(them[0].answers)
            await host.until(lambda: len(them[0].answers) > answered + 10)

        assert [failure for client in them for failure in client.failures] == []
        shown = (await host.modules())["busy"]
        assert shown["state"] == "running"
        assert "cannot start with these" in shown["last_reload"]["message"]
        assert await host.stop() == 0
