"""One module's trouble is its own: it is told, bounded, and leaves nothing behind."""

import asyncio
import sys

import pytest

from nexus.spec.state import ModuleState as S

from .workspace import code, state, until


async def test_a_module_runs_with_its_settings_routes_checks_and_tasks(workspace):
    workspace.module(
        "good",
        """
        from pydantic import BaseModel
        class Settings(BaseModel):
            greeting: str = "hello"
        m = nexus.Module("good", version="1.0", settings=Settings)
        SEEN = []
        @m.get("/hi", access=nexus.PUBLIC)
        async def hi(request): ...
        async def extra(request): ...
        @m.lifespan
        async def life(context):
            context.registry.add_route("GET", "/extra", extra)
            context.tasks.start("idle", asyncio.sleep(1000))
            SEEN.append(context.settings.greeting)
            yield
            SEEN.append("left")
        """,
    )
    workspace.run_all("good", extra="[modules.good.config]\ngreeting = 'hey'\n")

    async with workspace.running() as host:
        module = host.modules["good"]
        assert (state(host, "good"), host.phase) == (S.RUNNING, "running")
        assert [route.path for route in module.instance.routes] == ["/hi", "/extra"]
        assert [view.value for view in module.settings_views] == ["hey"]
        assert {"import", "settings", "startup"} <= set(module.status.timing)
        assert host.readiness().status == host.startup().status == host.liveness().status == "pass"
        assert host.affected_routes("good") == ("/m/good/extra", "/m/good/hi")

    assert sys.modules["nexus_modules.good"].SEEN == ["hey", "left"]
    assert [event.state for event in module.status.history] == [S.STARTING, S.RUNNING, S.STOPPING, S.STOPPED]


async def test_a_start_that_fails_half_way_leaves_nothing(workspace):
    workspace.module(
        "half",
        """
        ORDER = []
        async def handler(request): ...
        class Resource:
            async def __aenter__(self): ORDER.append("enter")
            async def __aexit__(self, *details): ORDER.append("exit")
        async def task():
            try:
                await asyncio.sleep(1000)
            finally:
                ORDER.append("task")
        @m.startup
        async def start(context):
            async def cleanup(): ORDER.append("cleanup")
            await context.registry.enter(Resource())
            context.registry.add_cleanup(cleanup)
            context.registry.add_route("GET", "/late", handler)
            context.tasks.start("work", task())
            await asyncio.sleep(0)
            raise RuntimeError("no luck")
        """,
    )
    workspace.run_all("half")

    async with workspace.running() as host:
        module = host.modules["half"]
        assert (state(host, "half"), code(host, "half")) == (S.FAILED, "startup_error")
        assert "RuntimeError: no luck" in module.status.reason.message
        assert module.instance is None
        assert sys.modules["nexus_modules.half"].ORDER == ["enter", "task", "cleanup", "exit"]
        assert not [task for task in host.supervisor.tasks() if "half" in task.get_name()]
        assert host.failures() == (("half", S.FAILED, module.status.reason),)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("raise nexus.AuthFailed('token refused')", "auth_failed"),
        ("raise nexus.ConfigError('no such room')", "config_error"),
        ("raise SystemExit(3)", "exited"),
        ("raise asyncio.CancelledError", "cancelled"),
        ("raise ExceptionGroup('two', [ValueError(1), KeyError(2)])", "startup_error"),
        ("context.registry.add_route('GET', '/there', start)", "invalid_declaration"),
        ("await asyncio.sleep(1000)", "startup_timeout"),
    ],
)
async def test_a_failed_start_says_why_and_the_others_run(workspace, body, expected):
    workspace.module("good")
    workspace.module(
        "bad",
        f"""
        @m.get("/there")
        async def there(request): ...
        @m.startup
        async def start(context):
            {body}
        """,
    )
    workspace.run_all("good", "bad")
    config = workspace.directory / "config.toml"
    config.write_text(config.read_text().replace("startup_timeout = 2", "startup_timeout = 0.5"))

    async with workspace.running() as host:
        assert (state(host, "bad"), code(host, "bad")) == (S.FAILED, expected)
        assert state(host, "good") is S.RUNNING
        assert host.readiness().status == "warn"


async def test_a_start_that_hangs_and_swallows_its_cancellation_is_cut_off(workspace):
    workspace.module(
        "stubborn",
        """
        DONE = []
        @m.startup
        async def start(context):
            async def cleanup(): DONE.append("cleanup")
            context.registry.add_cleanup(cleanup)
            while True:
                try:
                    await asyncio.sleep(1000)
                except asyncio.CancelledError:
                    pass
        """,
    )
    workspace.configure("[modules.stubborn]\npath = 'mods'\nstartup_timeout = 0.1\nshutdown_timeout = 0.1\n")

    async with workspace.running() as host:
        assert code(host, "stubborn") == "startup_timeout"
        assert sys.modules["nexus_modules.stubborn"].DONE == ["cleanup"]


async def test_all_settings_are_bound_before_any_start_up_code_runs(workspace):
    workspace.module("eager", "STARTED = []\n@m.startup\nasync def start(context): STARTED.append(len(STARTED))")
    workspace.module(
        "typed",
        "from pydantic import BaseModel\nclass S(BaseModel):\n    port: int\n    host: str\n"
        "m = nexus.Module('typed', version='1', settings=S)\n",
    )
    workspace.run_all("eager", "typed", extra="[modules.typed.config]\nport = 'x'\nprot = 1\n")

    async with workspace.running() as host:
        reason = host.modules["typed"].status.reason
        assert (state(host, "typed"), reason.code) == (S.INVALID_CONFIG, "invalid_settings")
        assert all(part in reason.message for part in ("port", "host", "prot", "config.toml:"))
        assert state(host, "eager") is S.RUNNING


async def test_a_model_whose_validator_raises_anything_breaks_its_own_module_only(workspace):
    workspace.module("good")
    workspace.module(
        "wild",
        """
        from pydantic import BaseModel, field_validator
        class S(BaseModel):
            key: str
            @field_validator("key")
            @classmethod
            def look(cls, value): raise RuntimeError(value)
        m = nexus.Module("wild", version="1", settings=S)
        """,
    )
    workspace.run_all("good", "wild", extra="[modules.wild.config]\nkey = 'hunter2-hunter2'\n")

    async with workspace.running() as host:
        reason = host.modules["wild"].status.reason
        assert state(host, "wild") is S.INVALID_CONFIG
        assert "RuntimeError" in reason.message
        assert "hunter2" not in reason.message
        assert state(host, "good") is S.RUNNING


async def test_a_module_that_is_not_ready_is_tried_again_later_and_later(workspace, time):
    workspace.module(
        "slow",
        """
        TRIES = []
        @m.startup
        async def start(context):
            TRIES.append(1)
            if len(TRIES) < 8:
                raise nexus.NotReady("the device sleeps")
        """,
    )
    workspace.module("needs", arguments=", requires={'slow'}")
    workspace.run_all("slow", "needs")

    async with workspace.running() as host:
        module = host.modules["slow"]
        assert (state(host, "slow"), code(host, "slow")) == (S.RETRYING, "not_ready")
        assert (module.status.retry.attempt, (module.status.retry.next_at - time.now()).seconds) == (1, 5)
        assert (state(host, "needs"), code(host, "needs")) == (S.BLOCKED, "dependency_not_ready")
        assert host.failures() == ()

        for delay in (5, 10, 20, 40, 80, 80, 80):
            assert time.slept[-1] == delay
            await time.advance(delay)
            await until(lambda: state(host, "slow") is not S.STARTING)

        assert state(host, "slow") is S.RUNNING
        assert module.status.retry is None
        await until(lambda: state(host, "needs") is S.RUNNING)


async def test_an_outage_is_logged_once_when_it_begins_and_once_when_it_ends(workspace, time, caplog):
    workspace.module(
        "slow",
        """
        TRIES = []
        @m.startup
        async def start(context):
            TRIES.append(1)
            if len(TRIES) < 4:
                raise nexus.NotReady("later")
        """,
    )
    workspace.run_all("slow")
    caplog.set_level("INFO", "nexus.host")

    async with workspace.running() as host:
        for delay in (5, 10, 20):
            await time.advance(delay)
            await until(lambda: state(host, "slow") is not S.STARTING)

    events = [record.event for record in caplog.records if getattr(record, "module_name", "") == "slow"]
    assert events == ["module.starting", "module.retrying", "module.running", "module.stopping", "module.stopped"]


async def test_what_depends_on_a_failed_module_is_blocked_with_the_chain(workspace):
    workspace.module("base", "@m.startup\nasync def start(context): raise ValueError('broken pipe')")
    workspace.module("middle", arguments=", requires={'base'}")
    workspace.module("top", arguments=", requires={'middle'}")
    workspace.module("soft", arguments=", after={'base', 'absent'}")
    workspace.run_all("base", "middle", "top", "soft")

    async with workspace.running() as host:
        await until(lambda: "broken pipe" in host.modules["top"].status.reason.message)
        assert [state(host, name) for name in ("middle", "top", "soft")] == [S.BLOCKED, S.BLOCKED, S.RUNNING]
        assert (
            "'middle', which is blocked: it requires 'base', which has failed"
            in host.modules["top"].status.reason.message
        )
        assert {name for name, _, _ in host.failures()} == {"base", "middle", "top"}


async def test_modules_that_require_each_other_are_blocked_and_nobody_else(workspace):
    workspace.module("a", arguments=", requires={'b'}")
    workspace.module("b", arguments=", requires={'a'}")
    workspace.module("c")
    workspace.run_all("a", "b", "c")

    async with workspace.running() as host:
        assert [state(host, name) for name in "abc"] == [S.BLOCKED, S.BLOCKED, S.RUNNING]
        assert "a → b → a" in host.modules["a"].status.reason.message


async def test_modules_start_after_what_they_require_and_stop_before_it(workspace):
    for name, needs in (("one", ""), ("two", ", requires={'one'}"), ("three", ", after={'two'}")):
        workspace.module(
            name,
            f"""
            import sys
            LOG = sys.modules.setdefault("order_of_test", [])
            @m.lifespan
            async def life(context):
                LOG.append("+{name}")
                await asyncio.sleep(0)
                yield
                LOG.append("-{name}")
            """,
            arguments=needs,
        )
    workspace.run_all("one", "two", "three")
    sys.modules["order_of_test"] = []

    async with workspace.running():
        pass

    assert sys.modules.pop("order_of_test") == ["+one", "+two", "+three", "-three", "-two", "-one"]


async def test_a_stop_that_hangs_is_bounded_and_the_others_stop(workspace):
    workspace.module("good", "LEFT = []\n@m.shutdown\nasync def end(context): LEFT.append(1)")
    workspace.module(
        "stuck",
        """
        LEFT = []
        @m.lifespan
        async def life(context):
            async def cleanup(): LEFT.append("cleanup")
            context.registry.add_cleanup(cleanup)
            yield
            while True:
                try:
                    await asyncio.sleep(1000)
                except asyncio.CancelledError:
                    LEFT.append("no")
        """,
    )
    workspace.configure("[modules.good]\npath='mods'\n[modules.stuck]\npath='mods'\nshutdown_timeout = 0.1\n")
    loop = asyncio.get_running_loop()

    async with workspace.running() as host:
        began = loop.time()
        await host.stop(30)

        assert loop.time() - began < 3
        assert (state(host, "stuck"), code(host, "stuck")) == (S.STOPPED, "stop_incomplete")
        assert host.modules["stuck"].status.reason.message == "its clean-up did not end within 0.5 s"
        assert sys.modules["nexus_modules.good"].LEFT == [1]
        assert sys.modules["nexus_modules.stuck"].LEFT[-1] == "cleanup"


async def test_a_clean_up_that_raises_keeps_no_other_from_running(workspace):
    workspace.module(
        "messy",
        """
        LEFT = []
        @m.startup
        async def start(context):
            async def cleanup(n):
                LEFT.append(n)
                if n == 2: raise SystemExit("bye")
                raise OSError(n)
            for n in range(4):
                context.registry.add_cleanup(lambda n=n: cleanup(n))
        """,
    )
    workspace.run_all("messy")

    async with workspace.running() as host:
        await host.stop(5)
        assert sys.modules["nexus_modules.messy"].LEFT == [3, 2, 1, 0]
        assert code(host, "messy") == "stop_failed"


async def test_a_background_task_that_dies_degrades_its_module(workspace):
    workspace.module(
        "tired",
        """
        async def work():
            await asyncio.sleep(0.01)
            raise ConnectionError("gone")
        @m.startup
        async def start(context):
            context.tasks.start("poll", work())
        """,
    )
    workspace.run_all("tired", extra="[modules.tired2]\nenabled = false\n")

    async with workspace.running() as host:
        await until(lambda: state(host, "tired") is S.DEGRADED)
        assert code(host, "tired") == "task_failed"
        assert "'poll' raised ConnectionError: gone" in host.modules["tired"].status.reason.message
        assert host.modules["tired"].serving


async def test_a_background_task_that_died_during_the_start_degrades_too(workspace):
    workspace.module(
        "early",
        """
        async def work(): raise SystemExit(1)
        @m.startup
        async def start(context):
            context.tasks.start("poll", work())
            await asyncio.sleep(0.01)
        """,
    )
    workspace.run_all("early")

    async with workspace.running() as host:
        assert (state(host, "early"), code(host, "early")) == (S.DEGRADED, "task_failed")


async def test_a_lifespan_that_ends_by_itself_fails_the_module_and_closes_what_it_opened(workspace):
    workspace.module(
        "group",
        """
        CLOSED = []
        async def work():
            await asyncio.sleep(0.01)
            raise ValueError("bad frame")
        @m.lifespan
        async def life(context):
            async def cleanup(): CLOSED.append(1)
            context.registry.add_cleanup(cleanup)
            async with asyncio.TaskGroup() as group:
                group.create_task(work())
                yield
        """,
    )
    workspace.run_all("group")

    async with workspace.running() as host:
        await until(lambda: state(host, "group") is S.FAILED)
        assert "ValueError: bad frame" in host.modules["group"].status.reason.message
        assert sys.modules["nexus_modules.group"].CLOSED == [1]
        assert host.modules["group"].instance is None


async def test_a_task_that_refuses_its_cancellation_does_not_outlive_the_host(workspace):
    workspace.module(
        "zombie",
        """
        async def work():
            while True:
                try:
                    await asyncio.sleep(0.01)
                except BaseException as error:
                    if isinstance(error, GeneratorExit): raise
        @m.startup
        async def start(context):
            context.tasks.start("immortal", work())
        """,
    )
    workspace.configure("[modules.zombie]\npath='mods'\nshutdown_timeout = 0.1\n")

    async with workspace.running() as host:
        await host.stop(5)
        assert "'zombie.immortal' refused to end" in host.modules["zombie"].status.reason.message


async def test_stopping_while_modules_still_start_undoes_their_start(workspace):
    workspace.module(
        "slow",
        """
        UNDONE = []
        @m.startup
        async def start(context):
            async def cleanup(): UNDONE.append(1)
            context.registry.add_cleanup(cleanup)
            await asyncio.sleep(1000)
        """,
    )
    workspace.run_all("slow")
    before = asyncio.all_tasks()

    async with workspace.make() as host:
        starting = asyncio.ensure_future(host.start())
        await until(lambda: any("slow.lifespan" in task.get_name() for task in host.supervisor.tasks()))
        assert host.startup().status == host.readiness().status == "fail"
        await asyncio.sleep(0.01)
        await host.stop(5)
        await starting

    assert state(host, "slow") is S.STOPPED
    assert sys.modules["nexus_modules.slow"].UNDONE == [1]
    assert asyncio.all_tasks() == before


async def test_modules_hear_of_each_others_moves_and_one_that_raises_disturbs_nobody(workspace):
    workspace.module(
        "ear",
        """
        HEARD = []
        @nexus.hookimpl
        def nexus_module_state_changed(event): HEARD.append((event.module, str(event.state)))
        """,
    )
    workspace.module("rude", "@nexus.hookimpl\ndef nexus_module_state_changed(event): raise SystemExit(9)\n")
    workspace.module("last", arguments=", after={'ear', 'rude'}")
    workspace.run_all("ear", "rude", "last")

    async with workspace.running():
        await asyncio.sleep(0)
        assert ("last", "running") in sys.modules["nexus_modules.ear"].HEARD


async def test_a_task_started_after_the_stop_is_refused(workspace):
    workspace.module("late", "CONTEXT = []\n@m.startup\nasync def start(context): CONTEXT.append(context)")
    workspace.run_all("late")

    async with workspace.running() as host:
        context = host.modules["late"].instance.context
        with pytest.raises(Exception, match="after its start"):
            context.registry.add_route("GET", "/x", host.start)
        await host.stop(5)
        with pytest.raises(Exception, match="has stopped"):
            context.tasks.start("x", asyncio.sleep(1))


async def test_a_required_module_that_does_not_serve_holds_readiness(workspace):
    workspace.module("core", "@m.startup\nasync def start(context): raise nexus.NotReady('wait')")
    workspace.configure("[modules.core]\npath='mods'\nrequired = true\n[modules.gone]\nrequired = true\n")

    async with workspace.running() as host:
        ready = host.readiness()
        assert ready.status == "fail"
        assert [reason.code for reason in ready.reasons] == ["module_retrying", "module_not_found"]
        assert [reason.message for reason in host.startup().reasons] == ["required module 'core' is retrying"]


async def test_readiness_fails_at_once_when_the_host_drains_and_the_modules_go_on(workspace):
    workspace.module("good")
    workspace.run_all("good")

    async with workspace.running() as host:
        host.begin_drain()
        assert host.readiness().reasons[0].code == "host_draining"
        assert host.modules["good"].serving
        assert host.liveness().status == "pass"
