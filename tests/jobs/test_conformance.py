"""What the job engine promises, on every store alike."""

import asyncio
import dataclasses
import logging
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel

import nexus
from nexus.jobs import history
from nexus.jobs.errors import (
    AlreadyRunning,
    InvalidCursor,
    InvalidOptions,
    KeyReused,
    ModuleDown,
    NotFinal,
    UnknownJob,
    UnknownRun,
)
from nexus.jobs.identity import scheduled_id
from nexus.jobs.run import RunFilter, RunStatus

from .shop import PATIENCE, done, finished, until


class Options(BaseModel):
    days: int = 30
    token: nexus.Secret | None = None


async def give(context, options=None):
    return {"given": options.days} if options else {"run": context.run_id}


class Gate:
    """A job that waits until the test lets it go."""

    def __init__(self):
        self.opened = asyncio.Event()
        self.entered = 0

    async def __call__(self, _context):
        self.entered += 1
        await self.opened.wait()
        return "through"


@pytest.fixture
async def gate():
    return Gate()


async def test_a_run_on_demand_keeps_what_it_gave_and_who_asked(engine, shop):
    shop.add("give", give, model=Options)

    run = await done(engine, "give", {"days": 7})

    assert (run.status, run.result, run.requested_by, run.trigger) == ("succeeded", {"given": 7}, "ann", "manual")
    assert (run.attempt, run.options) == (1, {"days": 7, "token": None})
    assert run.queued_at <= run.started_at <= run.finished_at


async def test_configured_options_hold_where_the_caller_does_not_say_otherwise(engine, shop):
    shop.add("give", give, model=Options, options=Options(days=90))

    assert (await done(engine, "give")).result == {"given": 90}
    assert (await done(engine, "give", {"days": 1})).result == {"given": 1}


@pytest.mark.parametrize(
    ("given", "path", "told"),
    [
        ({"dayz": 1}, "dayz", "did you mean 'days'?"),
        ({"days": "many"}, "days", "valid integer"),
        ({"days": None}, "days", "valid integer"),
    ],
)
async def test_options_are_looked_at_before_anything_is_stored(engine, shop, given, path, told):
    shop.add("give", give, model=Options)

    with pytest.raises(InvalidOptions) as refused:
        await engine.trigger("shop", "give", given, by="ann")

    [(at, sentence)] = refused.value.mistakes
    assert (at, told in sentence) == (path, True)
    assert "many" not in str(refused.value)
    assert (await engine.runs(RunFilter(), limit=10)).runs == ()


async def test_a_job_without_options_takes_none(engine, shop):
    shop.add("give", give)

    with pytest.raises(InvalidOptions, match="takes no options"):
        await engine.trigger("shop", "give", {"days": 1}, by="ann")


async def test_a_secret_among_the_options_is_not_shown(engine, shop):
    shop.add("give", give, model=Options, options=Options(token="hunter2-hunter2"))

    run = await done(engine, "give")

    assert run.options["token"] == "******"
    assert "hunter2" not in repr(await engine.detail(run.id))


async def test_unknown_jobs_and_runs_are_told_so(engine, shop):
    with pytest.raises(UnknownJob):
        await engine.trigger("shop", "nothing", {}, by="ann")
    for ask in (engine.run, engine.detail):
        with pytest.raises(UnknownRun):
            await ask("nothing")
    with pytest.raises(UnknownRun):
        await engine.cancel("nothing", by="ann")


async def test_a_job_of_a_module_that_does_not_serve_is_not_begun(engine, shop):
    shop.add("give", give)
    shop.is_serving = False

    with pytest.raises(ModuleDown):
        await engine.trigger("shop", "give", {}, by="ann")


async def test_forbid_refuses_a_second_run_and_names_the_first(engine, shop, gate):
    shop.add("wait", gate, overlap="forbid")
    first = await engine.trigger("shop", "wait", {}, by="ann")

    with pytest.raises(AlreadyRunning) as refused:
        await engine.trigger("shop", "wait", {}, by="bob")

    assert refused.value.run_id == first.id
    gate.opened.set()
    assert (await finished(engine, first)).result == "through"
    assert (await done(engine, "wait")).status == "succeeded"


async def test_allow_runs_both(engine, shop, gate):
    shop.add("wait", gate, overlap="allow")
    runs = [await engine.trigger("shop", "wait", {}, by="ann") for _ in range(2)]

    await until(lambda: gate.entered == 2)
    gate.opened.set()

    assert [(await finished(engine, run)).status for run in runs] == ["succeeded", "succeeded"]


async def test_replace_ends_the_run_before(engine, shop, gate):
    shop.add("wait", gate, overlap="replace")
    old = await engine.trigger("shop", "wait", {}, by="ann")
    await until(lambda: gate.entered == 1)

    new = await engine.trigger("shop", "wait", {}, by="ann")
    ended = await finished(engine, old)
    gate.opened.set()

    assert (ended.status, ended.reason) == ("cancelled", f"replaced by run {new.id}")
    assert (await finished(engine, new)).status == "succeeded"


async def test_replace_begins_when_the_run_before_has_said_its_last_words(engine, shop, gate):
    inside, most, last_words = [], [], asyncio.Event()

    async def cleans_up(context):
        inside.append(context.run_id)
        most.append(len(inside))
        try:
            await gate(context)
        finally:
            await last_words.wait()
            inside.remove(context.run_id)

    shop.add("clean", cleans_up, overlap="replace")
    old = await engine.trigger("shop", "clean", {}, by="ann")
    await until(lambda: gate.entered == 1)
    newer = [await engine.trigger("shop", "clean", {}, by="ann") for _ in range(2)]
    waiting = [(await engine.run(run.id)).status for run in newer]
    last_words.set()
    gate.opened.set()

    ended = [(await finished(engine, run)).status for run in (old, *newer)]

    assert waiting == ["cancelled", "queued"]
    assert ended == ["cancelled", "cancelled", "succeeded"]
    assert most == [1, 1]


async def test_the_same_key_of_the_same_caller_means_the_same_run(engine, shop):
    shop.add("give", give, model=Options, overlap="allow")

    runs = [await done(engine, "give", {"days": 1}, idempotency_key="k") for _ in range(3)]
    other = await finished(engine, await engine.trigger("shop", "give", {"days": 1}, by="bob", idempotency_key="k"))

    assert len({run.id for run in runs}) == 1
    assert other.id != runs[0].id
    with pytest.raises(KeyReused):
        await engine.trigger("shop", "give", {"days": 2}, by="ann", idempotency_key="k")


async def test_a_key_and_a_name_of_one_issuer_are_not_those_of_another(engine, shop):
    shop.add("give", give, overlap="allow")

    ours = await done(engine, "give", idempotency_key="k", issuer="https://one.example")
    theirs = await done(engine, "give", idempotency_key="k", issuer="https://two.example")
    again = await engine.retry(ours.id, by="ann", issuer="https://two.example")

    assert ours.id != theirs.id
    assert [run.requested_by for run in (ours, theirs)] == ["ann", "ann"]
    assert [run.requested_issuer for run in (ours, theirs, again)] == [
        "https://one.example",
        "https://two.example",
        "https://two.example",
    ]


async def test_every_attempt_is_kept_with_its_error(engine, shop):
    async def fails_twice(context):
        if context.attempt < 3:
            raise ValueError(f"no {context.attempt}")
        return "yes"

    shop.add("try", fails_twice, attempts=3)
    run = await done(engine, "try")
    detail = await engine.detail(run.id)

    assert (run.status, run.result, run.attempt, run.error) == ("succeeded", "yes", 3, None)
    assert [(each.number, each.status) for each in detail.attempts] == [
        (1, "failed"),
        (2, "failed"),
        (3, "succeeded"),
    ]
    assert [each.error and each.error.message for each in detail.attempts] == ["no 1", "no 2", None]


async def test_a_run_fails_when_its_attempts_are_used_up(engine, shop):
    async def fails(_context):
        raise LookupError("never")

    shop.add("try", fails, attempts=2)
    run = await done(engine, "try")

    assert (run.status, run.attempt, run.error.type, run.error.message) == ("failed", 2, "LookupError", "never")


async def test_a_finished_step_is_not_done_again_in_the_next_attempt(engine, shop):
    done_steps = []

    async def two_systems(context):
        async def create(title):
            done_steps.append(("create", title))
            return {"ticket": (7, title)}

        async def notify(ticket):
            done_steps.append(("notify", context.attempt))
            if context.attempt == 1:
                raise ConnectionError("slack is down")
            return "told"

        ticket = await context.step("create", create, "leak")
        return [ticket, await context.step("notify", notify, ticket)]

    shop.add("report", two_systems, attempts=2)
    run = await done(engine, "report")
    detail = await engine.detail(run.id)

    assert done_steps == [("create", "leak"), ("notify", 1), ("notify", 2)]
    assert run.result == [{"ticket": [7, "leak"]}, "told"]
    assert [(step.attempt, step.name, step.error) for step in detail.steps] == [
        (1, "create", None),
        (1, "notify", "slack is down"),
        (2, "notify", None),
    ]


async def test_steps_of_one_name_keep_their_own_results_over_three_attempts(engine, shop):
    done_for, failures = [], [1, 2]

    async def three(context):
        async def create(number):
            done_for.append(number)
            if number in failures:
                failures.remove(number)
                raise ValueError(f"{number} is not to be had")
            return f"ticket {number}"

        return [await context.step("create", create, number) for number in range(3)]

    shop.add("three", three, attempts=3)
    run = await done(engine, "three")

    assert (run.status, run.attempt) == ("succeeded", 3)
    assert run.result == ["ticket 0", "ticket 1", "ticket 2"]
    assert done_for == [0, 1, 1, 2, 2]


async def test_a_step_that_the_job_itself_tries_again_is_done_once(engine, shop):
    created = []

    async def careful(context):
        async def create():
            created.append(len(created))
            if len(created) == 1:
                raise OSError("once")
            return len(created)

        try:
            ticket = await context.step("create", create)
        except OSError:
            ticket = await context.step("create", create)
        if context.attempt == 1:
            raise ValueError("after the step")
        return ticket

    shop.add("careful", careful, attempts=2)
    run = await done(engine, "careful")

    assert (run.status, run.result, created) == ("succeeded", 2, [0, 1])


async def test_a_run_that_its_host_leaves_goes_on_where_it_was(workplace):
    began, seen = asyncio.Event(), []

    async def long(context):
        async def first():
            seen.append("first")
            return 1

        kept = await context.step("first", first)
        began.set()
        if len(seen) == 1 and not gone:
            await asyncio.sleep(60)
        return {"kept": kept, "seen": list(seen)}

    gone = []
    workplace.shop.add("long", long)
    async with workplace.engine() as engine:
        run = await engine.trigger("shop", "long", {}, by="ann")
        await began.wait()
        gone.append(True)
        await engine.close(0.05)
    async with workplace.engine() as engine:
        ended = await finished(engine, run)

    assert (ended.status, ended.result) == ("succeeded", {"kept": 1, "seen": ["first"]})
    assert ended.attempt == 1, "it was no fault of the run"


async def test_what_runs_gets_the_grace_period_to_end(workplace, gate):
    workplace.shop.add("wait", gate)
    engine = workplace.engine()
    async with engine:
        run = await engine.trigger("shop", "wait", {}, by="ann")
        await until(lambda: gate.entered)
        closing = asyncio.create_task(engine.close(20.0))
        await asyncio.sleep(0)
        gate.opened.set()
        await closing
    async with workplace.engine() as engine:
        assert (await engine.run(run.id)).status == "succeeded"


async def test_a_timeout_is_not_a_cancellation(engine, shop, gate):
    shop.add("slow", gate, timeout=0.05)

    run = await done(engine, "slow")

    assert (run.status, run.reason) == ("timed_out", "it took longer than its timeout of 0.05 s")


async def test_cancelling_ends_a_running_job_and_tells_who_did(engine, shop, gate):
    shop.add("wait", gate)
    run = await engine.trigger("shop", "wait", {}, by="ann")
    await until(lambda: gate.entered)

    await engine.cancel(run.id, by="bob", issuer="one")
    ended = await finished(engine, run)

    assert (ended.status, ended.reason) == ("cancelled", "cancelled by bob")
    assert (ended.cancelled_by, ended.cancelled_issuer) == ("bob", "one"), "another issuer may have a bob too"
    assert (await engine.cancel(run.id, by="eve")).cancelled_by == "bob", "a final run stays as it is"


async def test_a_cancelled_run_that_ends_as_if_nothing_had_been_is_cancelled(engine, shop, gate):
    async def deaf(context):
        try:
            await gate(context)
        except asyncio.CancelledError:
            return "done"

    shop.add("deaf", deaf)
    run = await engine.trigger("shop", "deaf", {}, by="ann")
    await until(lambda: gate.entered)
    await engine.cancel(run.id, by="bob")

    assert (await finished(engine, run)).status == "cancelled"


@pytest.mark.parametrize("in_a_step", [False, True], ids=["in its code", "in a step"])
@pytest.mark.parametrize("ending", [SystemExit(3), KeyboardInterrupt()], ids=["SystemExit", "KeyboardInterrupt"])
async def test_a_job_that_asks_to_end_the_process_fails_and_the_engine_goes_on(engine, shop, ending, in_a_step):
    async def leave(*_):
        raise ending

    async def leaves(context):
        await (context.step("leave", leave) if in_a_step else leave())

    async def stays(_context):
        return "here"

    shop.add("leaves", leaves)
    shop.add("stays", stays)
    run = await done(engine, "leaves")

    assert run.status == "failed"
    assert "asked to end the process" in run.error.message
    assert (await done(engine, "stays")).result == "here"


async def test_cancelling_a_run_that_waits_for_its_next_attempt_ends_it(engine, shop):
    async def fails(_context):
        raise ValueError("no")

    shop.add("try", fails, attempts=5, retry_delay=60, retry_delay_max=60)
    run = await engine.trigger("shop", "try", {}, by="ann")
    await until(lambda: [told for told in workplace_told(engine) if told.next_attempt_at])

    ended = await engine.cancel(run.id, by="ann")

    assert (ended.status, ended.attempt, ended.next_attempt_at) == ("cancelled", 1, None)


async def test_an_attempt_that_fails_when_it_is_to_end_is_not_tried_again(engine, shop):
    async def fails(context):
        await engine._call(lambda: engine._store.cancel(context.run_id, "bob", "enough"))  # as another replica does
        raise ValueError("no")

    shop.add("try", fails, attempts=2, retry_delay=600, retry_delay_max=600)

    ended = await done(engine, "try")

    assert (ended.status, ended.reason, ended.attempt, ended.next_attempt_at) == ("cancelled", "enough", 1, None)


def workplace_told(engine):
    return engine._tell.__self__  # the list that the workplace collects into


async def test_a_run_that_has_ended_can_be_done_again(engine, shop, gate):
    shop.add("give", give, model=Options)
    shop.add("wait", gate)
    first = await done(engine, "give", {"days": 5})

    again = await finished(engine, await engine.retry(first.id, by="bob"))

    assert (again.retry_of, again.trigger, again.requested_by, again.result) == (first.id, "retry", "bob", {"given": 5})
    running = await engine.trigger("shop", "wait", {}, by="ann")
    with pytest.raises(NotFinal):
        await engine.retry(running.id, by="ann")
    gate.opened.set()
    await finished(engine, running)


async def test_doing_a_run_again_takes_the_options_it_had(engine, shop):
    shop.add("give", give, model=Options, options=Options(days=90, token="hunter2-hunter2"))
    configured, asked = await done(engine, "give"), await done(engine, "give", {"days": 5})
    shop.add("give", give, model=Options, options=Options(days=1, token="another-secret"))

    again = [await finished(engine, await engine.retry(run.id, by="bob")) for run in (configured, asked)]

    assert [run.result for run in again] == [{"given": 90}, {"given": 5}]
    assert "token" not in again[0].input


class LaterOptions(BaseModel):
    """`Options` after an upgrade: one is gone, one has another type, and one is new."""

    days: list[int] = []
    most: int = 3


async def test_a_run_can_be_done_again_after_its_options_have_changed(engine, shop):
    shop.add("give", give, model=Options)
    run = await done(engine, "give")
    shop.add("give", give, model=LaterOptions, options=LaterOptions(days=[7]))

    again = await finished(engine, await engine.retry(run.id, by="bob"))

    assert (again.status, again.result) == ("succeeded", {"given": [7]})


async def test_progress_and_log_are_seen_while_it_runs(engine, shop, gate, caplog):
    caplog.set_level(logging.INFO)

    async def tells(context):
        context.progress(1, 4, "first quarter")
        context.logger.info("at work on %s", "it")
        await gate(context)

    shop.add("tell", tells)
    run = await engine.trigger("shop", "tell", {}, by="ann")
    async with asyncio.timeout(PATIENCE):
        while (detail := await engine.detail(run.id)).run.progress is None or not detail.log:
            await asyncio.sleep(0.01)
    gate.opened.set()
    await finished(engine, run)

    assert dataclasses.astuple(detail.run.progress) == (1, 4, "first quarter")
    assert detail.log[0].endswith("info at work on it")


async def test_the_log_of_a_run_is_bounded_scrubbed_and_its_own(workplace, engine, shop, caplog):
    caplog.set_level(logging.INFO)
    workplace.scrubber.register("hunter2-hunter2")

    async def chatters(context):
        for number in range(60):
            context.logger.info("line %s %s", number, "hunter2-hunter2")
        logging.getLogger("some.library").info("x" * 5000)

    shop.add("chatter", chatters)
    logging.getLogger("nexus").info("not of the run")
    detail = await engine.detail((await done(engine, "chatter")).id)

    assert (len(detail.log), detail.log_dropped) == (50, 11)
    assert detail.log[0].endswith("line 11 ******")
    assert len(detail.log[-1]) == 1001
    assert "hunter2" not in repr(detail)
    assert "not of the run" not in repr(detail)


async def test_the_log_keeps_the_lines_of_every_attempt_within_its_bound(engine, shop, caplog):
    caplog.set_level(logging.INFO)

    async def fails_once(context):
        for number in range(30):
            context.logger.info("line %s", number)
        if context.attempt == 1:
            raise ValueError("once")

    shop.add("chatter", fails_once, attempts=2)
    detail = await engine.detail((await done(engine, "chatter")).id)

    said = [line.split(" ", 1)[1] for line in detail.log]
    assert said[-30:] == [f"[2] info line {number}" for number in range(30)]
    assert "[1] info line 29" in said
    assert (len(said), detail.log_dropped > 0) == (50, True)


async def test_the_log_of_a_run_that_is_taken_up_goes_on(workplace, caplog):
    caplog.set_level(logging.INFO)
    entered = []

    async def tells(context):
        entered.append(1)
        context.logger.info("host %s", len(entered))
        if len(entered) == 1:
            await asyncio.sleep(60)

    workplace.shop.add("tell", tells)
    async with workplace.engine() as engine:
        run = await engine.trigger("shop", "tell", {}, by="ann")
        await until(lambda: entered)
        await engine.close(0)
    async with workplace.engine() as engine:
        await finished(engine, run)
        detail = await engine.detail(run.id)

    assert [line.split(" ", 1)[1] for line in detail.log] == ["[1] info host 1", "[1] info host 2"]


async def test_results_and_errors_are_scrubbed(workplace, engine, shop):
    workplace.scrubber.register("hunter2-hunter2")

    async def tells(_context):
        return {"it": ["hunter2-hunter2"]}

    async def fails(_context):
        raise ValueError("hunter2-hunter2")

    shop.add("tell", tells)
    shop.add("fail", fails)

    assert (await done(engine, "tell")).result == {"it": ["******"]}
    assert (await done(engine, "fail")).error.message == "******"


@pytest.mark.parametrize(
    ("result", "status", "told"),
    [
        ("x" * 2000, "succeeded", "its result of 2002 bytes is not kept: 1000 are the limit"),
        (object(), "failed", "its work was done, but its result is unusable"),
    ],
    ids=["too large", "no JSON"],
)
async def test_a_result_that_cannot_be_kept_is_told(engine, shop, result, status, told):
    async def gives(_context):
        return result

    shop.add("give", gives)
    run = await done(engine, "give")

    assert (run.status, run.result, run.reason) == (status, None, told)


async def test_what_is_no_number_in_json_is_null(engine, shop):
    async def gives(context):
        return {"step": await context.step("nan", nan), "rest": [float("inf"), 1.5]}

    async def nan():
        return float("nan")

    shop.add("give", gives)
    run = await done(engine, "give")

    assert (run.status, run.result) == ("succeeded", {"step": None, "rest": [None, 1.5]})


async def test_progress_without_a_number_fails_the_attempt_and_tells_so(engine, shop):
    async def tells(context):
        context.progress(float("nan"), 4)

    shop.add("tell", tells)
    run = await done(engine, "tell")

    assert (run.status, "give finite numbers" in run.error.message) == ("failed", True)


@pytest.mark.parametrize("broken", ["half \ud800", "nul \x00"], ids=["half a surrogate", "NUL"])
async def test_a_run_ends_whatever_text_it_leaves(engine, shop, caplog, broken):
    caplog.set_level(logging.INFO)

    async def tells(context):
        context.logger.info("%s", broken)
        context.progress(1, 2, broken)
        if context.requested_by == "bob":
            raise ValueError(broken)
        return {"it": broken}

    shop.add("tell", tells)
    gave = await done(engine, "tell")
    raised = await finished(engine, await engine.trigger("shop", "tell", {}, by="bob"))

    assert (gave.status, raised.status) == ("failed" if "half" in broken else "succeeded", "failed")
    assert raised.error.message in ("half ?", "nul ?")
    assert [(await engine.detail(run.id)).run.status for run in (gave, raised)] == [gave.status, raised.status]


async def test_a_run_whose_end_cannot_be_stored_fails_and_says_so(engine, shop, monkeypatch):
    shop.add("give", give)
    monkeypatch.setattr(engine._executor, "_scrub", lambda value: {"set": {1}} if isinstance(value, dict) else value)
    monkeypatch.setattr("nexus.jobs.execution.plain", lambda value: value)

    run = await done(engine, "give")

    assert (run.status, run.reason) == ("failed", "how it ended cannot be stored")


async def test_lists_are_newest_first_filtered_and_paged(engine, shop):
    async def fails(_context):
        raise ValueError("the Disk is full")

    shop.add("give", give, overlap="allow")
    shop.add("fail", fails)
    given = [(await done(engine, "give")).id for _ in range(5)]
    failed = (await done(engine, "fail")).id

    async def ids(limit=10, cursor=None, oldest_first=False, **wanted):
        page = await engine.runs(RunFilter(**wanted), limit=limit, cursor=cursor, oldest_first=oldest_first)
        return [run.id for run in page.runs], page.cursor

    assert await ids() == ([failed, *reversed(given)], None)
    assert (await ids(job="give", module="shop"))[0] == list(reversed(given))
    assert (await ids(statuses=frozenset({RunStatus.FAILED})))[0] == [failed]
    assert (await ids(text="disk IS"))[0] == [failed]
    assert (await ids(text="d_sk"))[0] == []
    assert (await ids(trigger="schedule"))[0] == []
    assert (await ids(until=datetime.now(UTC) - timedelta(hours=1)))[0] == []
    first, cursor = await ids(limit=4)
    second, last = await ids(limit=4, cursor=cursor)
    assert (first + second, last) == ([failed, *reversed(given)], None)
    first, cursor = await ids(limit=4, oldest_first=True)
    second, last = await ids(limit=4, cursor=cursor, oldest_first=True)
    assert (first + second, last) == ([*given, failed], None)
    assert (await ids(text="disk IS", oldest_first=True))[0] == [failed]
    with pytest.raises(InvalidCursor):
        await ids(cursor="nonsense!")


async def test_a_text_is_looked_for_in_the_newest_errors_and_the_page_tells_since_when(engine, shop, monkeypatch):
    """However long the history is: with every error read, a search would grow with it."""
    monkeypatch.setattr(history, "SEARCHED", 2)

    async def fail(_context):
        raise ValueError("no such letter")

    shop.add("fail", fail)
    shop.add("give", give)
    failed = [await done(engine, "fail") for _ in range(2)]
    await done(engine, "give")
    both = await engine.runs(RunFilter(text="letter"), limit=5)
    failed.append(await done(engine, "fail"))
    page = await engine.runs(RunFilter(text="letter"), limit=5)

    assert ([run.id for run in both.runs], both.searched_since) == ([failed[1].id, failed[0].id], None)
    assert [run.id for run in page.runs] == [failed[2].id, failed[1].id]
    assert page.searched_since == failed[1].queued_at
    assert (await engine.runs(RunFilter(module="shop"), limit=5)).searched_since is None
    assert (await engine.runs(RunFilter(text="letter", module="shop", job="give"), limit=5)).runs == ()


async def test_a_text_is_looked_for_page_by_page(engine, shop, monkeypatch):
    monkeypatch.setattr(history, "SEARCHED", 3)

    async def fail(_context):
        raise ValueError("no such letter")

    shop.add("fail", fail)
    failed = [(await done(engine, "fail")).id for _ in range(4)]
    wanted = RunFilter(text="letter", module="shop", job="fail", statuses=frozenset({RunStatus.FAILED}))
    first = await engine.runs(wanted, limit=2)
    second = await engine.runs(wanted, limit=2, cursor=first.cursor)

    assert [[run.id for run in page.runs] for page in (first, second)] == [[failed[3], failed[2]], [failed[1]]]
    assert (second.cursor, second.searched_since) == (None, first.searched_since)


async def test_a_text_is_found_at_the_end_of_the_longest_error(engine, shop):
    message = "".join(chr(0x10000 + 7919 * number % 0xFFFF) for number in range(1990)) + "came off"

    async def fail(_context):
        raise ValueError(message)

    shop.add("fail", fail)
    failed = await done(engine, "fail")
    page = await engine.runs(RunFilter(text="CAME OFF"), limit=5)

    assert [(run.id, run.error.message) for run in page.runs] == [(failed.id, message)]


async def test_more_runs_than_places_all_end(workplace):
    at_once, most, ended = [], [], []

    async def work(context):
        at_once.append(context.run_id)
        most.append(len(at_once))
        await asyncio.sleep(0.01)
        at_once.remove(context.run_id)
        ended.append(context.run_id)

    workplace.shop.add("work", work, overlap="allow")
    async with workplace.engine(concurrency=3) as engine:
        runs = [await engine.trigger("shop", "work", {}, by="ann") for _ in range(12)]
        statuses = [(await finished(engine, run)).status for run in runs]

    assert statuses == ["succeeded"] * 12
    assert max(most) <= 3
    assert sorted(ended) == sorted(run.id for run in runs)


async def test_a_due_instant_yields_one_run_however_many_store_it(engine, shop, workplace):
    job = shop.add("give", give, overlap="allow")
    due = datetime(2026, 1, 1, tzinfo=UTC)

    for _ in range(3):
        await engine._fire(job, due)
    ended = await finished(engine, await engine.run(scheduled_id(job.key, due)))

    assert len((await engine.runs(RunFilter(), limit=10)).runs) == 1
    assert (ended.trigger, ended.scheduled_for, ended.requested_by) == ("schedule", due, None)


async def test_a_tick_beside_a_running_run_is_recorded_as_skipped(engine, shop, gate):
    job = shop.add("wait", gate)
    running = await engine.trigger("shop", "wait", {}, by="ann")
    due = datetime(2026, 1, 1, tzinfo=UTC)

    await engine._fire(job, due)
    skipped = await engine.run(scheduled_id(job.key, due))
    gate.opened.set()
    await finished(engine, running)

    assert skipped.status == "skipped"
    assert running.id in skipped.reason


async def test_a_schedule_fires_by_itself(engine, shop):
    shop.add("tick", give, line="* * * * * *", overlap="allow")
    engine.refresh()

    async with asyncio.timeout(PATIENCE):
        while not (page := await engine.runs(RunFilter(statuses=frozenset({RunStatus.SUCCEEDED})), limit=5)).runs:
            await asyncio.sleep(0.02)

    assert page.runs[0].scheduled_for.microsecond == 0
    [state] = await engine.jobs()
    assert state.next_run_at > page.runs[0].scheduled_for
    assert state.last_run.trigger == "schedule"


async def test_a_pause_lasts_over_a_restart_and_tells_who_did_it(workplace):
    job = workplace.shop.add("give", give, line="0 0 1 1 *")
    due = datetime(2026, 1, 1, tzinfo=UTC)
    async with workplace.engine() as engine:
        state = await engine.set_paused("shop", "give", True, by="ann", issuer="one")
        assert (state.is_paused, state.next_run_at) == (True, None)
        assert (state.record.paused_by, state.record.paused_issuer) == ("ann", "one")
    async with workplace.engine() as engine:
        await engine._fire(job, due)
        assert (await engine.runs(RunFilter(), limit=5)).runs == ()
        assert (await done(engine, "give")).status == "succeeded", "on demand it still runs"

        state = await engine.set_paused("shop", "give", False, by="bob")

        assert (state.is_paused, state.next_run_at is None) == (False, False)
        await engine._fire(job, due + timedelta(days=365))
        assert (await finished(engine, await engine.run(scheduled_id(job.key, due + timedelta(days=365))))).result


async def test_a_job_that_is_configured_to_rest_can_be_let_go_on(engine, shop):
    job = shop.add("give", give, line="0 0 1 1 *", paused=True)
    due = datetime(2026, 1, 1, tzinfo=UTC)
    await engine._fire(job, due)
    assert (await engine.runs(RunFilter(), limit=5)).runs == ()

    await engine.set_paused("shop", "give", False, by="ann")
    await engine._fire(job, due + timedelta(days=365))

    assert len((await engine.runs(RunFilter(), limit=5)).runs) == 1


async def test_after_downtime_one_late_run_starts_and_a_changed_line_counts_from_now(workplace):
    workplace.hold_clock(datetime(2026, 3, 1, 12, 2, tzinfo=UTC))
    workplace.shop.add("give", give, line="*/5 * * * *", overlap="allow")
    async with workplace.engine() as engine:
        await until(lambda: engine._scheduler.next_due(("shop", "give")))
    workplace.ahead = 3600.0
    async with workplace.engine() as engine:
        async with asyncio.timeout(PATIENCE):
            while not (page := await engine.runs(RunFilter(), limit=50)).runs:
                await asyncio.sleep(0.01)
        late = page.runs
        await finished(engine, late[0])
    workplace.ahead = 7200.0
    workplace.shop.add("give", give, line="*/7 * * * *", overlap="allow")
    async with workplace.engine() as engine:
        await until(lambda: engine._scheduler.next_due(("shop", "give")))
        after = (await engine.runs(RunFilter(), limit=50)).runs

    assert len(late) == 1
    assert [run.id for run in after] == [late[0].id]


async def test_a_run_that_is_later_than_its_deadline_is_recorded_as_skipped(workplace):
    workplace.hold_clock(datetime(2026, 3, 1, 12, 10, tzinfo=UTC))
    workplace.shop.add("give", give, line="0 * * * *", deadline=1.0)
    async with workplace.engine() as engine:
        await until(lambda: engine._scheduler.next_due(("shop", "give")))
    workplace.ahead = 3600.0 + 1800.0
    async with workplace.engine() as engine:
        async with asyncio.timeout(PATIENCE):
            while not (page := await engine.runs(RunFilter(), limit=5)).runs:
                await asyncio.sleep(0.01)

    [run] = page.runs
    assert (run.status, "its deadline is 1 s" in run.reason) == ("skipped", True)


async def test_a_run_that_waits_in_the_queue_past_its_deadline_is_skipped(workplace, gate):
    shop = workplace.shop
    shop.add("wait", gate)
    job = shop.add("give", give, deadline=60.0)
    due = workplace.now()
    async with workplace.engine(concurrency=1) as engine:
        blocking = await engine.trigger("shop", "wait", {}, by="ann")
        await until(lambda: gate.entered)
        await engine._fire(job, due)
        run = await engine.run(scheduled_id(job.key, due))
        workplace.ahead = 61.0
        gate.opened.set()
        await finished(engine, blocking)
        ended = await finished(engine, run)

    assert run.status == "queued"
    assert (ended.status, ended.attempt, ended.started_at) == ("skipped", 0, None)
    assert "until its deadline had passed" in ended.reason
    assert [told.status for told in workplace.told if told.id == run.id] == ["queued", "skipped"]


async def test_a_run_past_its_deadline_is_skipped_while_no_place_gets_free(workplace, gate):
    workplace.shop.add("wait", gate)
    job = workplace.shop.add("give", give, deadline=60.0)
    due = workplace.now()
    async with workplace.engine(concurrency=1) as engine:
        blocking = await engine.trigger("shop", "wait", {}, by="ann")
        await until(lambda: gate.entered)
        await engine._fire(job, due)
        workplace.ahead = 61.0
        await engine._housekeeping.mend()
        ended = await engine.run(scheduled_id(job.key, due))
        gate.opened.set()
        await finished(engine, blocking)

    assert ended.status == "skipped"


async def test_a_job_that_rests_records_nothing_when_it_is_late(engine, shop):
    job = shop.add("give", give, line="0 0 1 1 *", deadline=1.0, paused=True)

    await engine._miss(job, datetime(2026, 1, 1, tzinfo=UTC), "late")

    assert (await engine.runs(RunFilter(), limit=5)).runs == ()


async def test_the_history_is_bounded_by_count_and_by_age(workplace):
    workplace.shop.add("give", give, overlap="allow")
    async with workplace.engine(keep_runs=3, keep_days=1) as engine:
        runs = [await done(engine, "give") for _ in range(8)]
        await engine._housekeeping.prune()
        kept = [run.id for run in (await engine.runs(RunFilter(), limit=50)).runs]
        async with asyncio.timeout(PATIENCE):  # the library notes an attempt's end after we do
            while await engine._workflows.pending_executors():
                await asyncio.sleep(0.01)

        assert kept == [run.id for run in reversed(runs[-3:])]
        with pytest.raises(UnknownRun):
            await engine.detail(runs[0].id)

        workplace.ahead = 2 * 86400.0
        await engine._housekeeping.prune()

        assert (await engine.runs(RunFilter(), limit=50)).runs == ()


async def test_a_run_that_was_stored_and_never_begun_is_begun_later(workplace):
    job = workplace.shop.add("give", give)
    async with workplace.engine() as engine:
        forgotten = engine._new_run(job, {}, id="forgotten", trigger="manual", requested_by="ann")
        await engine._call(lambda: engine._store.enqueue(forgotten, "forbid", at_once=True))
        await engine._beginnings.look()
        assert (await engine.run("forgotten")).status == "queued"  # whoever stored it may be about to begin it
        workplace.ahead = 60.0

        assert (await finished(engine, forgotten)).status == "succeeded"


async def test_a_run_whose_job_is_gone_fails_and_says_so(workplace):
    job = workplace.shop.add("give", give)
    async with workplace.engine() as engine:
        queued = engine._new_run(job, {}, id="queued", trigger="manual", requested_by="ann")
        workplace.shop.jobs.clear()
        await engine._call(lambda: engine._store.enqueue(queued, "forbid"))

        ended = await finished(engine, queued)

    assert (ended.status, ended.error.message) == ("failed", "module 'shop' has no job 'give' any more")


async def test_taking_up_leaves_what_a_living_replica_runs_alone(engine, shop, gate):
    """The one private call of the library: it moves what is `PENDING` under the names it is given, and no more."""
    shop.add("wait", gate)
    run = await engine.trigger("shop", "wait", {}, by="ann")
    await until(lambda: gate.entered == 1)

    await engine._workflows.recover(["somebody-else"])
    assert await engine._workflows.pending_executors() == frozenset({"replica-1"})

    gate.opened.set()
    assert (await finished(engine, run)).attempt == 1
    assert gate.entered == 1


async def test_cancelling_a_job_that_swallows_it_ends_the_run_all_the_same(engine, shop, caplog):
    begun, release, heard = asyncio.Event(), asyncio.Event(), []

    async def stubborn(_context):
        begun.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                heard.append(1)

    shop.add("stubborn", stubborn)
    run = await engine.trigger("shop", "stubborn", {}, by="ann")
    await begun.wait()
    await engine.cancel(run.id, by="bob")
    ended = await finished(engine, run)
    release.set()

    assert ended.status == "cancelled"
    assert heard == [1], "a clean-up is not torn off"
    assert "swallows the cancellation" in caplog.text


async def test_a_job_may_swallow_its_cancellation_and_the_run_ends_all_the_same(engine, shop, caplog):
    release = asyncio.Event()

    async def stubborn(_context):
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    shop.add("stubborn", stubborn, timeout=0.05)
    run = await done(engine, "stubborn")
    release.set()

    assert run.status == "timed_out"
    assert "swallows the cancellation" in caplog.text
