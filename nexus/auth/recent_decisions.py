"""The last lines of the audit log, kept in memory so that they can be looked at; the log itself is the record."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Final

_ACTIONS: Final = 500
_READS: Final = 200
"""Lines that are kept; programs that read the API all day long must not push out what people did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDecision:
    """One line of the audit log.

    Attributes:
        at: UTC instant.
        action: what was asked for.
        target: of what.
        decision: `allowed`, `refused` or `unavailable`.
        reason: why it was refused.
        subject: who asked; None where nobody knows.
        issuer: who vouches for the subject.
        actor: who acts for the subject.
        request_id: the request's.
    """

    at: datetime
    action: str
    target: str
    decision: str
    reason: str | None
    subject: str | None
    issuer: str | None
    actor: str | None
    request_id: str | None


class RecentDecisions:
    """Keeps the last decisions of this process: 500 actions and refusals, and 200 reads."""

    def __init__(self) -> None:
        self._actions: deque[RecordedDecision] = deque(maxlen=_ACTIONS)
        self._reads: deque[RecordedDecision] = deque(maxlen=_READS)

    def note(self, decision: RecordedDecision) -> None:
        """Keeps one."""
        is_read = decision.action.endswith(".read") and decision.decision == "allowed"
        (self._reads if is_read else self._actions).append(decision)

    def actions(self) -> tuple[RecordedDecision, ...]:
        """Gives what was done, and what was refused, newest first."""
        return tuple(reversed(self._actions))

    def reads(self) -> tuple[RecordedDecision, ...]:
        """Gives what was read, newest first."""
        return tuple(reversed(self._reads))
