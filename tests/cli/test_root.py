"""What holds for every command."""

import json
import resource
import subprocess
import sys

import pytest

from nexus.cli.root import COMMANDS

from .conftest import MAIN

HEAVY = ("aiohttp", "pydantic", "joserfc", "cryptography", "pluggy", "asyncio", "nexus_modules", "nexus.serve")
LOOK = f"""
import json, sys
sys.argv = ["nexus", *sys.argv[1:]]
from nexus.cli import main
try:
    main()
except SystemExit:
    pass
print("LOADED" + json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["-h"],
        ["--version"],
        ["serve", "--help"],
        ["new", "module", "--help"],
        ["jobs", "run", "--help"],
        ["runs", "--help"],
    ],
)
def test_help_imports_no_framework_and_no_module(words, folder):
    done = subprocess.run([sys.executable, "-c", LOOK, *words], capture_output=True, text=True, check=True)

    assert json.loads(done.stdout.partition("LOADED")[2]) == []


def processor_seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_help_is_little_work(folder):
    worked = []
    for _ in range(5):
        before = processor_seconds_of_children()
        subprocess.run([sys.executable, "-c", MAIN, "--help"], capture_output=True, check=True)
        worked.append(processor_seconds_of_children() - before)

    # 100 ms is the promise on an idle machine, which `scripts/bench commands` measures; this one may be loaded.
    assert min(worked) < 1.0


@pytest.mark.parametrize("words", [["version"], ["--help"], ["config", "schema"], ["modules", "--offline", "--json"]])
def test_output_that_cannot_be_written_is_one_sentence(words, folder):
    command = [sys.executable, "-c", "from nexus.cli import main; main()", *words]
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device, not a file
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (1, "nexus: the output cannot be written: no space left on device\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_what_it_does_and_what_it_takes(name, nexus):
    told = nexus(name, "--help")

    assert told.code == 0
    assert told.out.startswith(f"Usage: nexus {name}")
    assert name in nexus("--help").out


@pytest.mark.parametrize("group", ["config", "modules", "jobs", "runs", "dashboard", "auth", "new", "module"])
def test_no_summary_of_a_command_is_cut_off(group, nexus):
    _, _, listed = nexus(group, "--help").out.partition("Commands:\n")

    assert listed
    assert "..." not in listed


@pytest.mark.parametrize(
    "words",
    [
        ["check"],
        ["config", "show"],
        ["config", "schema"],
        ["modules"],
        ["modules", "show"],
        ["routes"],
        ["jobs"],
        ["jobs", "run"],
        ["runs"],
        ["runs", "show"],
        ["health"],
        ["auth", "check"],
        ["version"],
    ],
    ids=" ".join,
)
def test_every_command_that_reads_can_write_json(words, nexus):
    assert "--json" in nexus(*words, "--help").out


@pytest.mark.parametrize(
    "words",
    [
        ["serve"],
        ["check"],
        ["config", "show"],
        ["config", "schema"],
        ["token"],
        ["auth", "check"],
        ["modules"],
        ["routes"],
        ["jobs"],
        ["jobs", "pause"],
        ["runs"],
        ["runs", "cancel"],
        ["health"],
    ],
    ids=" ".join,
)
def test_every_command_that_needs_the_configuration_takes_its_files_and_environment(words, nexus):
    told = nexus(*words, "--help").out

    assert "--config FILE" in told
    assert "--env NAME" in told


def test_a_misspelt_command_is_told_the_nearest(nexus):
    ended = nexus("serv")

    assert ended.code == 2
    assert "there is no command 'serv': did you mean 'serve'?" in ended.err
    assert ended.out == ""


def test_an_unknown_command_is_told_where_the_list_is(nexus):
    assert "'nexus --help' lists them all" in nexus("frobnicate").err


@pytest.mark.parametrize(
    "words", [["serve", "--port", "x"], ["serve", "--nope"], ["token", "--ttl", "soon"], ["modules", "show"]]
)
def test_a_wrong_command_line_is_exit_2(words, nexus):
    assert nexus(*words).code == 2


def test_what_is_no_number_is_told_so(nexus):
    assert "'--port': 'x' is not a valid whole number" in nexus("serve", "--port", "x").err


def test_a_missing_file_is_exit_3_and_named(nexus):
    ended = nexus("config", "show", "-c", "nope.toml")

    assert ended.code == 3
    assert ended.err == "nope.toml: is not there: create it or correct the name\n"


def test_colours_are_for_terminals_and_never_against_no_color(nexus, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    assert "\x1b" not in nexus("modules", "--offline").out


def test_versions_are_told(nexus):
    told = nexus("version", "--json").json()

    assert set(told) == {"version", "python", "dependencies"}
    assert {"aiohttp", "click", "joserfc", "pluggy", "pydantic", "aiocache"} <= set(told["dependencies"])
    assert nexus("version").out.splitlines()[0] == f"nexus {told['version']}"


def test_what_is_interrupted_is_exit_130(nexus, monkeypatch):
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nexus.cli.version._dependencies", interrupt)

    assert nexus("version").code == 130


def test_a_bug_keeps_its_traceback(nexus, monkeypatch):
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("nexus.cli.version._dependencies", fail)

    with pytest.raises(ZeroDivisionError):
        nexus("version")


def test_a_shell_can_complete_words(shell, monkeypatch):
    monkeypatch.setenv("_NEXUS_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "nexus mod")
    monkeypatch.setenv("COMP_CWORD", "1")

    assert shell().out.split() == ["plain,modules", "plain,module"]


def test_a_state_directory_that_cannot_be_made_is_one_sentence(nexus, folder, monkeypatch):
    (folder / "file").write_text("")
    monkeypatch.setenv("NEXUS_STATE_DIR", str(folder / "file" / "below"))

    for words in (["token"], ["modules", "--url", "http://127.0.0.1:1"], ["auth", "check"]):
        ended = nexus(*words)
        assert ended.code == 1
        assert "NEXUS_STATE_DIR" in ended.err
        assert ended.err.count("\n") <= 2


def test_a_reader_that_goes_away_is_no_traceback(folder):
    command = f"{sys.executable} -c 'from nexus.cli import main; main()' config show | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)

    assert done.stdout == 'global.name = "nexus"\n'
    assert done.stderr == ""


def test_what_a_module_says_cannot_steer_the_terminal(nexus, folder):
    (folder / "mods").mkdir()
    (folder / "mods" / "rude.py").write_text("raise RuntimeError('\\x1b[2J\\u202e\\r\\nfake: line')\n")
    (folder / "config.toml").write_text("[modules.rude]\npath = 'mods'\n")

    for words in (["modules", "--offline"], ["modules", "show", "rude", "--offline"], ["check"]):
        ended = nexus(*words)
        told = ended.out + ended.err
        assert "fake: line" in told
        assert not any(character in told for character in "\x1b\u202e\r")
        assert not any(line.startswith("fake") for line in told.splitlines())


def test_a_command_that_hands_over_a_warning_says_that_it_is_one(nexus, folder, monkeypatch):
    (folder / "config.toml").write_text("[modules.hello.config]\napi_key = { env = 'SHORT' }\n")
    monkeypatch.setenv("SHORT", "abc")

    assert ": warning: " in nexus("check").err
