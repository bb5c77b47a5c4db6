"""What the probes answer: decided from plain facts, without asking anybody."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from nexus.checks.board import CheckResult
from nexus.host.hosted_module import HostedModule
from nexus.spec.state import ModuleState, Reason

Phase = Literal["starting", "running", "draining", "stopped"]

_NOT_ASKED_FOR: Final = frozenset({ModuleState.AVAILABLE, ModuleState.DISABLED, ModuleState.STOPPED})
_UNDECIDED: Final = frozenset({ModuleState.STARTING, ModuleState.RETRYING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """A probe's answer.

    Attributes:
        status: `fail` makes the probe answer 503; `warn` says that something lesser is wrong.
        reasons: what is wrong, the worst first; empty where it passes.
    """

    status: Literal["pass", "warn", "fail"]
    reasons: tuple[Reason, ...] = ()


def judge(failures: Iterable[Reason], warnings: Iterable[Reason] = ()) -> Readiness:
    """Gives the answer that follows from what is wrong."""
    failing, lesser = tuple(failures), tuple(warnings)
    return Readiness(status="fail" if failing else "warn" if lesser else "pass", reasons=failing + lesser)


def readiness(
    phase: Phase,
    modules: Mapping[str, HostedModule],
    checks: Iterable[CheckResult],
    sources: Iterable[Readiness] = (),
) -> Readiness:
    """Gives whether the host should be sent requests.

    It fails while the host starts or drains, a required module does not serve, a critical check of a required module
    does not pass, or one of `sources` fails. Whatever else is wrong is a warning.
    """
    failures, warnings = list[Reason](), list[Reason]()
    if phase != "running":
        failures.append(Reason(f"host_{phase}", f"the host is {phase}"))
    for source in sources:
        (failures if source.status == "fail" else warnings).extend(source.reasons)
    for module in modules.values():
        # Almost every module runs, and this is asked for by every probe.
        if module.status.state is not ModuleState.RUNNING and (found := _trouble(module)) is not None:
            (failures if module.required and not module.serving else warnings).append(found)
    for result in checks:
        if result.status != "pass":
            holds = result.critical and modules[result.module].required if result.module in modules else False
            (failures if holds else warnings).append(_of_check(result))
    return judge(failures, warnings)


def startup(modules: Mapping[str, HostedModule]) -> Readiness:
    """Gives whether the start is over: every required module runs, or will not run without a change."""
    return judge(
        Reason("module_starting", f"required module {name!r} {module.status.state.in_words}")
        for name, module in modules.items()
        if module.required and not module.serving and is_undecided(name, modules)
    )


def is_undecided(name: str, modules: Mapping[str, HostedModule]) -> bool:
    """True where the module may still come to run by itself: it starts, retries, or waits for one that does."""
    seen, waiting = {name}, [name]
    for current in waiting:  # grows while it is read
        module = modules.get(current)
        if module is None:
            continue
        if module.status.state in _UNDECIDED:
            return True
        if module.status.state is ModuleState.BLOCKED:
            fresh = module.requires - seen
            seen |= fresh
            waiting += sorted(fresh)
    return False


def _trouble(module: HostedModule) -> Reason | None:
    state = module.status.state
    if state in _NOT_ASKED_FOR:
        return None
    reason = module.status.reason
    told = f": {reason.message}" if reason else ""
    return Reason(f"module_{state}", f"module {module.name!r} {state.in_words}{told}")


def _of_check(result: CheckResult) -> Reason:
    name = f"{result.module}.{result.name}"
    told = f": {result.output}" if result.output else ""
    if result.at is None:
        return Reason("check_pending", f"check {name!r} has not run yet")
    verb = "fails" if result.status == "fail" else "is unknown"
    return Reason(f"check_{result.status}", f"check {name!r} {verb}{told}")
