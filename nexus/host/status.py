"""Where one module stands: the state machine, and the record of how it came there."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from nexus.checks.clock import Clock
from nexus.spec.errors import NexusError
from nexus.spec.state import ModuleState, ModuleStateChanged, Reason

_KEPT: Final = 50
"""Transitions that are remembered of each module."""

_S = ModuleState
_RESTING: Final = frozenset(
    {_S.AVAILABLE, _S.DISABLED, _S.NOT_FOUND, _S.INCOMPATIBLE, _S.INVALID_CONFIG, _S.FAILED, _S.STOPPED, _S.BLOCKED}
)
"""States in which nothing of the module is alive; a reload leads from any of them to any other."""

_NEXT: Final[Mapping[ModuleState, frozenset[ModuleState]]] = {
    **dict.fromkeys(_RESTING, _RESTING | {_S.STARTING}),
    _S.STARTING: _RESTING | {_S.RETRYING, _S.RUNNING, _S.STOPPING},
    _S.RETRYING: _RESTING | {_S.RETRYING, _S.STARTING},
    _S.RUNNING: frozenset({_S.RUNNING, _S.DEGRADED, _S.FAILED, _S.STOPPING}),
    _S.DEGRADED: frozenset({_S.RUNNING, _S.DEGRADED, _S.FAILED, _S.STOPPING}),
    _S.STOPPING: frozenset({_S.STOPPED}),
}
"""What may follow what. RUNNING follows itself where a reload swaps the instance, DEGRADED where the reason changes."""


class InvalidTransition(NexusError):
    """A module was moved where its state does not lead: a bug of the host's."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The next attempt of a module that was not ready.

    Attributes:
        attempt: counts the failed attempts, from 1.
        next_at: UTC instant of the next one.
    """

    attempt: int
    next_at: datetime


@dataclass(frozen=True, slots=True)
class ReloadFailure:
    """A reload that left the old instance in its place.

    Attributes:
        reason: why the new one does not run.
        at: UTC instant.
    """

    reason: Reason
    at: datetime


class ModuleStatus:
    """The state of one module; every move is checked, remembered and told.

    Args:
        module: its name.
        on_change: told every move, after it was made.
        scrub: takes secrets out of the reasons' messages.
        clock: time, to be moved by tests.

    Attributes:
        state: where it stands; there once it was moved for the first time.
        reason: why it stands there, where there is something to explain.
        since: UTC instant of the last move.
    """

    state: ModuleState
    reason: Reason | None
    since: datetime

    def __init__(
        self,
        module: str,
        *,
        on_change: Callable[["ModuleStatus", ModuleStateChanged], None],
        scrub: Callable[[str], str],
        clock: Clock,
    ) -> None:
        self.module = module
        self.retry: Retry | None = None
        self.last_reload: ReloadFailure | None = None
        self._on_change = on_change
        self._scrub = scrub
        self._clock = clock
        self._timing: dict[str, float] = {}
        self._history: deque[ModuleStateChanged] = deque(maxlen=_KEPT)

    @property
    def history(self) -> tuple[ModuleStateChanged, ...]:
        """The last moves, oldest first; at most 50."""
        return tuple(self._history)

    @property
    def timing(self) -> Mapping[str, float]:
        """Seconds that the import, the binding of the settings and the last start took."""
        return MappingProxyType(self._timing)

    def measure(self, phase: str, seconds: float) -> None:
        """Keeps how long a phase took."""
        self._timing[phase] = round(seconds, 6)

    def move(self, state: ModuleState, *, phase: str, reason: Reason | None = None) -> None:
        """Moves the module to `state`.

        Raises:
            InvalidTransition: the present state does not lead there.
        """
        previous = self._history[-1].state if self._history else None
        if previous is not None and state not in _NEXT[previous]:
            raise InvalidTransition(f"module {self.module!r} cannot go from {previous} to {state}: report this bug")
        if reason is not None:
            reason = Reason(reason.code, self._scrub(reason.message))
        event = ModuleStateChanged(
            module=self.module, previous=previous, state=state, phase=phase, at=self._clock.now(), reason=reason
        )
        self._history.append(event)
        self.state, self.reason, self.since = event.state, event.reason, event.at
        if state is not ModuleState.RETRYING and state is not ModuleState.STARTING:
            self.retry = None
        self._on_change(self, event)

    def keep_reload_failure(self, reason: Reason | None) -> None:
        """Keeps why the last reload failed for this module; None where it succeeded."""
        if reason is None:
            self.last_reload = None
        else:
            self.last_reload = ReloadFailure(Reason(reason.code, self._scrub(reason.message)), self._clock.now())
