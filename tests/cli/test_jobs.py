"""`nexus jobs` and `nexus runs`, against a host that runs jobs."""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest

from tests.ports import free_port

from .conftest import MAIN, PATIENCE

CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
"""Tests that a shell runs in its background ignore it, and so would what they start."""

MODULE = """
import asyncio
import pathlib

import nexus
from pydantic import BaseModel

class Options(BaseModel):
    days: int = 30
    note: str = ""
    key: nexus.Secret | None = None

work = nexus.Module("work", version="1.0.0")

async def find(days):
    return days

@work.job("sweep", options=Options)
async def sweep(context, options):
    '''Sweep.'''
    days = await context.step("find", find, options.days)
    context.progress(days, 60, "sweeping \\x1b[31m")
    context.logger.info("swept")
    return {"days": days, "note": options.note}

@work.job("fail")
async def fail(context):
    '''Fail.'''
    raise RuntimeError("no luck")

@work.job("long", overlap="forbid")
async def long(context):
    '''Go on until a file is there.'''
    context.progress(1, 4, "waiting")
    while not pathlib.Path("done").exists():
        await asyncio.sleep(0.05)
    return "at last"
"""
CONFIG = """
[modules.work]
path = "mods"
[[modules.work.jobs]]
type = "sweep"
name = "nightly"
schedule = "0 8 1 1 *"
timezone = "Europe/Berlin"
options = { days = 7, key = { env = "WORK_KEY" } }
[[modules.work.jobs]]
type = "fail"
[[modules.work.jobs]]
type = "long"
"""


@pytest.fixture
def configured(folder, monkeypatch):
    """A configuration with a module that has jobs."""
    (folder / "mods").mkdir()
    (folder / "mods" / "work.py").write_text(MODULE)
    (folder / "config.toml").write_text(CONFIG)
    monkeypatch.setenv("WORK_KEY", "open-sesame")
    return folder


@pytest.fixture
def host(configured, serve, monkeypatch):
    """A running host, which the commands find by themselves."""
    serving = serve("--port", str(free_port()))  # one that is still free where it starts again
    monkeypatch.setenv("NEXUS_URL", serving.url)
    return serving


@pytest.fixture
def begin(host):
    """Starts a command in a process of its own."""
    started = []

    def start(*words, **streams):
        command = [sys.executable, "-c", CTRL_C + MAIN, *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        process = subprocess.Popen(command, text=True, **pipes)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def shown_line(stream, text):
    """Waits for a line with `text`, and gives it."""
    for line in stream:
        if text in line:
            return line
    raise AssertionError(f"no line has {text!r}")


def test_offline_the_jobs_are_those_that_the_configuration_would_load(nexus, configured):
    by_name = {each["name"]: each for each in nexus("jobs", "--offline", "--json").json()}

    assert list(by_name) == ["fail", "long", "nightly"]
    nightly = by_name["nightly"]
    assert (nightly["module"], nightly["type"], nightly["state"]) == ("work", "sweep", "scheduled")
    assert nightly["options"] == {"days": 7, "note": "", "key": "******"}
    assert re.fullmatch(r"\d{4}-01-01T07:00:00Z", nightly["next_run_at"])
    table = nexus("jobs", "--offline").out
    assert re.search(
        r"work +nightly +scheduled +0 8 1 1 \* Europe/Berlin +in \d+ [dh] \(\d{4}-01-01T07:00:00Z\)", table
    )
    assert re.search(r"work +fail +on demand\n", table)


def test_offline_and_online_tell_the_same_of_a_job(host, nexus):
    assert nexus("jobs", "--json").json() == nexus("jobs", "--json", "--offline").json()


def test_offline_a_module_whose_settings_do_not_bind_is_named(nexus, configured):
    (configured / "config.toml").write_text(CONFIG.replace("days = 7", "days = 'x'"))

    ended = nexus("jobs", "--offline", "--json")
    assert ended.json() == []
    assert "the jobs of module work are left out: 'nexus check' tells why" in ended.err


def test_a_run_is_started_waited_for_and_shown(host, nexus):
    ended = nexus("jobs", "run", "work", "nightly", "-o", "days=30", "-o", "note=a b", "--wait")

    assert ended.code == 0
    assert ended.json() == {"days": 30, "note": "a b"}
    run_id = re.search(r"run (\S+): succeeded after [\d.]+ s\n", ended.err)[1]
    assert "\x1b" not in ended.err

    shown = nexus("runs", "show", run_id)
    assert shown.out.startswith(f"run {run_id}  succeeded\njob        work nightly\n")
    for line in (
        "trigger    manual by nexus-cli",
        "step       find,",
        "progress   30 of 60 (50%) sweeping \\x1b[31m",
        "option     days = 30",
        'option     key = "******"',
        'result     {"days": 30, "note": "a b"}',
        " info swept",
    ):
        assert line in shown.out
    assert re.search(r"attempt    1 of 1, succeeded, after [\d.]+ s, on \S+\n", shown.out)
    assert nexus("runs", "show", run_id, "--json").json()["id"] == run_id
    assert "\x1b" not in shown.out
    assert "open-sesame" not in shown.out + nexus("runs", "show", run_id, "--json").out


@pytest.mark.parametrize(
    ("given", "bound"), [("note=", ""), ('note="7"', "7"), ("note=NaN", "NaN"), ("note={", "{"), ("note=a=b", "a=b")]
)
def test_an_option_is_json_where_it_is_json_else_text(given, bound):
    from nexus.cli.job_commands import _read_options

    assert _read_options(None, None, (given,)) == {"note": bound}
    assert _read_options(None, None, ("a=1", "b=[true]", "c=null")) == {"a": 1, "b": [True], "c": None}


def test_without_waiting_the_id_is_printed_and_a_key_means_one_run(host, nexus):
    first, second = (nexus("jobs", "run", "work", "nightly", "--idempotency-key", "k").out for _ in range(2))

    assert re.fullmatch(r"[0-9a-f-]{36}\n", first)
    assert first == second
    ended = nexus("jobs", "run", "work", "nightly", "-o", "days=1", "--idempotency-key", "k")
    assert ended.code == 2
    assert ended.err == "nexus: the idempotency key belongs to a run with other options: take a new key\n"


def test_what_fails_is_exit_1_and_can_be_retried(host, nexus):
    ended = nexus("jobs", "run", "work", "fail", "--wait")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.endswith(": RuntimeError: no luck\n")
    run_id = nexus("runs", "--status", "failed", "--json").json()["runs"][0]["id"]
    assert "error      RuntimeError: no luck\n" in nexus("runs", "show", run_id).out

    again = nexus("runs", "retry", run_id).out.strip()

    retried = nexus("runs", "--trigger", "retry", "--json").json()["runs"]
    assert [(each["id"], each["retry_of"]) for each in retried] == [(again, run_id)]


def test_runs_are_listed_narrowed_and_paged(host, nexus):
    for words in (["nightly", "-o", "days=1"], ["nightly", "-o", "days=2"], ["fail"]):
        nexus("jobs", "run", "work", *words, "--wait")

    assert re.search(r"\S{36}  work +fail +failed +manual +\S+Z  [\d.]+ s\n", nexus("runs").out)
    assert len(nexus("runs", "--job", "nightly", "--json").json()["runs"]) == 2
    assert len(nexus("runs", "--text", "NO LUCK", "--json").json()["runs"]) == 1
    assert nexus("runs", "--module", "other", "--json").json() == {"runs": [], "cursor": None, "searched_since": None}
    page = nexus("runs", "--limit", "2")
    cursor = re.search(r"there are more: add --cursor (\S+)\n", page.err)[1]
    assert len(page.out.splitlines()) == 3
    assert len(nexus("runs", "--cursor", cursor, "--json").json()["runs"]) == 1
    last = {each["name"]: (each["last_run"] or {}).get("status") for each in nexus("jobs", "--json").json()}
    assert last == {"fail": "failed", "long": None, "nightly": "succeeded"}


def test_progress_is_shown_line_by_line_and_a_second_run_is_refused(host, begin, nexus):
    waiting = begin("jobs", "run", "work", "long", "--wait")
    run_id = re.match(r"run (\S+): running, 1 of 4 \(25%\) waiting\n", shown_line(waiting.stderr, "1 of 4"))[1]

    refused = nexus("jobs", "run", "work", "long")
    assert refused.code == 1
    assert refused.err.startswith(f"nexus: run {run_id} of this job is running: ")

    assert nexus("runs", "cancel", run_id).err == f"run {run_id} is being cancelled\n"
    assert shown_line(waiting.stderr, "cancelled").startswith(f"run {run_id}: cancelled")
    assert waiting.wait(PATIENCE) == 1
    assert nexus("runs", "cancel", run_id).err == f"run {run_id} is cancelled\n"


def test_who_stops_waiting_is_told_that_the_run_goes_on(host, begin, nexus, configured):
    waiting = begin("jobs", "run", "work", "long", "--wait")
    run_id = shown_line(waiting.stderr, "1 of 4").split()[1].rstrip(":")

    waiting.send_signal(signal.SIGINT)

    assert waiting.wait(PATIENCE) == 130
    told = f"the run goes on: 'nexus runs show {run_id}' shows it, 'nexus runs cancel {run_id}' ends it\n"
    assert waiting.stderr.read().strip() == told.strip()
    assert nexus("runs", "show", run_id, "--json").json()["status"] == "running"
    (configured / "done").touch()


def test_on_a_terminal_one_line_is_rewritten(host, begin, configured):
    own, theirs = pty.openpty()
    waiting = begin("jobs", "run", "work", "long", "--wait", stderr=theirs)
    os.close(theirs)
    seen = ""
    ends_at = time.monotonic() + PATIENCE
    while time.monotonic() < ends_at and waiting.poll() is None:
        if select.select([own], [], [], 0.1)[0]:
            with contextlib.suppress(OSError):
                seen += os.read(own, 4096).decode()
        if "1 of 4" in seen:
            (configured / "done").touch()
    assert waiting.stdout.read() == '"at last"\n'
    with contextlib.suppress(OSError):
        seen += os.read(own, 4096).decode()
    os.close(own)

    assert waiting.wait(PATIENCE) == 0
    assert seen.count("\n") == 1, seen
    assert re.search(r"\rrun \S+: running, 1 of 4 \(25%\) waiting \([\d.]+ s\)", seen)
    assert re.fullmatch(r"run \S+: succeeded after [\d.]+ s\s+", seen.rpartition(" \r")[2])


def test_a_wait_outlasts_a_restart_of_the_host(host, begin, serve, configured):
    waiting = begin("jobs", "run", "work", "long", "--wait")
    shown_line(waiting.stderr, "1 of 4")

    host.process.kill()
    host.process.wait(PATIENCE)
    (configured / "done").touch()
    serve("--port", host.url.rpartition(":")[2])

    assert waiting.stdout.read() == '"at last"\n'
    assert waiting.wait(PATIENCE) == 0


def test_a_schedule_rests_and_goes_on(host, nexus):
    paused = nexus("jobs", "pause", "work", "nightly")
    assert (paused.code, paused.err) == (0, "job nightly of module work: paused\n")
    assert re.search(r"work +nightly +paused ", nexus("jobs").out)

    resumed = nexus("jobs", "resume", "work", "nightly")
    assert re.fullmatch(r"job nightly of module work: scheduled, next run in \d+ [dh] \(\S+Z\)\n", resumed.err)
    assert nexus("jobs", "pause", "work", "nightly", "--json").json()["state"] == "paused"


def test_many_runs_are_ended_or_retried_at_once(host, nexus, configured):
    for _ in range(2):
        nexus("jobs", "run", "work", "fail", "--wait")
    assert nexus("jobs", "run", "work", "long").code == 0

    ended = nexus("runs", "cancel", "--all", "--module", "work")
    assert (ended.code, ended.err) == (0, "cancel: 1 done, 0 refused\n")
    retried = nexus("runs", "retry", "--all", "--job", "fail", "--json")
    assert sum(retried.json().values()) == 2
    assert retried.code == (1 if retried.json()["refused"] else 0)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["jobs", "run", "work", "nope"], "there is no job 'nope' of a module 'work': 'nexus jobs' lists them all"),
        (["jobs", "pause", "nope", "nightly"], "there is no job 'nightly' of a module 'nope'"),
        (["jobs", "run", "..", "nightly"], "there is no job 'nightly' of a module '..'"),
        (
            ["runs", "show", "nope"],
            "there is no run 'nope', or it is no longer kept: 'nexus runs' lists those that are",
        ),
        (["runs", "cancel", "."], "there is no run '.'"),
        (["runs", "retry", "a/b"], "there is no run 'a/b'"),
    ],
    ids=" ".join,
)
def test_what_is_not_there_is_exit_4(words, told, host, nexus):
    ended = nexus(*words)

    assert ended.code == 4
    assert told in ended.err
    assert ended.err.count("\n") == 1


def test_what_the_host_finds_wrong_with_the_words_is_exit_2(host, nexus):
    for words, told in (
        (["jobs", "run", "work", "nightly", "-o", "days=x"], "days: Input should be a valid integer"),
        (
            ["jobs", "run", "work", "nightly", "-o", "dayz=1"],
            "dayz: there is no option of this name: did you mean 'days'?",
        ),
        (["jobs", "run", "work", "fail", "-o", "a=1"], "a: the job takes no options: leave it out"),
        (["runs", "--status", "done"], "status is to be of queued, running, "),
        (["runs", "--trigger", "x"], "trigger is to be one of schedule, manual, retry"),
        (["runs", "--since", "x"], "since is to be an instant such as 2026-01-31T08:00:00Z"),
        (["runs", "--cursor", "x!"], "the cursor is none that a list of runs gave"),
    ):
        ended = nexus(*words)
        assert (ended.code, ended.out) == (2, ""), words
        assert told in ended.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["jobs", "run", "work", "x", "-o", "days"], "'days' is no option: write key=value, as in days=30"),
        (["jobs", "run", "work", "x", "-o", "a=1", "-o", "a=2"], "'a' is given twice"),
        (["jobs", "run", "work", "x", "--idempotency-key", "a b"], "1 to 200 visible ASCII characters"),
        (["jobs", "--offline", "pause", "work", "x"], "'nexus jobs pause' needs a host"),
        (["runs", "--module", "m", "cancel", "--all"], "--module narrows the list: write it after 'cancel'"),
        (["runs", "cancel"], "say which: a run's ID, or --all"),
        (["runs", "cancel", "--all"], "--all is not every run there is"),
        (["runs", "retry", "x", "--module", "m"], "an ID is one run"),
        (["runs", "--limit", "0"], "0 is not in the range"),
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_exit_2_and_asks_no_host(words, told, nexus):
    ended = nexus(*words, "--url", "http://127.0.0.1:1")

    assert ended.code == 2
    assert told in " ".join(ended.err.split())


@pytest.mark.parametrize(
    "words",
    [["jobs"], ["jobs", "run", "a", "b"], ["jobs", "pause", "a", "b"], ["runs"], ["runs", "show", "x"]],
    ids=" ".join,
)
def test_without_a_host_or_a_token_it_is_exit_6_or_5(words, host, nexus):
    assert nexus(*words, "--url", "http://127.0.0.1:1").code == 6
    assert nexus(*words, "--token", nexus("token").out.strip()).code == 5
