"""A reload restarts what changed and nothing else; what does not come up leaves the old in its place."""

import asyncio
import sys

from nexus.spec.state import ModuleState as S

from .workspace import code, state, until

SETTINGS = """
from pydantic import BaseModel
class Settings(BaseModel):
    mode: str = "first"
m = nexus.Module({name!r}, version="1.0", settings=Settings{arguments})
LOG = []
"""
LIFE = """
@m.lifespan
async def life(context):
    LOG.append("+" + context.settings.mode)
    if context.settings.mode == "broken":
        raise ValueError("cannot be broken")
    if context.settings.mode == "hangs":
        await asyncio.sleep(1000)
    yield
    LOG.append("-" + context.settings.mode)
"""


def write(workspace, *names, **arguments):
    for name in names:
        head = SETTINGS.format(name=name, arguments=arguments.get(name, ""))
        workspace.module(name, head + LIFE)


def log(name):
    return sys.modules[f"nexus_modules.{name}"].LOG


def mode(name, value):
    return f"[modules.{name}.config]\nmode = {value!r}\n"


async def test_only_the_module_whose_settings_changed_is_restarted(workspace):
    write(workspace, "one", "two")
    workspace.run_all("one", "two")

    async with workspace.running() as host:
        before = host.modules["one"].instance, host.modules["two"].instance
        workspace.run_all("one", "two", extra=mode("two", "second"))
        report = await host.reload(workspace.load())

        assert (report.restarted, report.started, report.stopped, report.succeeded) == (("two",), (), (), True)
        assert host.modules["one"].instance is before[0]
        assert host.modules["two"].instance is not before[1]
        assert log("one") == ["+first"]
        assert log("two") == ["+first", "+second", "-first"]  # the new one beside the old
        assert host.modules["two"].settings_views[0].value == "second"
        assert (state(host, "two"), code(host, "two")) == (S.RUNNING, "reloaded")


async def test_a_new_instance_that_does_not_start_leaves_the_old_one_serving(workspace):
    write(workspace, "one")
    workspace.run_all("one")

    async with workspace.running() as host:
        old = host.modules["one"].instance
        for value, reason in (("broken", "startup_error"), ("hangs", "startup_timeout")):
            workspace.configure(f"[modules.one]\npath='mods'\nstartup_timeout=0.5\n{mode('one', value)}")
            report = await host.reload(workspace.load())

            assert not report.succeeded
            assert report.failed["one"].code == reason
            assert host.modules["one"].instance is old
            assert host.modules["one"].status.last_reload.reason.code == reason
            assert (state(host, "one"), host.modules["one"].settings_views[0].value) == (S.RUNNING, "first")
        assert [event.type for event in host.events.recent()].count("module.reload_failed") == 2

        workspace.run_all("one", extra=mode("one", "third"))
        assert (await host.reload(workspace.load())).succeeded
        assert host.modules["one"].status.last_reload is None


async def test_settings_that_do_not_bind_leave_the_old_instance_serving(workspace):
    write(workspace, "one")
    workspace.run_all("one")

    async with workspace.running() as host:
        workspace.run_all("one", extra="[modules.one.config]\nmood = 1\n")
        report = await host.reload(workspace.load())

        assert report.failed["one"].code == "invalid_settings"
        assert "mood" in report.failed["one"].message
        assert host.modules["one"].serving


async def test_a_broken_file_changes_nothing_at_all(workspace):
    write(workspace, "one")
    workspace.run_all("one")

    async with workspace.running() as host:
        workspace.configure("[global\n")
        report = await host.reload(workspace.load())

        assert not report.succeeded
        assert report.problems
        assert host.modules["one"].serving
        assert log("one") == ["+first"]


async def test_what_requires_a_restarted_module_is_restarted_after_it(workspace):
    write(workspace, "base", "user", "other", user=", requires={'base'}")
    workspace.run_all("base", "user", "other")

    async with workspace.running() as host:
        workspace.run_all("base", "user", "other", extra=mode("base", "second"))
        report = await host.reload(workspace.load())

        assert report.restarted == ("base", "user")
        assert log("user") == ["+first", "+first", "-first"]

        workspace.run_all("base", "user", "other", extra=mode("base", "broken"))
        report = await host.reload(workspace.load())
        assert (report.restarted, tuple(report.failed)) == ((), ("base",))


async def test_modules_come_and_go_with_their_tables(workspace):
    write(workspace, "base", "user", "fresh", user=", requires={'base'}")
    workspace.run_all("base", "user")

    async with workspace.running() as host:
        shown = host.modules
        workspace.run_all("user", "fresh", extra="[modules.base]\npath='mods'\nenabled=false\n")
        report = await host.reload(workspace.load())

        assert (report.started, report.stopped) == (("fresh",), ("base", "user"))
        assert [state(host, name) for name in ("base", "user", "fresh")] == [S.DISABLED, S.BLOCKED, S.RUNNING]
        assert [host.modules[name].instance for name in ("base", "user")] == [None, None]

        workspace.run_all("base", "user")
        report = await host.reload(workspace.load())
        await until(lambda: state(host, "user") is S.RUNNING)
        assert list(host.modules) == ["base", "user"]
        assert list(shown) == ["base", "user"]


async def test_a_reload_tries_again_what_has_failed(workspace):
    write(workspace, "one")
    workspace.run_all("one", extra=mode("one", "broken"))

    async with workspace.running() as host:
        assert state(host, "one") is S.FAILED
        workspace.run_all("one", extra=mode("one", "mended"))
        report = await host.reload(workspace.load())

        assert report.started == ("one",)
        assert state(host, "one") is S.RUNNING


async def test_a_new_module_that_does_not_come_to_run_is_reported_as_failed(workspace, caplog):
    write(workspace, "one", "broken", "wrong")
    workspace.run_all("one")

    async with workspace.running() as host:
        extra = f"{mode('broken', 'broken')}[modules.wrong.config]\nmood = 1\n"
        workspace.run_all("one", "broken", "wrong", "lost", extra=extra)
        with caplog.at_level("INFO", "nexus.host"):
            report = await host.reload(workspace.load())

        assert not report.succeeded
        assert {name: reason.code for name, reason in report.failed.items()} == {
            "broken": "startup_error",
            "wrong": "invalid_settings",
            "lost": "not_found",
        }
        told = [record.getMessage() for record in caplog.records if getattr(record, "event", "") == "host.reloaded"]
        assert told == ["reloaded: restarted none, started none, stopped none, failed broken, lost, wrong"]


async def test_a_reload_starts_a_waiting_module_without_waiting(workspace, time):
    workspace.module(
        "slow", "T = []\n@m.startup\nasync def start(c):\n  T.append(1)\n  if len(T) < 2: raise nexus.NotReady('x')"
    )
    workspace.run_all("slow")

    async with workspace.running() as host:
        await host.reload(workspace.load())
        assert state(host, "slow") is S.RUNNING
        await time.advance(1000)
        assert sys.modules["nexus_modules.slow"].T == [1, 1]


async def test_longer_time_limits_are_taken_over_without_a_restart(workspace):
    write(workspace, "one")
    workspace.run_all("one")

    async with workspace.running() as host:
        old = host.modules["one"].instance
        workspace.configure("[modules.one]\npath='mods'\nrequired=true\nshutdown_timeout=7\n")
        report = await host.reload(workspace.load())

        assert report.restarted == ()
        assert host.modules["one"].instance is old
        assert (host.modules["one"].required, old.shutdown_seconds) == (True, 7)


async def test_the_hosts_own_settings_are_said_to_need_a_restart(workspace):
    write(workspace, "one")
    workspace.run_all("one")

    async with workspace.running() as host:
        workspace.run_all("one", extra="[global.server]\nport = 4000\n[global.log]\nlevel = 'debug'\n")
        report = await host.reload(workspace.load())

        assert (report.needs_restart, report.log_level) == (("base_url", "server.port"), "debug")
        assert (host.settings.global_.server.port, host.settings.global_.log.level) == (3001, "debug")


async def test_a_replaced_instance_is_drained_before_it_stops(workspace):
    write(workspace, "one")
    workspace.run_all("one")

    async with workspace.running() as host:
        seen = []

        async def drain(instance):
            seen.append((instance is old, host.modules["one"].instance is not old, list(log("one"))))

        old = host.modules["one"].instance
        host.add_drain(drain)
        workspace.run_all("one", extra=mode("one", "second"))
        await host.reload(workspace.load())

        assert seen == [(True, True, ["+first", "+second"])]


async def test_a_reload_during_the_start_follows_it(workspace):
    workspace.module("patient", "GO = asyncio.Event()\n@m.startup\nasync def start(c): await GO.wait()")
    write(workspace, "fresh")
    workspace.run_all("patient")

    async with workspace.make() as host:
        starting = host.supervisor.start("start", host.start(), owner="test")
        await until(lambda: "nexus_modules.patient" in sys.modules and state(host, "patient") is S.STARTING)
        workspace.run_all("patient", "fresh")
        reloading = host.supervisor.start("reload", host.reload(workspace.load()), owner="test")
        for _ in range(20):
            await asyncio.sleep(0)
        assert not reloading.done()

        sys.modules["nexus_modules.patient"].GO.set()
        await starting
        assert (await reloading).started == ("fresh",)


async def test_a_stop_during_a_reload_leaves_nothing(workspace):
    write(workspace, "one")
    workspace.run_all("one")

    async with workspace.running() as host:
        workspace.run_all("one", extra=mode("one", "hangs"))
        reloading = host.supervisor.start("test", host.reload(workspace.load()), owner="test")
        await until(lambda: log("one") == ["+first", "+hangs"])
        await host.stop(5)
        assert not (await reloading).succeeded
        assert state(host, "one") is S.STOPPED


async def test_a_waiting_module_that_loses_its_table_is_gone(workspace, time):
    workspace.module("slow", "@m.startup\nasync def start(c): raise nexus.NotReady('x')")
    workspace.module("good")
    workspace.run_all("slow", "good")

    async with workspace.running() as host:
        workspace.run_all("good")
        await host.reload(workspace.load())
        assert list(host.modules) == ["good"]
        assert not [task for task in host.supervisor.tasks() if "slow" in task.get_name()]
        await time.advance(100)
        assert host.readiness().status == "pass"


async def test_a_host_that_stops_takes_no_reload(workspace):
    workspace.module("good")
    workspace.run_all("good")

    async with workspace.running() as host:
        host.begin_drain()
        report = await host.reload(workspace.load())
        assert "takes no reload" in report.problems[0].message


async def test_a_module_that_lost_a_background_task_is_started_anew(workspace):
    workspace.module(
        "one",
        """
m = nexus.Module("one", version="1.0")
TRIES = []
async def work():
    TRIES.append(1)
    if len(TRIES) == 1:
        raise RuntimeError("lost")
@m.startup
async def start(context):
    context.tasks.start("work", work())
""",
    )
    workspace.run_all("one")

    async with workspace.running() as host:
        await until(lambda: state(host, "one") is S.DEGRADED)

        report = await host.reload(workspace.load())

        assert report.restarted == ("one",)
        assert state(host, "one") is S.RUNNING
