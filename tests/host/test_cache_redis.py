"""The cache of modules over a real Redis: shared between hosts, never mixed, and no reason to stop when it is gone."""

import asyncio
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import time as real_time
from pathlib import Path
from urllib.parse import quote

import pytest
import redis
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from nexus.config.settings import CacheSettings
from nexus.host import redis_cache as cache_of_modules
from nexus.host.cache import Caches
from nexus.host.cache_entry import CacheUnavailable, InvalidCacheEntry
from nexus.spec.state import ModuleState
from tests import debian
from tests.ports import free_port
from tests.promises.served import served

from .workspace import MovedTime, state, until

PASSWORD = "p@ss:w/rd#canary%41?"
PATIENCE = 30.0

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


class RealRedis:
    """Debian's redis-server on a port of loopback: it keeps nothing on disk, and keeps its port over a restart."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program = program
        self.folder = folder
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}"

    def start(self) -> None:
        is_new = self.port == 0
        for _ in range(5):
            self.port = free_port() if is_new else self.port
            lines = ["bind 127.0.0.1", f"port {self.port}", 'save ""', "appendonly no", f"dir {self.folder}"]
            (self.folder / "redis.conf").write_text("\n".join([*lines, f'requirepass "{PASSWORD}"']))
            with (self.folder / "output.log").open("ab") as output:
                self.process = subprocess.Popen(
                    [self.program, self.folder / "redis.conf"],
                    env={**os.environ, **debian.environment()},
                    stdout=output,
                    stderr=output,
                )
            if self.answers():
                return
        raise AssertionError((self.folder / "output.log").read_text()[-2000:])

    def answers(self) -> bool:
        """Waits until it does; False where it ended, for instance since somebody took the free port."""
        until_at = real_time.monotonic() + PATIENCE
        while self.process.poll() is None and real_time.monotonic() < until_at:
            with contextlib.suppress(redis.ConnectionError), self.client() as client:
                return client.info("server")["process_id"] == self.process.pid
            real_time.sleep(0.01)
        self.stop()
        return False

    def stop(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def client(self, **options) -> redis.Redis:
        """A client of the tests' own, past everything that is tested."""
        return redis.Redis(port=self.port, password=PASSWORD, **options)

    @contextlib.contextmanager
    def held(self):
        """It keeps its connections and answers nothing meanwhile."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


def installed() -> Path:
    """The server's program; where there is none the test is skipped, but never in CI."""
    found = debian.program("redis-server")
    if found is None:
        message = "Debian's package redis-server is not installed: ./scripts/test installs it"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return Path(found)


@pytest.fixture
def server(tmp_path_factory):
    running = RealRedis(installed(), tmp_path_factory.mktemp("redis"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@contextlib.asynccontextmanager
async def opened(server, *, name="test", time=None, **settings):
    """A host's caches over the server, closed afterwards."""
    options = {"url": server.url, **settings}
    caches = Caches(CacheSettings(**options), name=name, clock=(time or MovedTime()).clock)
    try:
        yield caches
    finally:
        await caches.close()


def told(caplog) -> list[str]:
    return [record.event for record in caplog.records if record.name == "nexus.host"]


async def test_what_is_kept_is_there_until_it_is_deleted(server):
    async with opened(server) as caches:
        cache = caches.scoped("a")
        await cache.set("k", {"x": [1, None, "ü"]})

        assert await cache.get("k") == {"x": [1, None, "ü"]}
        await cache.delete("k")
        await cache.delete("k")
        assert await cache.get("k") is None


async def test_an_entry_ends_with_its_time(server):
    async with opened(server, ttl=500) as caches:
        cache = caches.scoped("a")
        await cache.set("short", 1, ttl=0.02)
        await cache.set("usual", 2)
        await cache.set("long", 3, ttl=1e300)
        await cache.set("endless", 4, ttl=float("inf"))
        await cache.set("least", 5, ttl=1e-9)

        async with asyncio.timeout(PATIENCE):
            while await cache.get("short") is not None or await cache.get("least") is not None:
                await asyncio.sleep(0.005)
        assert [await cache.get(key) for key in ("usual", "long", "endless")] == [2, 3, 4]
        with server.client() as client:
            assert 490 < client.ttl("test:a:usual") <= 500
            assert client.ttl("test:a:endless") > 1e9
        with pytest.raises(InvalidCacheEntry, match="give more than 0"):
            await cache.set("none", 1, ttl=0)


async def test_keys_of_two_modules_never_meet(server):
    async with opened(server) as caches:
        a, b = caches.scoped("a"), caches.scoped("b")
        await a.set("k", 1)
        await b.set("k", 2)
        await b.delete("a:k")
        await b.set("../a:k", 3)

        assert (await a.get("k"), await b.get("k")) == (1, 2)
        await b.delete("k")
        assert (await a.get("k"), await b.get("k")) == (1, None)


@pytest.mark.parametrize("other", ["two", "one:m", "one:", "One", "one%3Am", ":one", "one\udcff"])
async def test_hosts_of_two_names_share_a_server_without_meeting(server, other):
    async with opened(server, name="one") as first, opened(server, name=other) as second:
        for module, key in (("m", "m:k"), ("m", "k"), ("m-m", "k"), ("m", ":k")):
            await first.scoped(module).set(key, "first")
        for module, key in (("m", "m:k"), ("m", "k"), ("m-m", "k"), ("m", ":k")):
            assert await second.scoped(module).get(key) is None


async def test_replicas_of_one_name_share_their_entries(server):
    async with opened(server) as first, opened(server) as second:
        await first.scoped("a").set("k\udcff", 1)

        assert await second.scoped("a").get("k\udcff") == 1


async def test_the_database_of_the_url_is_the_one_used(server):
    async with opened(server, url=f"{server.url}/3") as caches:
        await caches.scoped("a").set("k", 1)

    with server.client(db=3) as client:
        assert client.keys() == [b"test:a:k"]


async def test_the_user_of_the_url_is_who_asks(server):
    with server.client() as client:
        client.acl_setuser("some:one", enabled=True, passwords=["+pw/1"], keys=["test:*"], categories=["+@all"])
    async with opened(server, url=f"redis://some%3Aone:pw%2F1@127.0.0.1:{server.port}") as caches:
        await caches.scoped("a").set("k", 1)

        assert await caches.scoped("a").get("k") == 1


@given(value=JSON, key=st.text())
@bounded(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_json_comes_back_as_it_was(server, value, key):
    async with opened(server) as caches:
        await caches.scoped("a").set(key, value)

        assert await caches.scoped("a").get(key) == value


def endless() -> list:
    inner: list = []
    inner.append(inner)
    return inner


@pytest.mark.parametrize(
    "value",
    [object(), b"bytes", {1}, (1, 2), {1: "number as key"}, [{"deep": {2}}], float("nan"), float("inf"), endless()],
    ids=["object", "bytes", "set", "tuple", "key", "deep", "nan", "inf", "endless"],
)
async def test_what_is_not_json_is_refused_and_changes_nothing(server, value, caplog):
    async with opened(server) as caches:
        cache = caches.scoped("a")
        await cache.set("k", "before")

        with pytest.raises(InvalidCacheEntry, match="takes only JSON"):
            await cache.set("k", value)
        assert await cache.get("k") == "before"
    assert told(caplog) == []


class Trap:
    """Ends the process that unpickles it."""

    def __reduce__(self):
        return (os._exit, (99,))


async def test_a_pickle_that_somebody_put_there_is_never_read(server, caplog):
    with server.client() as client:
        client.set("test:a:k", pickle.dumps(Trap()))
    async with opened(server) as caches:
        cache = caches.scoped("a")

        assert [await cache.get("k") for _ in range(3)] == [None, None, None]
        await cache.set("k", 1)
        assert await cache.get("k") == 1
    assert told(caplog) == ["cache.refused"]


async def test_a_server_that_stops_and_starts_empties_the_cache_and_is_told_once_each_way(server, caplog):
    caplog.set_level("INFO", "nexus.host")
    async with opened(server) as caches:
        parts = [caches.scoped(name) for name in "abc"]
        for part in parts:
            await part.set("k", 1)
        server.stop()

        for part in parts:
            await part.set("k", 2)
            await part.delete("k")
            assert await part.get("k") is None
        assert told(caplog) == ["cache.lost"]
        server.start()

        for part in parts:
            assert await part.get("k") is None
            await part.set("k", 3)
            assert await part.get("k") == 3
        assert told(caplog) == ["cache.lost", "cache.recovered"]


async def test_a_server_that_was_restarted_between_two_operations_is_not_missed(server, caplog):
    async with opened(server) as caches:
        cache = caches.scoped("a")
        await asyncio.gather(*(cache.set(str(number), number) for number in range(20)))
        server.stop()
        server.start()

        await asyncio.gather(*(cache.set(str(number), number) for number in range(20)))
        assert [await cache.get(str(number)) for number in range(20)] == list(range(20))
    assert told(caplog) == []


async def test_a_server_that_hangs_costs_no_more_than_the_time_limit(server, caplog, monkeypatch):
    monkeypatch.setattr(cache_of_modules, "_REDIS_TIMEOUT", 0.1)
    caplog.set_level("INFO", "nexus.host")
    async with opened(server) as caches:
        cache = caches.scoped("a")
        await cache.set("k", 1)

        with server.held():
            async with asyncio.timeout(PATIENCE):
                assert set(await asyncio.gather(*(cache.get("k") for _ in range(200)))) == {None}
            assert told(caplog) == ["cache.lost"]
        monkeypatch.undo()
        async with asyncio.timeout(PATIENCE):
            while await cache.get("k") != 1:
                await asyncio.sleep(0.005)
        assert [await cache.get("k") for _ in range(60)] == [1] * 60
        assert told(caplog) == ["cache.lost", "cache.recovered"]


async def test_a_burst_beyond_the_connections_is_no_outage(server, caplog):
    async with opened(server) as caches:
        cache = caches.scoped("a")
        await asyncio.gather(*(cache.set(str(number), number) for number in range(200)))

        found = await asyncio.gather(*(cache.get(str(number)) for number in range(200)))
        assert found == list(range(200))
        with server.client() as client:
            assert len(client.client_list()) <= 51
    assert told(caplog) == []


async def test_an_operation_that_is_cancelled_leaves_its_answer_to_nobody(server):
    async with opened(server) as caches:
        a, b = caches.scoped("a"), caches.scoped("b")
        await a.set("k", "of a")
        await b.set("k", "of b")
        with server.held():
            asked = [asyncio.create_task(a.get("k")) for _ in range(3)]
            await asyncio.sleep(0.05)
            for task in asked:
                task.cancel()
            ended = await asyncio.gather(*asked, return_exceptions=True)

        assert all(isinstance(each, asyncio.CancelledError) for each in ended)
        assert await asyncio.gather(*(b.get("k") for _ in range(20))) == ["of b"] * 20


async def test_a_server_that_is_full_is_told_once_a_minute_and_goes_on_giving(server, caplog):
    time = MovedTime()
    async with opened(server, time=time) as caches:
        cache = caches.scoped("a")
        await cache.set("k", 1)
        with server.client() as client:
            client.config_set("maxmemory", "1")

        for _ in range(3):
            await cache.set("k", 2)
            assert await cache.get("k") == 1
        assert told(caplog) == ["cache.refused"]
        time.seconds += 61
        await cache.set("k", 2)
        assert told(caplog) == ["cache.refused", "cache.refused"]
        assert "OutOfMemory" in caplog.text


async def test_a_wrong_password_is_told_by_its_kind_alone(server, caplog):
    async with opened(server, url=f"redis://:wrong-canary@127.0.0.1:{server.port}") as caches:
        assert await caches.scoped("a").get("k") is None

    assert told(caplog) == ["cache.lost"]
    assert "AuthenticationError" in caplog.text
    assert "canary" not in caplog.text


async def test_no_connection_is_left_when_the_host_has_ended(server):
    async with opened(server) as caches:
        await caches.scoped("a").set("k", 1)

    def others():
        with server.client() as client:
            return len(client.client_list()) > 1

    await until(lambda: not others())


async def test_a_host_that_ends_while_the_server_is_down_ends_as_usual(server):
    async with opened(server) as caches:
        await caches.scoped("a").set("k", 1)
        server.stop()


async def test_a_host_starts_without_the_server_and_uses_it_once_it_is_there(server, workspace, caplog):
    caplog.set_level("INFO", "nexus.host")
    server.stop()
    workspace.module(
        "keeper",
        """
        @m.lifespan
        async def life(context):
            await context.cache.set("k", 1)
            m.cache = context.cache
            yield
        """.replace("m.cache", "globals()['CACHE']"),
    )
    workspace.run_all("keeper", extra=f"[global.cache]\nurl = '{server.url}'\n")

    async with workspace.running() as host:
        assert state(host, "keeper") is ModuleState.RUNNING
        kept = sys.modules["nexus_modules.keeper"].CACHE
        assert await kept.get("k") is None
        server.start()
        await kept.set("k", 2)
        assert await kept.get("k") == 2
    assert [event for event in told(caplog) if event.startswith("cache.")] == ["cache.lost", "cache.recovered"]


async def test_the_switch_of_aiocache_does_not_switch_the_cache_off(server, monkeypatch):
    monkeypatch.setenv("AIOCACHE_DISABLE", "1")
    async with opened(server) as caches:
        cache = caches.scoped("a")
        await cache.set("k", 1)
        assert await cache.get("k") == 1
        await cache.delete("k")
        assert await cache.get("k") is None


@pytest.mark.parametrize(
    "url",
    [
        "redis://:canary/x@localhost",
        "redis://:canary#x@localhost",
        "redis://:canary?x@localhost",
        "redis://:can[ary@localhost",
        "redis://:12/34canary@localhost",
        "redis://localhost:99999",
        "redis://localhost/canary",
        "redis://localhost/-1",
        "redis://localhost?db=1",
    ],
)
async def test_a_url_that_cannot_be_read_is_refused_without_being_quoted(url):
    with pytest.raises(CacheUnavailable, match="percent-encode what is special") as refused:
        Caches(CacheSettings.model_construct(url=url), name="test", clock=MovedTime().clock)

    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


USER = """
import nexus
from aiohttp import web
m = nexus.Module("user", version="1.0")

@m.get("/use", access=nexus.PUBLIC)
async def use(request):
    cache = nexus.context(request).cache
    await cache.set("k", 1)
    return web.json_response({"kept": await cache.get("k"), "cache": repr(cache), "all": repr(vars(cache))})
"""

API = ["/api/version", "/api/modules", "/api/modules/user", "/api/modules/user/config", "/api/health", "/api/routes"]
CONFIG = """
[global.log]
level = "debug"
access = "all"
[modules.user]
path = "mods"
[global.cache]
"""


@pytest.mark.parametrize("given_as", ["variable", "text"])
async def test_the_password_is_in_no_log_and_no_answer(server, tmp_path, given_as):
    url = 'url = { env = "CACHE_URL" }' if given_as == "variable" else f'url = "{server.url}"'

    async with served(tmp_path, CONFIG + url, {"user.py": USER}, environ={"CACHE_URL": server.url}) as host:
        await host.until_started()
        status, used = await host.get("/m/user/use")
        assert (status, b'"kept": 1' in used) == (200, True)
        server.stop()
        _, used_without = await host.get("/m/user/use")
        assert b'"kept": null' in used_without
        server.start()
        await host.get("/m/user/use")
        answers = [await host.get(path, permissions=("admin",)) for path in [*API, "/livez", "/readyz"]]
        assert await host.stop() == 0
        seen = b"".join([host.output, used, used_without, *(body for _, body in answers)])

    assert [status for status, _ in answers] == [200] * len(answers)
    assert [len(host.log(event=event)) for event in ("cache.lost", "cache.recovered")] == [1, 1]
    for form in (PASSWORD, quote(PASSWORD, safe=""), "canary"):
        assert form.encode() not in seen


async def test_a_host_without_the_client_ends_with_one_sentence_that_says_what_to_install(tmp_path):
    (tmp_path / "config.toml").write_text('[global.cache]\nurl = "redis://:canary@localhost"\n')
    blocked = "import sys; sys.modules['redis'] = None; from nexus.cli import main; main()"
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-c", blocked, "serve", "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(3 * PATIENCE):
            output = (await process.communicate())[0].decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert process.returncode != 0
    told = [line for line in output.splitlines() if "pip install 'nexus-host[redis]'" in line]
    assert len(told) == 1, output
    assert "Traceback" not in output
    assert "canary" not in output
