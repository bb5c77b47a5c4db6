from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from pydantic import UUID4, BaseModel, ConfigDict, Field, HttpUrl, Json, SecretStr, field_validator, model_validator

from nexus.config.binding import Bound, bind
from nexus.config.host_binding import bind_host, host_problems, module_problems
from nexus.config.scrubber import Scrubber
from nexus.config.secret import Secret
from tests.config.conftest import Load

AT = ("modules", "a", "config")
CANARY = "canary-4711-value"

Bind = Callable[..., Bound[Any]]


@pytest.fixture
def bind_table(load_files: Load, scrubber: Scrubber) -> Bind:
    def bind_table(model: type[BaseModel], text: str, **environ: str) -> Bound[Any]:
        return bind(load_files("[modules.a.config]\n" + text, environ=environ).tree, AT, model, scrubber=scrubber)

    return bind_table


def messages(bound: Bound[Any]) -> list[str]:
    return [f"{problem.path.removeprefix('modules.a.config')}: {problem.message}" for problem in bound.problems]


class Quoting(BaseModel):
    """Does what a careless author does: quotes the value in every message."""

    model_config = ConfigDict(extra="forbid")

    text: str = ""
    secret: Secret | None = None
    number: int = 0
    kind: Literal["a", "b"] = "a"

    @field_validator("text", mode="after")
    @classmethod
    def _text(cls, value: str) -> str:
        if value.startswith(("canary", "plain")):
            raise ValueError(f"bad text {value}")
        return value

    @field_validator("secret", mode="before")
    @classmethod
    def _secret(cls, value: object) -> object:
        raise ValueError(f"bad secret {value}")


class QuotingWhole(BaseModel):
    token: str = ""
    nested: dict[str, str] = {}

    @model_validator(mode="after")
    def _whole(self) -> "QuotingWhole":
        raise ValueError(f"this is all bad: {self.token} {self.nested} {self!r}")


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (Quoting, "text = { env = 'CANARY' }"),
        (Quoting, f"secret = '{CANARY}'"),
        (Quoting, "secret = { env = 'CANARY' }"),
        (Quoting, "number = { env = 'CANARY' }"),
        (Quoting, "kind = { env = 'CANARY' }"),
        (QuotingWhole, "token = { env = 'CANARY' }"),
        (QuotingWhole, "nested.x = { env = 'CANARY' }"),
    ],
)
def test_no_message_quotes_a_secret_whatever_the_model_says(bind_table: Bind, scrubber: Scrubber, model, text):
    bound = bind_table(model, text, CANARY=CANARY)

    assert bound.value is None
    assert [problem for problem in bound.problems if problem.level == "error"]
    assert CANARY not in "".join(messages(bound))
    assert scrubber.scrub(CANARY) == "******", "it is known although it did not bind"


def test_a_short_secret_is_not_quoted_either(bind_table: Bind):
    bound = bind_table(QuotingWhole, "token = { env = 'CANARY' }", CANARY="x7q")

    assert "x7q" not in "".join(messages(bound))
    assert messages(bound) == [": is not accepted: correct the value"]


def test_the_author_s_own_sentence_is_kept_where_no_secret_is_near(bind_table: Bind):
    assert messages(bind_table(Quoting, "text = 'plain'")) == [".text: bad text plain"]


def test_a_value_by_reference_is_named_by_its_source(bind_table: Bind):
    bound = bind_table(Quoting, "number = { env = 'N' }", N="seven-eleven")

    assert messages(bound) == [".number: is a text from env:N and should be a valid integer"]


def test_what_is_bound_to_a_secret_is_scrubbed(bind_table: Bind, scrubber: Scrubber):
    class Settings(BaseModel):
        ours: Secret
        theirs: SecretStr
        many: list[Secret]
        mapped: dict[str, Secret]

    names = ("first-value", "second-value", "third-value", "fourth-value")
    text = f"ours='{names[0]}'\ntheirs='{names[1]}'\nmany=['{names[2]}']\nmapped.x='{names[3]}'\n"

    bound = bind_table(Settings, text)

    assert bound.value is not None
    assert scrubber.scrub(" ".join(names)) == "****** ****** ****** ******"
    assert {problem.level for problem in bound.problems} == {"warning"}
    assert [problem.path.rpartition(".")[2] for problem in bound.problems] == ["ours", "theirs", "many[0]", "x"]
    assert "is a secret written into the file" in bound.problems[0].message


def test_a_password_in_a_url_is_scrubbed(load_files: Load, scrubber: Scrubber):
    loaded = load_files("[global.store]\nurl = 'postgresql://nexus:p%40ss-canary@db/nexus?password=second-canary'\n")

    bind_host(loaded, scrubber)

    assert scrubber.scrub("p%40ss-canary p@ss-canary second-canary nexus") == "****** ****** ****** nexus"


def test_a_secret_too_short_to_be_found_in_logs_is_warned_of(bind_table: Bind):
    class Settings(BaseModel):
        key: Secret

    bound = bind_table(Settings, "key = { env = 'K' }", K="12345")

    assert bound.value is not None
    assert messages(bound) == [
        ".key: has fewer than 6 characters, too few to be found and masked in logs: use a longer secret"
    ]


class Slack(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["slack"]
    channel: str


class Mail(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["mail"]
    to: str


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    known: int = 0


class Aliased(BaseModel):
    model_config = ConfigDict(extra="forbid")
    first_name: str = Field("", alias="firstName")


class Collecting(BaseModel):
    model_config = ConfigDict(extra="forbid")
    target: Annotated[Slack | Mail, Field(discriminator="kind")] | None = None
    either: Slack | int | None = None
    many: list[Slack] = []
    mapped: dict[str, Slack] = {}
    open: Open = Open()
    aliased: Aliased = Aliased()
    names: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("target = {kind = 'mail'}", [".target.to: is missing: give it a value"]),
        (
            "target = {kind = 'fax'}",
            [
                (
                    ".target: is a table: input tag 'fax' found using 'kind' does not match any of the expected tags: "
                    "'slack', 'mail'"
                )
            ],
        ),
        (
            "many = [{kind = 'slack', channel = 'x'}, {kind = 'slack', chanel = 'x'}]",
            [
                ".many[1].chanel: is not known here: did you mean 'channel'?",
                ".many[1].channel: is missing: give it a value",
            ],
        ),
        ("mapped.x = {kind = 'slack', channel = 3}", [".mapped.x.channel: is an integer and should be a valid string"]),
        ("open = {whatever = 1, known = 2}", []),
        ("aliased.firstName = 'x'", []),
        ("aliased.first_name = 'x'", [".aliased.first_name: is not known here: did you mean 'firstName'?"]),
        ("aliased.zzz = 'x'", [".aliased.zzz: is not known here: known are firstName"]),
        ("names = 'x'", [".names: is a text and should be an array"]),
        ("aliased = 1", [".aliased: is an integer and should be a table"]),
        ("zzz = 1", [".zzz: is not known here: known are aliased, either, many, mapped, names, open, target"]),
    ],
)
def test_mistakes_are_told_in_the_words_of_the_file(bind_table: Bind, text: str, expected: list[str]):
    assert messages(bind_table(Collecting, text)) == expected


class Bare(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Named(BaseModel):
    uuid: UUID4 | None = None
    url: HttpUrl | None = None
    parameters: Json[dict[str, int]] | None = None
    token: str = "xoxb-"
    bare: Bare = Bare()

    @field_validator("token")
    @classmethod
    def _is_a_bot_s(cls, value: str) -> str:
        if not value.startswith("xoxb-"):
            raise ValueError("Slack's bot tokens begin with 'xoxb-': make one for a bot")
        return value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("token = 'x'", ".token: Slack's bot tokens begin with 'xoxb-': make one for a bot"),
        ("uuid = '5f0c2f2c-7a0e-11ee-b962-0242ac120002'", ".uuid: is a text: UUID version 4 expected"),
        ("url = 'ftp://x'", ".url: is a text and should have the scheme 'http' or 'https'"),
        ("bare.x = 3", ".bare.x: is not known here: this table takes no key, take it out"),
        ("parameters = 3", ".parameters: is an integer and should be a text that holds JSON"),
    ],
)
def test_names_keep_their_capitals_and_every_sentence_reads_as_one(bind_table: Bind, text: str, expected: str):
    assert messages(bind_table(Named, text)) == [expected]


def test_a_mistake_in_a_union_is_one_problem(bind_table: Bind):
    bound = bind_table(Collecting, "either = 'x'")

    assert messages(bound) == [".either: is a text and should be a table, or is a text and should be a valid integer"]


def test_an_absent_table_is_an_empty_one(load_files: Load, scrubber: Scrubber):
    bound = bind(load_files().tree, AT, Open, scrubber=scrubber)

    assert bound.value == Open()
    assert bound.problems == ()


def test_one_module_s_wrong_table_is_its_own_matter(load_files: Load):
    loaded = load_files(
        "[modules.good]\n[modules.bad]\npath = 'here'\nrequired = true\nenabeld = 1\nconfig.x = {env = 'GONE'}\n"
    )

    bound = bind_host(loaded, Scrubber())
    problems = (*loaded.problems, *bound.problems)

    assert bound.value is not None
    assert (bound.value.modules["bad"].path, bound.value.modules["bad"].required) == ("here", True)
    assert host_problems(problems) == ()
    assert len(module_problems(problems, "bad")) == 2
    assert module_problems(problems, "good") == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("global = 1\n", "config.toml:1: global: is an integer and should be a table"),
        ("modules = 1\n", "config.toml:1: modules: is no table: write [modules.<name>]"),
    ],
)
def test_a_value_in_the_place_of_a_table_is_told_once(load_files: Load, scrubber: Scrubber, text: str, told: str):
    assert [str(problem) for problem in bind_host(load_files(text), scrubber).problems] == [told]


def test_a_wrong_global_table_is_the_host_s_matter(load_files: Load):
    bound = bind_host(load_files("[global]\nname = 1\n"), Scrubber())

    assert bound.value is None
    assert [problem.path for problem in host_problems(bound.problems)] == ["global.name"]


def test_binding_leaves_the_tree_as_it_was(load_files: Load):
    loaded = load_files(environ={"NEXUS__MODULES__A__CONFIG__NAMES": '["x"]'})

    bind(loaded.tree, AT, Collecting, scrubber=Scrubber())

    assert loaded.tree.get(AT) == {"names": '["x"]'}
