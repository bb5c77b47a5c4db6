"""Who did or tried what: one structured log line for each decision on the introspection API and each action."""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from nexus.auth.allowance import Allowance
from nexus.auth.recent_decisions import RecentDecisions, RecordedDecision
from nexus.auth.refusal import Reason
from nexus.http import log_format
from nexus.spec.principal import Principal

_log = logging.getLogger(log_format.AUDIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision.

    Attributes:
        action: what was asked for: `api.read`, `api.write`, `reload`; on the pages `ui.write`, `ui.sign_in`,
            `ui.sign_out` or `ui.revoke`.
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

    Attributes:
        recent: the last lines.
    """

    def __init__(
        self,
        *,
        refusals_per_minute: int,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._refusals = Allowance(refusals_per_minute, monotonic=monotonic)
        self._wall = wall
        self.recent = RecentDecisions()

    def record(self, decision: Decision) -> None:
        """Writes one line, or counts it."""
        if decision.decision == "allowed":
            self._write(decision)
        else:
            self.record_refusal(lambda: decision)

    def record_refusal(self, decide: Callable[[], Decision]) -> None:
        """Writes one line, or counts it without asking what it would say: a flood is not worth that."""
        if self._refusals.take():
            self._write(decide())

    def _write(self, decision: Decision) -> None:
        principal = decision.principal
        now = self._wall()
        self.recent.note(_recorded(decision, now))
        fields = {name: value for name, value in asdict(decision).items() if name != "principal"}
        _log.info(
            "decision",
            extra={
                "event": "audit",
                "time": now,
                **fields,
                "issuer": principal.issuer if principal else None,
                "subject": principal.subject if principal else None,
                "client": principal.client if principal else None,
                "actor": principal.actor if principal else None,
                "suppressed": self._refusals.left_out(),
            },
        )


def _recorded(decision: Decision, now: float) -> RecordedDecision:
    principal = decision.principal
    return RecordedDecision(
        at=datetime.fromtimestamp(now, UTC),
        action=decision.action,
        target=decision.target,
        decision=decision.decision,
        reason=decision.reason.value if decision.reason else None,
        subject=principal.subject if principal else None,
        issuer=principal.issuer if principal else None,
        actor=str(principal.actor) if principal and principal.actor else None,
        request_id=decision.request_id,
    )
