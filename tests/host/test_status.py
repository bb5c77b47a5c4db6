"""A module's state moves only along the ways there are, and the way it came is remembered."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.host.status import InvalidTransition, ModuleStatus
from nexus.spec.state import ModuleState as S
from nexus.spec.state import Reason

from .workspace import MovedTime


def make(moves=None, scrub=lambda text: text):
    time = MovedTime()
    moves = [] if moves is None else moves
    return ModuleStatus("m", on_change=lambda _, event: moves.append(event), scrub=scrub, clock=time.clock), time


def test_each_move_is_told_with_time_phase_and_reason():
    moves = []
    status, time = make(moves)
    status.move(S.STARTING, phase="discovery")
    time.seconds = 5
    status.move(S.FAILED, phase="startup", reason=Reason("startup_error", "it broke"))

    assert status.history == tuple(moves)
    last = moves[-1]
    assert (last.previous, last.state, last.phase, last.reason.code) == (
        S.STARTING,
        S.FAILED,
        "startup",
        "startup_error",
    )
    assert (status.state, status.since, status.reason) == (S.FAILED, time.now(), last.reason)


@pytest.mark.parametrize(
    ("before", "after"),
    [(S.FAILED, S.RUNNING), (S.RUNNING, S.STARTING), (S.STOPPING, S.RUNNING), (S.AVAILABLE, S.DEGRADED)],
)
def test_a_move_that_is_no_way_is_refused(before, after):
    status, _ = make()
    ways = {S.STOPPING: (S.STARTING, S.RUNNING, S.STOPPING), S.RUNNING: (S.STARTING, S.RUNNING)}
    for state in ways.get(before, (before,)):
        status.move(state, phase="test")

    with pytest.raises(InvalidTransition, match=f"cannot go from {before} to {after}"):
        status.move(after, phase="test")
    assert status.state is before


@given(st.lists(st.sampled_from(list(S)), max_size=120))
def test_the_history_is_bounded_and_without_gaps(states):
    status, _ = make()
    status.move(S.STARTING, phase="test")
    for state in states:
        try:
            status.move(state, phase="test")
        except InvalidTransition:
            continue
    history = status.history
    assert len(history) <= 50
    assert all(after.previous is before.state for before, after in itertools.pairwise(history))


def test_reasons_are_scrubbed():
    status, _ = make(scrub=lambda text: text.replace("secret", "******"))
    status.move(S.FAILED, phase="test", reason=Reason("x", "a secret"))
    status.keep_reload_failure(Reason("x", "a secret"))

    assert status.reason.message == status.last_reload.reason.message == "a ******"


@pytest.mark.parametrize("state", S)
def test_every_state_reads_as_a_clause_about_a_module(state):
    assert state.in_words.split()[0] in ("is", "has")
    assert "_" not in state.in_words
