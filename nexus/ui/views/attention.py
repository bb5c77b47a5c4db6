"""What somebody should look at, the worst first: modules, checks, jobs, and the host itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from nexus.host.host import Host, Readiness
from nexus.jobs.job_state import JobState
from nexus.jobs.run import Run
from nexus.ui.views.module_rows import group_of
from nexus.ui.words import segment

Level = Literal["bad", "warn"]

MOST: Final = 10
"""Items that the overview shows; the lists have all."""

_WARN_STATES: Final = frozenset({"degraded", "retrying", "starting", "stopping", "blocked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to look at.

    Attributes:
        level: `bad` where something does not work, `warn` where it may soon.
        what: the kind of thing.
        name: which one.
        link: its page, below `/ui`.
        told: what is wrong, one sentence.
        state: where it stands, in a word.
        since: UTC instant; None where it is not known.
    """

    level: Level
    what: str
    name: str
    link: str
    told: str
    state: str
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """Jobs whose latest run went wrong.

    Attributes:
        total: how many there are.
        first: as many of them as the overview may show.
    """

    total: int = 0
    first: Sequence[JobState] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """What to look at.

    Attributes:
        shown: the first of it, the worst first.
        total: how many there are.
        bad: how many of them do not work.
    """

    shown: Sequence[Item]
    total: int
    bad: int

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.total - len(self.shown)


def attention(host: Host, ready: Readiness, of_modules: Sequence[Item], failing: Failing, trouble: str) -> Attention:
    """Gives what to look at, the worst first.

    Args:
        host: its phase and its loop are looked at.
        ready: whether it should be sent requests.
        of_modules: what `items_of_modules` gives.
        failing: the jobs whose latest run went wrong.
        trouble: why the store of runs does not answer; empty where it does.
    """
    found = [*_of_host(host, ready, trouble), *of_modules]
    bad = [item for item in found if item.level == "bad"]
    warnings = [item for item in found if item.level != "bad"]
    jobs = [_of_job(state, state.last_run) for state in failing.first if state.last_run is not None]
    return Attention(
        shown=(bad + jobs + warnings)[:MOST], total=len(found) + failing.total, bad=len(bad) + failing.total
    )


def items_of_modules(host: Host) -> tuple[Item, ...]:
    """Gives what is to look at of modules and their checks."""
    return (*_of_modules(host), *_of_checks(host))


def _of_host(host: Host, ready: Readiness, trouble: str) -> Iterable[Item]:
    live = host.liveness()
    for reason in live.reasons:
        yield _host("bad" if live.status == "fail" else "warn", reason.message, reason.code)
    if host.phase != "running":
        yield _host("warn", f"The host is {host.phase}.", host.phase)
    if trouble:
        yield _host("bad", trouble, "store_away")
    for reason in ready.reasons:
        # Modules and checks have items of their own.
        if reason.code in ("jobs_waiting", "keys_unavailable", "issuer_unavailable"):
            yield _host("warn", reason.message, reason.code)


def _host(level: Level, told: str, state: str) -> Item:
    return Item(level=level, what="host", name="The host", link="/health", told=told, state=state, since=None)


def _of_modules(host: Host) -> Iterable[Item]:
    for module in host.modules.values():
        status = module.status
        if group_of(module) == "attention":
            told = status.reason.message if status.reason else ""
            level: Level = "warn" if str(status.state) in _WARN_STATES and not module.required else "bad"
            yield Item(
                level=level,
                what="module",
                name=module.name,
                link=f"/modules/{segment(module.name)}",
                told=told,
                state=status.state,
                since=status.since,
            )
        elif status.last_reload is not None:
            told = f"The last reload was refused: {status.last_reload.reason.message}"
            yield Item(
                level="warn",
                what="module",
                name=module.name,
                link=f"/modules/{segment(module.name)}",
                told=told,
                state="reload refused",
                since=status.last_reload.at,
            )


def _of_checks(host: Host) -> Iterable[Item]:
    for result in host.health.results():
        # A critical check that fails degrades its module, which is listed with this very reason.
        if result.status in ("fail", "warn") and not (result.critical and result.status == "fail"):
            yield Item(
                level="warn",
                what="check",
                name=f"{result.module} {result.name}",
                link=f"/modules/{segment(result.module)}#checks",
                told=result.output or "",
                state="fails" if result.status == "fail" else "warns",
                since=result.at,
            )


def _of_job(state: JobState, last: Run) -> Item:
    job = state.definition
    return Item(
        level="bad",
        what="job",
        name=f"{job.module} {job.name}",
        link=f"/modules/{segment(job.module)}/jobs/{segment(job.name)}",
        told=last.error.message if last.error else last.reason or "",
        state=str(last.status),
        since=last.finished_at,
    )
