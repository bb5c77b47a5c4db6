"""What the probes answer, and how checks move their modules."""

import sys

from nexus.host.readiness import judge
from nexus.spec.state import ModuleState as S
from nexus.spec.state import Reason

from .workspace import code, state, until

CHECKED = """
BROKEN = []
@m.check("disk", timeout=1, interval=10, critical={critical})
async def disk(context):
    if BROKEN:
        raise OSError("disk is full")
    return {{"free": 5}}
"""


def results(host):
    return {f"{result.module}.{result.name}": result.status for result in host.health.results()}


async def test_a_failing_critical_check_degrades_its_module_until_it_passes(workspace, time):
    workspace.module("db", CHECKED.format(critical=True))
    workspace.configure("[modules.db]\npath='mods'\nrequired=true\n")

    async with workspace.running() as host:
        await until(lambda: results(host) == {"db.disk": "pass"})
        assert host.readiness().status == "pass"

        sys.modules["nexus_modules.db"].BROKEN.append(1)
        await time.advance(11)
        await until(lambda: state(host, "db") is S.DEGRADED)
        assert code(host, "db") == "check_failed"
        assert [reason.code for reason in host.readiness().reasons] == ["check_fail", "module_degraded"]
        assert host.readiness().status == "fail"
        assert host.modules["db"].serving

        sys.modules["nexus_modules.db"].BROKEN.clear()
        await time.advance(11)
        await until(lambda: state(host, "db") is S.RUNNING)
        assert host.readiness().status == "pass"
        assert [event.type for event in host.events.recent()].count("health.changed") == 3


async def test_a_failing_check_that_is_not_critical_is_a_warning(workspace):
    workspace.module("db", CHECKED.format(critical=False) + "BROKEN.append(1)\n")
    workspace.configure("[modules.db]\npath='mods'\nrequired=true\n")

    async with workspace.running() as host:
        await until(lambda: results(host) == {"db.disk": "fail"})
        assert (host.readiness().status, state(host, "db")) == ("warn", S.RUNNING)


async def test_a_required_modules_critical_check_is_waited_for_before_the_host_is_ready(workspace):
    workspace.module("db", "@m.check('slow')\nasync def slow(context): await asyncio.sleep(1000)\n")
    workspace.configure("[modules.db]\npath='mods'\nrequired=true\n")

    async with workspace.running() as host:
        assert [reason.code for reason in host.readiness().reasons] == ["check_pending"]
        assert host.readiness().status == "fail"
        assert host.startup().status == "pass"


async def test_a_stale_result_of_a_critical_check_fails_readiness(workspace, time):
    workspace.module("db", CHECKED.format(critical=True))
    workspace.configure("[modules.db]\npath='mods'\nrequired=true\n")

    async with workspace.running() as host:
        await until(lambda: results(host) == {"db.disk": "pass"})
        time.seconds += 31  # nobody wakes the board: it hangs
        assert [reason.code for reason in host.readiness().reasons] == ["check_unknown"]
        assert host.readiness().status == "fail"


async def test_a_check_that_still_fails_keeps_its_module_degraded_across_a_reload(workspace):
    workspace.module(
        "db",
        """
        from pydantic import BaseModel
        class Settings(BaseModel):
            size: int = 1
        m = nexus.Module("db", version="1.0", settings=Settings)
        """
        + CHECKED.format(critical=True).replace("\n", "\n        ")
        + "\n        BROKEN.append(1)\n",
    )
    workspace.run_all("db")

    async with workspace.running() as host:
        await until(lambda: state(host, "db") is S.DEGRADED)
        workspace.run_all("db", extra="[modules.db.config]\nsize = 2\n")
        report = await host.reload(workspace.load())

        assert report.restarted == ("db",)
        assert (state(host, "db"), code(host, "db")) == (S.DEGRADED, "check_failed")


async def test_other_rooms_can_hold_readiness_or_warn(workspace):
    workspace.module("good")
    workspace.run_all("good")

    async with workspace.running() as host:
        missing, stale = Reason("keys_missing", "no keys are to be had"), Reason("keys_old", "old keys serve")
        given = [judge([missing]), judge([], [stale]), judge([])]
        host.add_readiness_source("auth", lambda: given.pop(0))
        assert host.readiness() == judge([missing])
        assert host.readiness() == judge([], [stale])
        assert host.readiness().status == "pass"


async def test_startup_passes_once_a_required_module_has_finally_failed(workspace):
    workspace.module("core", "@m.startup\nasync def start(context): raise ValueError('x')")
    workspace.module("user", arguments=", requires={'core'}")
    workspace.configure("[modules.core]\npath='mods'\nrequired=true\n[modules.user]\npath='mods'\nrequired=true\n")

    async with workspace.make() as host:
        assert host.startup().status == "fail"
        await host.start()
        await until(lambda: host.startup().status == "pass")
        assert host.readiness().status == "fail"


async def test_a_switched_off_module_is_not_waited_for(workspace):
    workspace.module("off")
    workspace.configure("[modules.off]\npath='mods'\nrequired=true\nenabled=false\n")

    async with workspace.running() as host:
        assert (state(host, "off"), host.readiness().status) == (S.DISABLED, "pass")
        assert host.failures() == ()


async def test_secrets_show_in_no_reason_event_or_result(workspace):
    canary = "canary-5f2a9c-secret"
    workspace.module(
        "leaky",
        f"""
        @m.check("c")
        async def c(context): raise OSError("{canary}")
        @m.startup
        async def start(context):
            async def work(): raise OSError("{canary}")
            context.tasks.start("work", work())
        """,
    )
    workspace.module("loud", f"@m.startup\nasync def start(context): raise ValueError('{canary}')")
    workspace.scrubber.register(canary)
    workspace.run_all("leaky", "loud")

    async with workspace.running() as host:
        await until(lambda: results(host) == {"leaky.c": "fail"} and state(host, "leaky") is S.DEGRADED)
        shown = [module.status.history for module in host.modules.values()]
        assert canary not in repr([shown, host.events.recent(), host.health.results(), host.readiness()])
