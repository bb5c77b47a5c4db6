"""Everything that is wrong with a module's tables is told at once, and only that module pays for it."""

from nexus.spec.state import ModuleState as S

from .workspace import state

JOBS = """
from pydantic import BaseModel
class Options(BaseModel):
    days: int = 30
@m.job("sweep", options=Options)
async def sweep(context, options): ...
@m.job("tidy")
async def tidy(context): ...
"""


async def test_the_options_of_jobs_are_bound_with_the_settings(workspace):
    workspace.module("jobs", JOBS)
    workspace.run_all(
        "jobs",
        extra="[[modules.jobs.jobs]]\ntype='sweep'\nname='weekly'\noptions={days=7}\n[[modules.jobs.jobs]]\ntype='tidy'\n",
    )

    async with workspace.running() as host:
        bound = host.modules["jobs"].bound
        assert bound.jobs["weekly"].days == 7
        assert bound.jobs["tidy"] is None
        assert bound.errors == ()


async def test_wrong_jobs_make_the_module_invalid_with_every_mistake(workspace):
    workspace.module("jobs", JOBS)
    workspace.run_all(
        "jobs",
        extra="""
        [[modules.jobs.jobs]]
        type = "sweeep"
        [[modules.jobs.jobs]]
        type = "sweep"
        options = { days = "many" }
        [[modules.jobs.jobs]]
        type = "tidy"
        options = { days = 1 }
        """,
    )

    async with workspace.running() as host:
        message = host.modules["jobs"].status.reason.message
        assert state(host, "jobs") is S.INVALID_CONFIG
        for part in ("did you mean 'sweep'", "jobs[1].options.days", "jobs[2].options.days", "config.toml:7"):
            assert part in message


async def test_a_mistake_in_one_job_hides_none_of_another(workspace):
    workspace.module("jobs", JOBS)
    workspace.run_all(
        "jobs",
        extra="""
        [[modules.jobs.jobs]]
        type = "sweeep"
        schedule = "0 25 * * *"
        [[modules.jobs.jobs]]
        type = "sweep"
        overlap = "never"
        timezone = "Mars/Base"
        schedule = "61 * * * *"
        options = { dayz = 1 }
        [[modules.jobs.jobs]]
        type = "sweep"
        """,
    )

    async with workspace.running() as host:
        message = host.modules["jobs"].status.reason.message
        assert state(host, "jobs") is S.INVALID_CONFIG
        told = (
            "jobs[0].type: the module has no job 'sweeep'",
            "jobs[0].schedule: schedule '0 25 * * *' has a bad hour '25'",
            "jobs[1].overlap: ",
            "jobs[1].timezone: ",
            "jobs[1].schedule: schedule '61 * * * *' has a bad minute '61'",
            "jobs[1].options.dayz: is not known here: did you mean 'days'?",
            "jobs: has two jobs of one name",
        )
        assert [part for part in told if message.count(part) != 1] == []


async def test_options_that_come_in_a_variable_with_their_jobs_are_bound(workspace):
    workspace.module("jobs", JOBS)
    workspace.run_all("jobs")

    workspace.environ["NEXUS__MODULES__JOBS__JOBS"] = '[{type = "sweep", options = {days = 7}}]'
    async with workspace.running() as host:
        assert host.modules["jobs"].bound.jobs["sweep"].days == 7

    workspace.environ["NEXUS__MODULES__JOBS__JOBS"] = '[{type = "sweep", options = {dayz = 7}}]'
    async with workspace.running() as host:
        assert (
            "jobs[0].options.dayz: is not known here: did you mean 'days'?"
            in host.modules["jobs"].status.reason.message
        )


async def test_a_job_of_a_module_without_jobs_says_so(workspace):
    workspace.module("plain")
    workspace.run_all("plain", extra="[[modules.plain.jobs]]\ntype='x'\n")

    async with workspace.running() as host:
        assert "has no job 'x': it has none, take the entry out" in host.modules["plain"].status.reason.message


async def test_a_module_without_settings_takes_none(workspace):
    workspace.module("plain")
    workspace.run_all("plain", extra="[modules.plain.config]\nx = 1\n")

    async with workspace.running() as host:
        assert state(host, "plain") is S.INVALID_CONFIG


async def test_a_reference_that_leads_nowhere_makes_its_module_invalid_and_no_other(workspace):
    workspace.module("good")
    workspace.module(
        "keyed",
        """
        from pydantic import BaseModel
        class S(BaseModel):
            key: nexus.Secret | None = None
        m = nexus.Module("keyed", version="1", settings=S)
        """,
    )
    workspace.run_all("good", "keyed", extra="[modules.keyed.config]\nkey = { env = 'NOT_THERE' }\n")

    async with workspace.running() as host:
        assert (state(host, "keyed"), state(host, "good")) == (S.INVALID_CONFIG, S.RUNNING)
        assert "NOT_THERE" in host.modules["keyed"].status.reason.message
