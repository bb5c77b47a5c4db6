from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from nexus.config.binding import bind
from nexus.config.host_binding import bind_host
from nexus.config.scrubber import Scrubber
from tests.config.conftest import Load


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    count: int = 0
    ratio: float = 0.0
    on: bool = False
    text: str = ""
    names: list[str] = []
    table: dict[str, int] = {}
    either: int | str = 0


PREFIX = "NEXUS__MODULES__A__CONFIG__"
AT = ("modules", "a", "config")


def bound(load_files: Load, environ: dict[str, str], text: str = "") -> BaseModel:
    result = bind(load_files(text, environ=environ).tree, AT, Strict, scrubber=Scrubber())
    assert result.problems == ()
    assert result.value is not None
    return result.value


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("COUNT", "3", 3),
        ("RATIO", "0.5", 0.5),
        ("ON", "true", True),
        ("TEXT", "3", "3"),
        ("TEXT", "true", "true"),
        ("TEXT", '["a"]', '["a"]'),
        ("NAMES", '["a", "b"]', ["a", "b"]),
        ("TABLE", "{x = 1}", {"x": 1}),
        ("EITHER", "7", "7"),
    ],
)
def test_the_type_of_the_setting_decides_what_a_variable_means(load_files: Load, key: str, text: str, value: object):
    assert getattr(bound(load_files, {PREFIX + key: text}), key.lower()) == value


def test_a_segment_names_a_key_however_it_is_spelt(load_files: Load):
    text = "[global.auth]\njwksUri = 'https://a/'\n[modules.my-module.config]\nsome-key = 1\n"

    loaded = load_files(
        text,
        environ={"NEXUS__GLOBAL__AUTH__JWKS_URI": "https://b/", "NEXUS__MODULES__MY_MODULE__CONFIG__SOME_KEY": "2"},
    )

    assert loaded.tree.get(("global", "auth")) == {"jwksUri": "https://b/"}
    assert loaded.tree.get(("modules", "my-module", "config")) == {"some-key": "2"}


def test_digits_name_an_element_of_an_array(load_files: Load):
    text = "[[modules.a.jobs]]\ntype = 'x'\n[[modules.a.jobs]]\ntype = 'y'\n"

    loaded = load_files(text, environ={"NEXUS__MODULES__A__JOBS__1__PAUSED": "true"})
    settings = bind_host(loaded, Scrubber()).value

    assert settings is not None
    assert [job.paused for job in settings.modules["a"].jobs] == [False, True]


def test_jobs_can_be_given_in_one_variable(load_files: Load):
    loaded = load_files(environ={"NEXUS__MODULES__A__JOBS": '[{type = "sweep", options = {days = 3}}]'})

    settings = bind_host(loaded, Scrubber()).value

    assert settings is not None
    assert settings.modules["a"].jobs[0].options == {"days": 3}


def test_names_with_one_underscore_are_no_settings(load_files: Load):
    environ = {"NEXUS_STATE_DIR": "/x", "NEXUS_TOKEN": "x", "NEXUS_CLIENT_SECRET_FILE": "/x", "NEXUS_URL": "x"}

    assert load_files(environ=environ).tree.data == {}


def test_a_file_named_by_a_variable_gives_the_value_without_its_last_newline(
    load_files: Load, tmp_path: Path, scrubber: Scrubber
):
    file = tmp_path / "token"
    file.write_text("two\nlines of it\n\n")
    file.chmod(0o600)

    loaded = load_files(environ={PREFIX + "TOKEN_FILE": str(file)})

    assert loaded.problems == ()
    assert loaded.tree.get((*AT, "token")) == "two\nlines of it\n"
    assert loaded.tree.source((*AT, "token")) == f"file:{file}"
    assert scrubber.scrub("two\nlines of it\n") == "******"


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        (
            {PREFIX + "TOKEN": "x", PREFIX + "TOKEN_FILE": "/nowhere"},
            f"env {PREFIX}TOKEN_FILE: modules.a.config.token: {PREFIX}TOKEN is set too: keep one of the two variables",
        ),
        (
            {PREFIX + "TOKEN_FILE": "/nowhere"},
            (
                f"env {PREFIX}TOKEN_FILE: modules.a.config.token: the file /nowhere cannot be read"
                " (No such file or directory): check path and permissions"
            ),
        ),
        (
            {"NEXUS__GLOBAL__NAME_FILE": ""},
            (
                "env NEXUS__GLOBAL__NAME_FILE: global.name: names no file:"
                " write the path of the file that holds the value"
            ),
        ),
        (
            {"NEXUS__GLOBAL____PORT": "1"},
            "env NEXUS__GLOBAL____PORT: names no setting: write NEXUS__<TABLE>__<KEY>",
        ),
        (
            {"NEXUS__GLOBAL__NAME__X": "1"},
            (
                "env NEXUS__GLOBAL__NAME__X: global.name.x: lies inside a value that is no table:"
                " check the variable's name"
            ),
        ),
    ],
    ids=["both", "missing", "empty-name", "empty-segment", "inside-a-text"],
)
def test_a_variable_that_cannot_be_used_is_told(load_files: Load, environ: dict[str, str], problem: str):
    loaded = load_files("global.name = 'x'", environ=environ)

    assert [str(each) for each in loaded.problems] == [problem]


def test_bytes_that_are_no_text_in_a_variable_do_no_harm(load_files: Load, scrubber: Scrubber):
    loaded = load_files("modules.a.config.x = {env = 'X'}", environ={"X": "se\udcffcret-value"})

    bind(loaded.tree, AT, Strict, scrubber=scrubber)

    assert "cret-value" not in scrubber.scrub("se\udcffcret-value")
