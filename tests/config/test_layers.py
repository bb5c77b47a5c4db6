from pathlib import Path

import pytest

from nexus.config.loading import MAX_FILE_BYTES, load
from nexus.config.scrubber import Scrubber
from tests.config.conftest import Load

PORT = ("global", "server", "port")


def test_each_layer_overrides_the_one_below_and_says_so(load_files: Load):
    files = {
        "config.toml": "[global.server]\nport = 1\nhost = 'a'\n[global]\nname = 'one'\n",
        "config.prod.toml": "[global.server]\nport = 2\nhost = 'b'\n",
        "more.toml": "\n\nglobal.server.port = 3\n",
    }
    named = ("config.toml", "more.toml")

    loaded = load_files(files, named=named, environment="prod")
    with_variable = load_files(files, named=named, environment="prod", environ={"NEXUS__GLOBAL__SERVER__PORT": "4"})
    with_flag = load_files(
        files,
        named=named,
        environment="prod",
        environ={"NEXUS__GLOBAL__SERVER__PORT": "4"},
        flags={"global.server.port": 5},
    )

    assert [str(tree.get(PORT)) for tree in (loaded.tree, with_variable.tree, with_flag.tree)] == ["3", "4", "5"]
    assert str(loaded.tree.origin(PORT)) == "more.toml:3"
    assert str(loaded.tree.origin(("global", "server", "host"))) == "config.prod.toml:3"
    assert str(loaded.tree.origin(("global", "name"))) == "config.toml:5"
    assert str(with_variable.tree.origin(PORT)) == "env NEXUS__GLOBAL__SERVER__PORT"
    assert str(with_flag.tree.origin(PORT)) == "flag --port"
    assert not with_flag.problems


def test_tables_merge_and_arrays_replace(load_files: Load):
    loaded = load_files(
        {
            "config.toml": "[modules.a.config]\nkept = 1\nlist = [1, 2, 3]\n[modules.a.config.deep]\nx = 1\n",
            "more.toml": "[modules.a.config]\nlist = [9]\n[modules.a.config.deep]\ny = 2\n",
        },
        named=("config.toml", "more.toml"),
    )

    assert loaded.tree.get(("modules", "a", "config")) == {"kept": 1, "list": [9], "deep": {"x": 1, "y": 2}}
    assert str(loaded.tree.origin(("modules", "a", "config", "list", 0))) == "more.toml:2"


def test_a_replaced_table_leaves_no_origin_behind(load_files: Load):
    loaded = load_files(
        {"config.toml": "[modules.a.config.x]\ny = 1\n", "more.toml": "[modules.a.config]\nx = 'plain'\n"},
        named=("config.toml", "more.toml"),
    )

    assert str(loaded.tree.origin(("modules", "a", "config", "x", "y"))) == "more.toml:2"


def test_the_first_named_file_stands_in_the_place_of_config_toml(load_files: Load, tmp_path: Path):
    loaded = load_files(
        {"config.toml": "global.name = 'no'", "own.toml": "", "own.dev.toml": "global.name = 'yes'"},
        named=("own.toml",),
        environ={"NEXUS_ENV": "dev"},
    )

    assert loaded.tree.get(("global", "name")) == "yes"
    assert [file.name for file in loaded.files] == ["own.toml", "own.dev.toml"]
    assert loaded.directory == tmp_path


def test_the_flag_for_the_environment_wins_over_the_variable(load_files: Load):
    files = {"config.toml": "", "config.a.toml": "global.name = 'a'", "config.b.toml": "global.name = 'b'"}

    assert load_files(files, environment="a", environ={"NEXUS_ENV": "b"}).tree.get(("global", "name")) == "a"


def test_nothing_at_all_is_a_configuration(load_files: Load, tmp_path: Path):
    loaded = load(environ={}, directory=tmp_path, scrubber=Scrubber())

    assert (loaded.tree.data, loaded.problems, loaded.files, loaded.directory) == ({}, (), (), tmp_path)


@pytest.mark.parametrize(
    ("environment", "environ"), [("prod", {}), (None, {"NEXUS_ENV": "prod"})], ids=["flag", "variable"]
)
def test_an_environment_that_no_file_knows_is_warned_of(load_files: Load, environment, environ):
    loaded = load_files({}, environment=environment, environ=environ)

    assert [problem.level for problem in loaded.problems] == ["warning"]
    assert str(loaded.problems[0]) == (
        "the environment 'prod' is named, but there is neither 'config.toml' nor 'config.prod.toml' here, so the"
        " defaults hold: go to the folder that has them, or name a file with -c"
    )


@pytest.mark.parametrize(
    ("files", "named", "environment", "problem"),
    [
        ({}, ("gone.toml",), None, "gone.toml: is not there: create it or correct the name"),
        ({"config.toml": ""}, (), "prod", "config.prod.toml: is not there: create it or correct the name"),
        ({"config.toml": "a = 1\nb = \n"}, (), None, "config.toml:2: is not valid TOML (invalid value): correct it"),
        ({"config.toml": 'a = 1\nb = """x\n'}, (), None, "config.toml:3: is not valid TOML (unterminated string)"),
        ({"config.toml": "a = 1\na = 2\n"}, (), None, "config.toml:2: is not valid TOML (cannot overwrite a value)"),
        ({"config.toml": "x = " + "1" * 5000}, (), None, "config.toml: holds an integer of too many digits"),
        ({"config.toml": "x = " + "[" * 70 + "]" * 70}, (), None, "config.toml: is nested more than 64 deep"),
        ({"config.toml": "x = " + "[" * 9000 + "]" * 9000}, (), None, "config.toml: is nested too deeply"),
        ({"config.toml": "x." * 100 + "x = 1"}, (), None, "config.toml: is nested more than 64 deep"),
        ({"config.toml": "#" * (MAX_FILE_BYTES + 1)}, (), None, f"config.toml: has more than {MAX_FILE_BYTES} bytes"),
        ({"config.toml": ""}, (), "../x", "the environment '../x' is no name: use letters, digits, '-', '_'"),
    ],
    ids=["missing", "no-environment", "syntax", "end", "twice", "digits", "deep", "deeper", "dotted", "size", "name"],
)
def test_a_named_file_that_cannot_be_used_is_told(load_files: Load, files, named, environment, problem):
    loaded = load_files(files, named=named, environment=environment)

    assert len(loaded.problems) == 1
    assert str(loaded.problems[0]).startswith(problem)
    assert loaded.problems[0].level == "error"


def test_a_file_that_is_not_text_is_told(load_files: Load, tmp_path: Path):
    (tmp_path / "config.toml").write_bytes(b"name = '\xff'")
    loaded = load(environ={}, directory=tmp_path, scrubber=Scrubber())
    folder = load([tmp_path], environ={}, directory=tmp_path, scrubber=Scrubber())

    assert str(loaded.problems[0]) == "config.toml: is not UTF-8: save it as UTF-8 text"
    assert str(folder.problems[0]) == ".: is a folder: name the file"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path):
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbf[global]\r\nname = 'x'\r\n")

    loaded = load(environ={}, directory=tmp_path, scrubber=Scrubber())

    assert not loaded.problems
    assert str(loaded.tree.origin(("global", "name"))) == "config.toml:2"


def test_a_broken_file_keeps_no_other_from_being_read(load_files: Load):
    loaded = load_files(
        {"config.toml": "=", "more.toml": "global.name = 'x'"}, named=("config.toml", "gone.toml", "more.toml")
    )

    assert loaded.tree.get(("global", "name")) == "x"
    assert [str(problem).partition(":")[0] for problem in loaded.problems] == ["config.toml", "gone.toml"]
