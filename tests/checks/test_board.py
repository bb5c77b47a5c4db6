"""Checks run in the background, bounded; asking for results waits for nothing."""

import asyncio
import contextlib
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.checks.board import HealthBoard
from nexus.checks.clock import Clock
from nexus.config.scrubber import Scrubber
from nexus.host.supervisor import Supervisor
from nexus.spec.check import Check


class Turns:
    """A clock whose sleepers wake when told; `seconds` is set by hand."""

    def __init__(self):
        self.seconds = 0.0
        self.slept = []
        self._sleepers = []
        self.clock = Clock(monotonic=lambda: self.seconds, sleep=self._sleep, spread=lambda: 0.5)

    async def _sleep(self, seconds):
        self.slept.append(seconds)
        future = asyncio.get_running_loop().create_future()
        self._sleepers.append(future)
        await future

    def wake(self):
        for future in self._sleepers:
            if not future.done():
                future.set_result(None)
        self._sleepers.clear()


@pytest.fixture
def turns():
    return Turns()


@pytest.fixture
def scrubber():
    return Scrubber()


@contextlib.asynccontextmanager
async def open_board(turns, scrubber, **options):
    before = asyncio.all_tasks()
    async with Supervisor(patience=0.05) as supervisor:
        yield HealthBoard(supervisor, scrubber=scrubber, clock=turns.clock, **options)
    assert asyncio.all_tasks() - before <= {asyncio.current_task()}


@pytest.fixture
async def board(turns, scrubber):
    async with open_board(turns, scrubber, interval=30, timeout=0.05) as board:
        yield board


def check(probe, name="disk", **options):
    return Check(name=name, probe=probe, **options)


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.002)


async def outcome(board, probe, **options):
    await board.replace("m", [check(probe, **options)], None)
    await until(lambda: board.results()[0].at)
    return board.results()[0]


async def fine(context):
    return None


async def test_a_check_runs_at_once_and_passes(board):
    seen = []

    async def probe(context):
        seen.append(context)
        return {"free": 12, "unit": "GB"}

    await board.replace("m", [check(probe)], "the context")
    assert (board.results()[0].status, board.results()[0].output) == ("unknown", "it has not run yet")

    await until(lambda: board.results()[0].status == "pass")
    result = board.results()[0]
    assert (result.module, result.name, result.critical) == ("m", "disk", True)
    assert (result.observed, result.output) == ({"free": 12, "unit": "GB"}, None)
    assert seen == ["the context"]


async def raising(context):
    raise OSError("disk is full")


async def leaving(context):
    raise SystemExit(1)


async def cancelling(context):
    raise asyncio.CancelledError


async def sleeping(context):
    await asyncio.sleep(1000)


async def deaf(context):
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.001)


async def mute(context):
    class Rude(Exception):
        def __str__(self):
            raise ValueError

    raise Rude


def not_async(context):
    return 5


@pytest.mark.parametrize(
    ("probe", "output"),
    [
        (raising, "OSError: disk is full"),
        (leaving, "SystemExit: 1"),
        (cancelling, "the probe was cancelled"),
        (sleeping, "no answer within 0.05 s"),
        (deaf, "no answer within 0.05 s"),
        (mute, "Rude"),
        (not_async, "TypeError: object int can't be used in 'await' expression"),
    ],
)
async def test_whatever_a_probe_does_its_check_fails_and_says_how(board, probe, output):
    result = await outcome(board, probe)

    assert (result.status, result.output) == ("fail", output)


async def test_a_probe_that_ignores_its_cancellation_holds_up_no_other(board, turns):
    runs = itertools.count()

    async def counted(context):
        next(runs)

    await board.replace("m", [check(deaf, "deaf"), check(counted, "well")], None)
    await until(lambda: [result.status for result in board.results()] == ["fail", "pass"])
    turns.wake()
    await until(lambda: next(runs) >= 2)


async def test_results_answer_at_once_whatever_a_check_does(board):
    await board.replace("m", [check(sleeping, f"n{number}") for number in range(200)], None)
    await asyncio.sleep(0)

    assert len(board.results()) == 200


async def test_one_check_never_runs_twice_at_the_same_time(board, turns):
    running, most = 0, 0

    async def probe(context):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1

    await board.replace("m", [check(probe)], None)
    for _ in range(10):
        turns.wake()
        await asyncio.sleep(0.004)

    assert most == 1


async def test_runs_are_spread_around_the_interval(turns, scrubber):
    shares = itertools.cycle((0.0, 0.5, 0.999))
    turns.clock = Clock(monotonic=lambda: 0.0, sleep=turns.clock.sleep, spread=lambda: next(shares))
    async with open_board(turns, scrubber, interval=30) as board:
        await board.replace("m", [check(fine)], None)
        for number in range(1, 4):
            await until(lambda number=number: len(turns.slept) == number)
            turns.wake()

    assert [round(seconds) for seconds in turns.slept[:3]] == [27, 30, 33]


async def test_a_result_older_than_three_intervals_is_unknown(board, turns):
    await outcome(board, fine, interval=10)

    turns.seconds = 30.0
    assert board.results()[0].status == "pass"
    turns.seconds = 30.1
    assert (board.results()[0].status, board.results()[0].output) == ("unknown", "the last result is 30 s old")


async def test_changes_are_told_once_and_logged_once(turns, scrubber, caplog):
    caplog.set_level("INFO", "nexus.checks")
    told, broken = [], [True]

    async def probe(context):
        if broken:
            raise OSError("gone")

    async with open_board(turns, scrubber, on_change=lambda result: told.append(result.status)) as board:
        await board.replace("m", [check(probe)], None)
        for run in range(1, 6):
            await until(lambda run=run: len(turns.slept) == run)
            if run == 3:
                broken.clear()
            turns.wake()

    assert told == ["fail", "pass"]
    assert [record.event for record in caplog.records] == ["check.fail", "check.pass"]


async def test_a_replaced_check_keeps_its_last_result_until_there_is_a_new_one(board):
    await outcome(board, raising)
    await board.replace("m", [check(sleeping), check(fine, "other")], None)

    assert [(result.name, result.status) for result in board.results()] == [("disk", "fail"), ("other", "unknown")]


async def test_a_removed_module_leaves_neither_results_nor_tasks(board):
    await board.replace("m", [check(sleeping), check(deaf, "deaf")], None)
    await board.replace("other", [check(fine)], None)
    await asyncio.sleep(0)
    await board.remove_module("m")
    await board.remove_module("never there")

    assert [result.module for result in board.results()] == ["other"]
    assert not [task for task in asyncio.all_tasks() if "check m." in task.get_name()]


async def test_secrets_show_in_no_result(board, scrubber):
    scrubber.register("hunter2-hunter2")

    async def probe(context):
        return {"url": "https://hunter2-hunter2@host", "hunter2-hunter2": [1]}

    async def failing(context):
        raise OSError("refused hunter2-hunter2")

    await board.replace("m", [check(probe, "a"), check(failing, "b")], None)
    await until(lambda: all(result.at for result in board.results()))
    assert "hunter2" not in repr(board.results())


@pytest.mark.parametrize(
    ("given", "observed"),
    [
        ({"when": float("nan")}, None),
        ({"long": "x" * 9000}, None),
        ({"set": {1}}, {"set": "{1}"}),
        ({(1, 2): 3}, None),
    ],
)
async def test_what_cannot_be_shown_is_left_out_and_the_check_passes(board, given, observed):
    async def probe(context):
        return given

    result = await outcome(board, probe)
    assert (result.status, result.observed) == ("pass", observed)
    assert (result.output is None) == (observed is not None)


@given(
    st.dictionaries(st.text(max_size=5), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5))
)
async def test_whatever_a_probe_gives_comes_out_as_json(given_by_probe):
    async def probe(context):
        return given_by_probe

    async with open_board(Turns(), Scrubber()) as board:
        result = await outcome(board, probe)
    assert result.status == "pass"
    json.dumps(result.observed)
