"""Who did or tried what: one structured log line for each decision on the introspection API and each action."""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

from nexus.auth.refusal import Reason
from nexus.spec.principal import Principal

REFUSALS_PER_MINUTE = 120  # what a person can still read; a flood must not fill the disk
_log = logging.getLogger("nexus.audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision.

    Attributes:
        action: what was asked for, such as `api.read` or `job.run`.
        target: of what; a path or a name, never a query.
        decision: what was decided.
        reason: why it was refused; None where it was allowed.
        request_id: the request's id.
        principal: who asked; None where nobody knows.
    """

    action: str
    target: str
    decision: Literal["allowed", "refused", "unavailable"]
    reason: Reason | None = None
    request_id: str | None = None
    principal: Principal | None = None


class AuditLog:
    """Writes to the logger `nexus.audit`. What was allowed is always written; refusals up to a rate, the rest counted.

    A line that follows unwritten ones has their number as `suppressed`.
    """

    def __init__(
        self,
        *,
        refusals_per_minute: int = REFUSALS_PER_MINUTE,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = refusals_per_minute
        self._wall = wall
        self._monotonic = monotonic
        self._allowance = float(refusals_per_minute)
        self._counted_at = monotonic()
        self.suppressed = 0

    def record(self, decision: Decision) -> None:
        """Writes one line, or counts it."""
        if decision.decision == "allowed":
            self._write(decision)
        else:
            self.record_refusal(lambda: decision)

    def record_refusal(self, decide: Callable[[], Decision]) -> None:
        """Writes one line, or counts it without asking what it would say: a flood is not worth that."""
        if self._may_write():
            self._write(decide())
        else:
            self.suppressed += 1

    def _write(self, decision: Decision) -> None:
        principal = decision.principal
        fields = {name: value for name, value in asdict(decision).items() if name != "principal"}
        _log.info(
            "decision",
            extra={
                "event": "audit",
                "time": self._wall(),
                **fields,
                "issuer": principal.issuer if principal else None,
                "subject": principal.subject if principal else None,
                "client": principal.client if principal else None,
                "actor": principal.actor if principal else None,
                "suppressed": self.suppressed,
            },
        )
        self.suppressed = 0

    def _may_write(self) -> bool:
        now = self._monotonic()
        self._allowance = min(self._rate, self._allowance + (now - self._counted_at) * self._rate / 60)
        self._counted_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True
