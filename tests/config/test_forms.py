"""Settings that have several spellings, shapes or ways in mean the same by each of them."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, JsonValue, RootModel, model_validator

from nexus.config.binding import bind
from nexus.config.effective import as_config_json, views
from nexus.config.host_binding import bind_host
from nexus.config.origin import dotted, undotted
from nexus.config.secret import Secret

AT = ("modules", "m", "config")
CANARY = "canary-in-a-mine"


class Basic(BaseModel):
    kind: Literal["basic"]
    user: str


class Bearer(BaseModel):
    kind: Literal["bearer"]
    token: Secret


class Either(BaseModel):
    auth: Basic | Bearer


class Tagged(BaseModel):
    auth: Annotated[Basic | Bearer, Field(discriminator="kind")]


class Rooted(RootModel[dict[str, int]]):
    pass


class Shapes(BaseModel):
    rooted: Rooted = Rooted({})
    by_choice: str = Field("", validation_alias=AliasChoices("first", "second"))
    mixed: list[list[Basic]] = []


class Camel(BaseModel):
    apiKey: str = ""  # noqa: N815 - as an author may spell it
    limit: int = 1


@pytest.mark.parametrize("model", [Either, Tagged])
def test_a_key_of_one_model_of_a_union_is_no_mistake(load_files, scrubber, model):
    loaded = load_files(
        '[modules.m.config]\nauth = { kind = "bearer", token = { env = "T" } }\n', environ={"T": CANARY}
    )

    bound = bind(loaded.tree, AT, model, scrubber=scrubber)

    assert bound.problems == ()
    assert bound.value.auth.token.reveal() == CANARY


@pytest.mark.parametrize("model", [Either, Tagged])
def test_a_key_of_no_model_of_a_union_is_named_with_the_nearest(load_files, scrubber, model):
    loaded = load_files('[modules.m.config]\nauth = { kind = "bearer", tokn = "x" }\n')

    bound = bind(loaded.tree, AT, model, scrubber=scrubber)

    assert "is not known here: did you mean 'token'?" in str(bound.problems[0])


def test_root_models_aliases_and_nested_arrays_bind(load_files, scrubber):
    text = '[modules.m.config]\nrooted = { a = 1 }\nsecond = "x"\nmixed = [[{ kind = "basic", usr = "u" }]]\n'

    told = [str(each) for each in bind(load_files(text).tree, AT, Shapes, scrubber=scrubber).problems]

    assert told[0] == "config.toml:4: modules.m.config.mixed[0][0].usr: is not known here: did you mean 'user'?"
    assert all("mixed[0][0]" in each for each in told)


@pytest.mark.parametrize("text", ['{ apiKey = "k", limit = 3 }', '{"apiKey": "k", "limit": 3}'], ids=["TOML", "JSON"])
def test_a_whole_table_may_come_in_one_variable(load_files, scrubber, text):
    loaded = load_files("[modules.m]\n", environ={"NEXUS__MODULES__M__CONFIG": text})

    bound = bind(loaded.tree, AT, Camel, scrubber=scrubber)

    assert bound.value == Camel(apiKey="k", limit=3)
    assert {str(view.origin) for view in views(bound.value, loaded.tree, AT)} == {"env NEXUS__MODULES__M__CONFIG"}


def test_a_variable_reaches_a_setting_that_no_file_spells(load_files, scrubber):
    loaded = load_files("[modules.m]\n", environ={"NEXUS__MODULES__M__CONFIG__API_KEY": "k"})

    bound = bind(loaded.tree, AT, Camel, scrubber=scrubber)

    assert bound.value == Camel(apiKey="k")
    (view, _) = views(bound.value, loaded.tree, AT)
    assert (view.path, view.value, str(view.origin)) == ("apiKey", "k", "env NEXUS__MODULES__M__CONFIG__API_KEY")


def test_a_higher_layer_may_spell_a_key_otherwise(load_files, scrubber):
    auth = '[global.auth]\nissuer = "https://a.example/"\naudience = "a"\n'
    loaded = load_files(
        {"config.toml": f'{auth}jwksUri = "https://a.example/1"\n', "config.p.toml": '[global.auth]\njwks_uri = "https://a.example/2"\n'},
        environment="p",
    )  # fmt: skip

    host = bind_host(loaded, scrubber)

    assert host.problems == ()
    assert host.value.global_.auth.jwks_uri == "https://a.example/2"


def test_both_spellings_in_one_file_are_a_mistake(load_files, scrubber):
    loaded = load_files(
        '[global.auth]\nissuer = "https://a.example/"\naudience = "a"\nmaxLifetime = 1\nmax_lifetime = 2\n'
    )

    told = [str(each) for each in bind_host(loaded, scrubber).problems]

    assert told == [
        "config.toml:5: global.auth.max_lifetime: is given twice, also as 'maxLifetime': keep one of the two"
    ]


def test_the_word_of_switchboard_outside_of_modules_is_told(load_files):
    (problem,) = load_files('[global]\nname = "__env__"\n').problems

    assert str(problem).startswith("config.toml:2: global.name: stands for a variable in a module's config")


def test_a_relative_file_lies_beside_the_configuration(load_files, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    (tmp_path / "token").write_text(CANARY)
    (tmp_path / "token").chmod(0o600)

    loaded = load_files('[modules.m.config]\ntoken = { file = "token" }\n')

    assert loaded.problems == ()
    assert loaded.tree.get((*AT, "token")) == CANARY


def test_an_index_beyond_the_array_is_told(load_files):
    loaded = load_files(
        "[global.server]\ntrusted_proxies = []\n", environ={"NEXUS__GLOBAL__SERVER__TRUSTED_PROXIES__3": "x"}
    )

    assert "is beyond the end of the array" in str(loaded.problems[0])


def test_a_wrong_module_table_keeps_what_is_right_in_it(load_files, scrubber):
    environ = {"NEXUS__MODULES__M__REQUIRED": "true"}
    host = bind_host(
        load_files('[modules.m]\npath = "here"\nstartup_timeout = "x"\nenabld = 1\n', environ=environ), scrubber
    )

    assert host.value.modules["m"].required
    assert host.value.modules["m"].path == "here"
    assert len(host.problems) == 2


@dataclass
class Point:
    password: str
    port: int = 1


class Everywhere(BaseModel):
    model_config = ConfigDict(extra="allow")

    point: Point
    named: str = Field(alias="otherwise")
    anything: JsonValue = None
    tokens: list[str] = []
    dsn: str = ""
    points: dict[str, Point] = {}

    @model_validator(mode="before")
    @classmethod
    def _compose(cls, data: Any) -> Any:
        return {**data, "dsn": f"user:{data['otherwise']}@host"}


def test_no_view_shows_a_secret_that_moved(load_files, scrubber):
    text = """[modules.m.config]
point = { password = { env = "T" } }
otherwise = { env = "T" }
anything = { a = ["canary-in-a-mine"] }
tokens = { env = "LIST" }
points.a.password = { env = "T" }
more = { env = "T" }
"""
    loaded = load_files(text, environ={"T": CANARY, "LIST": f'["{CANARY}-1", "{CANARY}-2"]'})
    bound = bind(loaded.tree, AT, Everywhere, scrubber=scrubber)

    shown = views(bound.value, loaded.tree, AT)

    assert CANARY not in repr(shown) + repr(as_config_json(shown))
    assert {view.path: view.source for view in shown}["otherwise"] == "env:T"
    assert scrubber.scrub(f"{CANARY}-2") == "******"


class Target(BaseModel):
    url: str
    token: Secret | None = None


class Targets(BaseModel):
    targets: list[Target]
    by_name: dict[str, Target] = {}


def test_models_in_arrays_and_tables_are_shown_setting_by_setting(load_files, scrubber):
    text = """[[modules.m.config.targets]]
url = "https://u:canary-in-a-mine@h/"
[[modules.m.config.targets]]
url = "x"
token = { env = "T" }
[modules.m.config.by_name."a.b"]
url = "y"
"""
    loaded = load_files(text, environ={"T": CANARY})
    bound = bind(loaded.tree, AT, Targets, scrubber=scrubber)

    shown = views(bound.value, loaded.tree, AT)

    unset, env = (
        {"secret": True, "set": is_set, "source": source} for is_set, source in ((False, None), (True, "env:T"))
    )
    assert as_config_json(shown) == {
        "targets": [{"url": "https://******@h/", "token": unset}, {"url": "x", "token": env}],
        "by_name": {"a.b": {"url": "y", "token": unset}},
    }
    assert str({view.path: view for view in shown}["targets[1].token"].origin) == "config.toml:5"


@pytest.mark.parametrize(
    "path", [("a", "b-c", 0, "d_e"), ("a.b", 1, 2, "new\nline"), ('q"\\', "", "é", "[0]", "\x1b[31m")]
)
def test_a_path_is_written_on_one_line_and_read_back(path):
    assert undotted(dotted(path)) == path
    assert dotted(path).isprintable()
