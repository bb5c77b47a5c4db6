"""Who did what is in the log, one line each, and a flood of refusals does not drown it."""

import logging
from datetime import UTC, datetime

import pytest

from nexus.auth.allowance import Allowance
from nexus.auth.audit import AuditLog, Decision
from nexus.auth.counters import Counters
from nexus.auth.refusal import Reason
from nexus.spec.principal import Principal

ANN = Principal(
    issuer="https://issuer",
    subject="ann",
    client="app",
    permissions=frozenset(),
    expires_at=datetime.now(UTC),
    actor="robot",
)
REFUSED = Decision(action="api.read", target="/api/modules", decision="refused", reason=Reason.EXPIRED)


@pytest.fixture
def audit(clock, caplog):
    caplog.set_level(logging.INFO, "nexus.audit")
    return AuditLog(refusals_per_minute=5, wall=clock.wall, monotonic=clock.monotonic)


def test_a_line_tells_who_did_what_to_what(audit, caplog, clock):
    audit.record(Decision(action="job.run", target="hello/sweep", decision="allowed", request_id="r1", principal=ANN))

    (record,) = caplog.records
    assert (record.event, record.time, record.issuer, record.subject) == ("audit", clock.now, "https://issuer", "ann")
    assert (record.client, record.actor, record.action, record.target) == ("app", "robot", "job.run", "hello/sweep")
    assert (record.decision, record.reason, record.request_id) == ("allowed", None, "r1")


def test_refusals_are_written_up_to_a_rate_and_the_rest_counted(audit, caplog, clock):
    for _ in range(100):
        audit.record(REFUSED)
    assert len(caplog.records) == 5

    clock.advance(12)
    audit.record(REFUSED)

    assert (len(caplog.records), caplog.records[-1].suppressed) == (6, 95)


def test_what_was_allowed_is_always_written(audit, caplog):
    for _ in range(50):
        audit.record(REFUSED)
    for _ in range(20):
        audit.record(Decision(action="job.run", target="x", decision="allowed", principal=ANN))

    assert [record.decision for record in caplog.records].count("allowed") == 20


def test_an_allowance_never_lets_more_through_than_its_rate(clock):
    allowance = Allowance(3, monotonic=clock.monotonic)
    assert [allowance.take() for _ in range(5)] == [True] * 3 + [False] * 2

    clock.advance(3600)
    assert [allowance.take() for _ in range(5)] == [True] * 3 + [False] * 2
    assert (allowance.left_out(), allowance.left_out()) == (4, 0)


def test_counters_are_bounded_by_the_reasons():
    counters = Counters()
    for reason in Reason:
        counters.refuse(reason)

    assert counters.refused == dict.fromkeys(Reason, 1)
    assert counters.accepted == 0
