import stat
from pathlib import Path

import pytest
from pydantic import BaseModel

from nexus.config.binding import bind
from nexus.config.host_binding import bind_host
from nexus.config.scrubber import Scrubber
from nexus.config.secret import Secret
from tests.config.conftest import Load

AT = ("modules", "my-mod", "config")


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_text("from-a-file\n")
    file.chmod(0o600)
    return file


def test_references_are_followed_at_any_depth_arrays_included(load_files: Load, secret_file: Path):
    text = f"""
[modules.my-mod.config]
plain = {{ env = "PLAIN" }}
list = ["x", {{ file = "{secret_file}" }}, [{{ env = "PLAIN" }}]]
[[modules.my-mod.config.tables]]
deep = {{ deeper = {{ env = "PLAIN" }} }}
[[modules.my-mod.jobs]]
type = "x"
options = {{ key = {{ env = "PLAIN" }} }}
[global]
name = {{ env = "PLAIN" }}
"""

    tree = load_files(text, environ={"PLAIN": "out-of-env"}).tree

    assert tree.get(AT) == {
        "plain": "out-of-env",
        "list": ["x", "from-a-file", ["out-of-env"]],
        "tables": [{"deep": {"deeper": "out-of-env"}}],
    }
    assert tree.get(("modules", "my-mod", "jobs", 0, "options", "key")) == "out-of-env"
    assert tree.get(("global", "name")) == "out-of-env"
    assert tree.source((*AT, "list", 1)) == f"file:{secret_file}"
    assert tree.source((*AT, "list", 0)) is None
    assert str(tree.origin((*AT, "tables", 0, "deep", "deeper"))) == "config.toml:6"


def test_the_word_of_switchboard_stands_for_a_variable_of_the_module(load_files: Load):
    tree = load_files(
        "[modules.my-mod.config]\napi_key = '__env__'\n[modules.my-mod.config.deep]\nother-key = '__env__'\n"
        "[global]\nname = '__env__'\n",
        environ={"MY_MOD_API_KEY": "one-value", "MY_MOD_OTHER_KEY": "two-value"},
    ).tree

    assert tree.get(AT) == {"api_key": "one-value", "deep": {"other-key": "two-value"}}
    assert tree.source((*AT, "api_key")) == "env:MY_MOD_API_KEY"
    assert tree.get(("global", "name")) == "__env__"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("{ env = 'GONE' }", "the variable GONE is not set: set it, or take the reference out"),
        ("{ env = '' }", 'is a reference to nothing: write for instance { env = "NAME" }'),
        ("{ file = '' }", 'is a reference to nothing: write for instance { file = "/run/secrets/name" }'),
        ("{ env = 'EMPTY' }", "the variable EMPTY is empty: give it a value, or take the reference out"),
        ("'__env__'", "the variable MY_MOD_KEY is not set: set it, or take the reference out"),
        (
            "{ file = '/nowhere' }",
            "the file /nowhere cannot be read (No such file or directory): check path and permissions",
        ),
        ("{ file = '/' }", "the file / is not a regular file: name the file that holds the value"),
        ("{ file = '/dev/zero' }", "the file /dev/zero is not a regular file: name the file that holds the value"),
    ],
)
def test_an_unset_or_empty_source_is_an_error_that_names_it(load_files: Load, value: str, problem: str):
    class Settings(BaseModel):
        key: Secret

    loaded = load_files(f"[modules.my-mod.config]\nkey = {value}\n", environ={"EMPTY": ""})
    bound = bind(loaded.tree, AT, Settings, scrubber=Scrubber())

    assert [str(each) for each in loaded.problems] == [f"config.toml:2: modules.my-mod.config.key: {problem}"]
    assert all(each.level != "error" for each in bound.problems), "the same is not told twice"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty: write the value into it"),
        (b"\n", "is empty: write the value into it"),
        (b"\xff\xfe", "is not UTF-8 text: store the value as text"),
        (b"x" * 65_537, "has more than 65536 bytes: is it the right one?"),
    ],
)
def test_a_secret_file_that_cannot_be_used_is_told(load_files: Load, secret_file: Path, content: bytes, problem: str):
    secret_file.write_bytes(content)

    loaded = load_files(f"modules.a.config.key = {{ file = '{secret_file}' }}")

    assert [each.message for each in loaded.problems] == [f"the file {secret_file} {problem}"]


def test_a_secret_file_that_others_can_read_is_used_with_a_warning(load_files: Load, secret_file: Path):
    secret_file.chmod(0o600 | stat.S_IRGRP)

    loaded = load_files(f"modules.a.config.key = {{ file = '{secret_file}' }}")

    assert loaded.tree.get(("modules", "a", "config", "key")) == "from-a-file"
    assert [(each.level, each.message) for each in loaded.problems] == [
        ("warning", f"the file {secret_file} can be read by others: chmod 600 {secret_file}")
    ]


def test_a_setting_that_is_called_file_or_env_is_no_reference(load_files: Load):
    loaded = load_files(
        "[modules.env]\n[modules.a.config]\nfile = 'a.log'\n[[modules.a.jobs]]\ntype = 'x'\noptions = {env = 'prod'}\n"
    )
    settings = bind_host(loaded, Scrubber()).value

    assert loaded.problems == ()
    assert settings is not None
    assert settings.modules["a"].config == {"file": "a.log"}
    assert settings.modules["a"].jobs[0].options == {"env": "prod"}


def test_every_value_that_comes_by_reference_is_scrubbed_before_anything_is_bound(
    load_files: Load, scrubber: Scrubber, secret_file: Path
):
    load_files(
        f"modules.a.config.x = [{{ env = 'X' }}, {{ file = '{secret_file}' }}]", environ={"X": "canary-in-a-variable"}
    )

    assert scrubber.scrub("canary-in-a-variable from-a-file") == "****** ******"
