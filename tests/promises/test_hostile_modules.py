"""One module's failure, wherever it happens, touches no other module and not the host."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from .hostile_modules import CONFIG, FILES
from .served import PATIENCE, Served, served

HOSTILE = [name.removesuffix(".py") for name in FILES if name != "good.py"]


class Customer:
    """Asks the good module again and again, as long as the host takes connections; keeps every answer that is wrong."""

    def __init__(self, host: Served) -> None:
        self.host = host
        self.answered = 0
        self.wrong: list[tuple[int, bytes]] = []
        self.is_gone = False

    async def run(self) -> None:
        while not self.is_gone:
            try:
                status, body = await self.host.get("/m/good/ping")
            except OSError:
                self.is_gone = True  # refused: the host has stopped listening
                return
            if (status, json.loads(body)) != (200, {"message": "pong"}):
                self.wrong.append((status, body))
            self.answered += 1
            await asyncio.sleep(0.005)


@asynccontextmanager
async def with_customer(host: Served) -> AsyncIterator[Customer]:
    await host.until_running("good")
    customer = Customer(host)
    task = asyncio.create_task(customer.run())
    try:
        yield customer
    finally:
        task.cancel()
        await asyncio.wait({task})


@pytest.fixture
async def host(tmp_path):
    async with served(tmp_path, CONFIG, FILES) as running:
        yield running


REASONS = {
    "raises_at_import": ("failed", "import_error", ["the licence file is missing", "raises_at_import.py:1"]),
    "exits_at_import": ("failed", "exited", ["sys.exit(3)", "exits_at_import.py:2", "take the call out"]),
    "syntax_error": ("failed", "syntax_error", ["syntax_error.py:3", "correct the line"]),
    "lacks_dependency": ("failed", "missing_dependency", ["pip install a_library_that_nobody_installed"]),
    "invalid_settings": ("invalid_config", None, ["config.toml:", "modules.invalid_settings.config.retries"]),
    "start_hangs": ("failed", "startup_timeout", ["1 s", "startup_timeout"]),
    "start_fails": ("failed", "startup_error", ["the warehouse at 10.0.0.7 refuses connections"]),
    "handler_raises": ("running", None, []),
    "task_dies": ("degraded", "task_failed", ["'poll'", "the feed has no column 'price'", "reload"]),
    "stop_hangs": ("running", None, []),
}


async def test_each_hostile_module_shows_its_state_and_a_reason_to_act_on(host):
    await host.until_started()

    modules = await host.modules()

    for name, (state, code, parts) in REASONS.items():
        shown = modules[name]
        assert shown["state"] == state, shown
        if state == "running":
            assert shown["reason"] is None
            continue
        assert code in (None, shown["reason"]["code"]), shown
        missing = [part for part in parts if part not in shown["reason"]["message"]]
        assert missing == [], shown["reason"]
    assert modules["good"]["state"] == "running"
    assert modules["good"]["reason"] is None


async def test_the_good_module_serves_from_its_start_to_the_end_whatever_the_others_do(host):
    async with with_customer(host) as customer:
        await host.until_started()
        answers = [
            await host.get(path) for path in [f"/m/handler_raises/{name}" for name in ("boom", "exit", "odd")] * 5
        ]
        await host.until(lambda: customer.answered > 10)
        code = await host.stop()
        await host_gone(customer)

    assert {status for status, _ in answers} == {500}
    assert customer.wrong == []
    assert code == 0
    told = [(line.get("event"), line.get("module")) for line in host.log()]
    assert told.index(("module.running", "good")) < told.index(("module.failed", "start_hangs")), "it waits for nobody"


async def host_gone(customer: Customer) -> None:
    async with asyncio.timeout(PATIENCE):
        while not customer.is_gone:
            await asyncio.sleep(0.01)


async def test_a_handler_that_raises_answers_500_and_its_neighbour_serves_on(host):
    await host.until_started()

    assert await host.get("/m/handler_raises/again") == (200, b"made once")
    for path in ("boom", "exit", "nothing", "odd", "cancelled", "again", "members"):
        status, body = await asyncio.wait_for(host.get(f"/m/handler_raises/{path}"), PATIENCE)
        problem = json.loads(body)
        assert (status, problem["status"]) == (500, 500)
        assert "4711" not in problem["detail"]
        assert host.log(request_id=problem["request_id"], module="handler_raises")

    assert await host.get("/m/handler_raises/fine") == (200, b"fine")
    assert (await host.modules())["handler_raises"]["state"] == "running"


async def test_modules_that_do_not_run_answer_503_and_degraded_ones_serve(host):
    await host.until_started()

    for path in ("/m/start_fails/declared", "/m/start_fails/added", "/m/raises_at_import/", "/m/start_hangs/x"):
        status, _ = await host.get(path, permissions=("admin",))
        assert status == 503, path
    for path in ("/m/task_dies/fine", "/m/stop_hangs/fine"):
        assert await host.get(path) == (200, b"fine")


async def test_a_start_that_fails_half_way_leaves_nothing_behind(host):
    await host.until_started()

    port = int((host.folder / "start-fails-port").read_text())
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.2", port)
    assert (host.folder / "start-fails-task-ended").exists()
    assert (host.folder / "start-fails-cleanups").read_text().split() == ["second", "first"]
    assert not (host.folder / "start-fails-served").exists()
    assert not (host.folder / "invalid-settings-started").exists()
    inside = json.loads((await host.get("/m/good/inside"))[1])
    assert [name for name in inside["tasks"] if "start_fails" in name or "start_hangs" in name] == []
    assert "/m/start_fails/added" not in {route["path"] for route in await host.api("/api/routes")}
    for name in ("raises_at_import", "exits_at_import", "syntax_error", "lacks_dependency"):
        assert f"nexus_modules.{name}" not in inside["imported"]


async def test_provocations_leave_no_task_and_no_file_open(host):
    await host.until_started()
    await host.get("/m/good/inside")
    before = json.loads((await host.get("/m/good/inside"))[1])

    for _ in range(30):
        await asyncio.gather(*(host.get(f"/m/handler_raises/{path}") for path in ("boom", "exit", "odd", "again")))
        await host.get("/m/start_fails/declared")

    async def same() -> bool:
        after = json.loads((await host.get("/m/good/inside"))[1])
        # The client keeps connections of its own open; what a provocation leaves would be there thirty times.
        return after["files"] < before["files"] + 20 and len(after["tasks"]) < len(before["tasks"]) + 20

    async with asyncio.timeout(PATIENCE):
        while not await same():
            await asyncio.sleep(0.02)


async def test_the_probes_tell_that_something_is_wrong_and_that_the_host_serves(host):
    await host.until_started()

    assert await host.get("/livez") == (200, b'{"status": "pass"}')
    assert await host.get("/readyz") == (200, b'{"status": "warn"}')
    status, body = await host.get("/readyz", permissions=("admin",))
    assert status == 200
    told = "\n".join(json.loads(body)["notes"])
    assert all(name in told for name in HOSTILE if name not in {"handler_raises", "stop_hangs"})


async def test_a_hanging_stop_is_told_and_the_others_stop_in_time(host):
    await host.until_started()

    assert await host.stop() == 0

    told = " ".join(str(line["message"]) for line in host.log() if line.get("module") == "stop_hangs")
    assert "stubborn" in told
    assert "0.5 s" in told
    stopped = [line["module"] for line in host.log(event="module.stopped")]
    assert {"good", "task_dies", "handler_raises", "stop_hangs"} <= set(stopped)
    unexpected = [line for line in host.log(logger="asyncio") if "never retrieved" in str(line)]
    assert unexpected == []


async def test_a_signal_while_modules_still_start_stops_cleanly(tmp_path):
    async with served(tmp_path, CONFIG.replace("startup_timeout = 1", "startup_timeout = 600"), FILES) as host:
        await host.until_running("good")

        host.signal(signal.SIGINT)

        assert await host.ended() == 0
        assert not host.log(event="host.running")
