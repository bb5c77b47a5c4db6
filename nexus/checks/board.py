"""The health board: runs the modules' checks in the background and answers from memory.

Asking it costs the same whatever a check does: no probe of the outside ever waits for one.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, Protocol, TypeVar, cast

from pydantic import JsonValue

from nexus.checks.clock import Clock
from nexus.config.scrubber import Scrubber
from nexus.spec.check import Check
from nexus.spec.context import ModuleContext

R = TypeVar("R")

STALE_AFTER: Final = 3
"""Intervals after which a result says nothing any more."""

_ABANDON_AFTER: Final = 1.0
"""Seconds a probe that ran out of time gets to heed its cancellation."""

_MAX_OUTPUT: Final = 500
"""Characters of a failure's message that are kept."""

_MAX_OBSERVED: Final = 8192
"""Characters of JSON that a probe may give to be shown."""

logger = logging.getLogger("nexus.checks")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check said last.

    Attributes:
        module: whose check it is.
        name: unique in the module.
        status: `unknown` before the first run and once the result is older than three intervals.
        critical: as declared.
        at: UTC instant at which the run ended, None before the first.
        duration: seconds the run took.
        output: why it failed or is unknown; scrubbed.
        observed: what the probe gave to be shown; scrubbed.
    """

    module: str
    name: str
    status: Literal["pass", "warn", "fail", "unknown"]
    critical: bool
    at: datetime | None = None
    duration: float | None = None
    output: str | None = None
    observed: JsonValue = None


class Tasks(Protocol):
    """What runs the board's tasks; the host's supervisor."""

    def start(self, name: str, work: Coroutine[Any, Any, R], *, owner: str = ...) -> asyncio.Task[R]:
        """Runs `work` as a task of `owner`."""

    async def stop(self, tasks: tuple[asyncio.Task[Any], ...], timeout: float) -> tuple[str, ...]:  # noqa: ASYNC109
        """Ends tasks within bounds, also such as refuse; gives the names of those that did."""

    async def stop_owner(self, owner: str, timeout: float) -> tuple[str, ...]:  # noqa: ASYNC109
        """Ends all tasks of `owner` likewise."""


@dataclass(slots=True, kw_only=True)
class _Watched:
    check: Check
    interval: float
    timeout: float
    result: CheckResult
    measured: float
    """When the result came, or the watching began: monotonic seconds."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    status: Literal["pass", "fail"]
    output: str | None = None
    observed: JsonValue = None


class HealthBoard:
    """Runs every check at its interval, one run of each at a time, and keeps the last result of each.

    Args:
        tasks: runs the board's tasks.
        scrubber: takes secrets out of what a check says.
        interval: seconds between runs, where a check does not say.
        timeout: seconds a run may take, where a check does not say.
        on_change: told each result whose status differs from the one before, the first included.
        clock: time, to be moved by tests.
    """

    def __init__(
        self,
        tasks: Tasks,
        *,
        scrubber: Scrubber,
        interval: float = 30.0,
        timeout: float = 2.0,
        on_change: Callable[[CheckResult], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._tasks = tasks
        self._scrubber = scrubber
        self._interval = interval
        self._timeout = timeout
        self._on_change = on_change
        self._clock = clock or Clock()
        self._watched: dict[tuple[str, str], _Watched] = {}
        self._owners: dict[str, str] = {}
        self._generation = 0

    async def replace(self, module: str, checks: Iterable[Check], context: ModuleContext[Any]) -> None:
        """Runs `checks` with `context` in the place of all earlier checks of `module`, the first time at once.

        The last result of a check that was there before stays until there is a new one.
        """
        before, ended = self._owners.get(module), self._forget(module)
        self._generation += 1
        owner = self._owners[module] = f"checks {module} {self._generation}"
        for check in checks:
            self._add(owner, module, check, context, ended.get(check.name))
        if before is not None:
            await self._tasks.stop_owner(before, _ABANDON_AFTER)

    async def remove_module(self, module: str) -> None:
        """Ends the checks of `module` and forgets their results."""
        owner = self._owners.pop(module, None)
        self._forget(module)
        if owner is not None:
            await self._tasks.stop_owner(owner, _ABANDON_AFTER)

    def results(self, module: str | None = None) -> tuple[CheckResult, ...]:
        """Gives the last result of every check, of `module` alone where given, ordered; waits for nothing."""
        now = self._clock.monotonic()
        keys = sorted(key for key in self._watched if module in (None, key[0]))
        return tuple(_current(self._watched[key], now) for key in keys)

    def _forget(self, module: str) -> dict[str, _Watched]:
        keys = [key for key in self._watched if key[0] == module]
        return {key[1]: self._watched.pop(key) for key in keys}

    def _add(self, owner: str, module: str, check: Check, context: ModuleContext[Any], before: _Watched | None) -> None:
        blank = CheckResult(
            module=module, name=check.name, status="unknown", critical=check.critical, output="it has not run yet"
        )
        watched = self._watched[module, check.name] = _Watched(
            check=check,
            interval=check.interval or self._interval,
            timeout=check.timeout or self._timeout,
            result=replace(before.result, critical=check.critical) if before else blank,
            measured=before.measured if before else self._clock.monotonic(),
        )
        self._tasks.start(f"check {module}.{check.name}", self._watch(watched, owner, context), owner=owner)

    async def _watch(self, watched: _Watched, owner: str, context: ModuleContext[Any]) -> None:
        while True:
            await self._run(watched, owner, context)
            await self._clock.sleep(self._clock.jittered(watched.interval))

    async def _run(self, watched: _Watched, owner: str, context: ModuleContext[Any]) -> None:
        began = self._clock.monotonic()
        name = f"probe {watched.result.module}.{watched.check.name}"
        task = self._tasks.start(name, _probe(watched.check, context), owner=owner)
        await asyncio.wait({task}, timeout=watched.timeout)
        if task.done():
            outcome = _Outcome("fail", "the probe was cancelled") if task.cancelled() else task.result()
        else:
            outcome = _Outcome("fail", f"no answer within {watched.timeout:g} s")
        # Told before the straggler is ended: that may take as long again.
        self._keep(watched, outcome, self._clock.monotonic() - began)
        if not task.done():
            await self._tasks.stop((task,), _ABANDON_AFTER)

    def _keep(self, watched: _Watched, outcome: _Outcome, seconds: float) -> None:
        previous = watched.result
        watched.result = replace(
            previous,
            status=outcome.status,
            at=self._clock.now(),
            duration=round(seconds, 6),
            output=self._scrubber.scrub(outcome.output) if outcome.output else None,
            observed=cast("JsonValue", self._scrubber.scrub_data(outcome.observed)),
        )
        watched.measured = self._clock.monotonic()
        is_current = self._watched.get((previous.module, previous.name)) is watched
        if is_current and previous.status != outcome.status:
            _log(watched.result, previous)
            if self._on_change is not None:
                self._on_change(watched.result)


def _current(watched: _Watched, now: float) -> CheckResult:
    age = now - watched.measured
    if watched.result.at is None or age <= STALE_AFTER * watched.interval:
        return watched.result
    return replace(watched.result, status="unknown", output=f"the last result is {age:.0f} s old")


async def _probe(check: Check, context: ModuleContext[Any]) -> _Outcome:
    try:
        given = await check.probe(context)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code; sys.exit would end the loop
        return _Outcome("fail", _told(error))
    if not isinstance(given, Mapping):
        return _Outcome("pass")
    return _Outcome("pass", *_shown(given))


def _told(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - the message, too, is a stranger's code
        text = ""
    told = f"{type(error).__name__}: {text}" if text else type(error).__name__
    # The mark tells the scrubber that what stands before it may be the beginning of a secret.
    return told if len(told) <= _MAX_OUTPUT else f"{told[:_MAX_OUTPUT]}…"


def _shown(given: Mapping[Any, Any]) -> tuple[str | None, JsonValue]:
    try:
        text = json.dumps(dict(given), default=str, allow_nan=False)
    except Exception:  # noqa: BLE001 - a stranger's objects
        return "what the probe gave cannot be shown: give plain JSON values", None
    if len(text) > _MAX_OBSERVED:
        return f"what the probe gave is longer than {_MAX_OBSERVED} characters of JSON", None
    shown: JsonValue = json.loads(text)
    return None, shown


def _log(result: CheckResult, previous: CheckResult) -> None:
    name = f"{result.module}.{result.name}"
    extra = {"event": f"check.{result.status}", "module_name": result.module, "check": result.name}
    if result.status == "fail":
        logger.warning("check %s fails: %s", name, result.output, extra=extra)
    elif previous.at is not None:
        logger.info("check %s passes again", name, extra=extra)
    else:
        logger.debug("check %s passes", name, extra=extra)
