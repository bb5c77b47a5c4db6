"""The schema takes every spelling that the host takes, no other key, and tells no secret."""

import json
import tomllib
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from nexus.config.schema import document_schema, settings_schema
from nexus.config.secret import Secret

CONTRACT = """
[global]
name = "nexus"
base_url = "http://localhost:3001"
path = "/"
[global.server]
host = "127.0.0.1"
port = 3001
shutdown_grace = 30
shutdown_delay = 0
[global.auth]
issuer = "https://tenant.eu.auth0.com/"
audience = "https://nexus.example"
jwks_uri = "https://tenant.eu.auth0.com/.well-known/jwks.json"
algorithms = ["RS256"]
permission = "admin"
profile = "auth0"
leeway = 30
[global.store]
url = "sqlite:///.nexus/nexus.db"
[global.cache]
url = "memory://"
[modules]
[modules.liveness]
[modules.hello]
path = "my_modules"
enabled = true
required = false
startup_timeout = 10
[modules.hello.config]
greeting = "hi"
api_key = { env = "HELLO_API_KEY" }
[[modules.hello.jobs]]
type = "sweep"
name = "nightly"
schedule = "0 8 * * 5"
timezone = "UTC"
options = { older_than_days = 30 }
overlap = "forbid"
"""


class Target(BaseModel):
    url: str


class Settings(BaseModel):
    """Forbids nothing itself: that no other key is taken is the host's rule."""

    greeting: str = "hello"
    api_key: Secret = Secret("default-of-an-author")
    careless: Secret = "default-without-type"  # type: ignore[assignment]
    tags: list[str] = []
    target: Target | None = None
    targets: list[Target] = []
    spelt: str = Field("", alias="speltOtherwise")


class Options(BaseModel):
    older_than_days: int = 30


class Opaque:
    """A type that has no JSON Schema."""


class Undescribed(BaseModel):
    model_config = {"arbitrary_types_allowed": True}

    value: Opaque | None = None


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    made = document_schema({"hello": Settings, "liveness": None, "odd": Undescribed}, {"hello": {"sweep": Options}})
    Draft202012Validator.check_schema(made)
    return made


@pytest.mark.parametrize(
    "text",
    [
        CONTRACT,
        '[global.auth]\njwksUri = "https://a.example"\nmax_lifetime = 5\n[global.auth.keys]\nmaxStale = 1\n',
        '[[global.auth.issuers]]\nissuer = "https://a.example"\njwks_uri = "https://a.example/keys"\n',
        '[global.server]\nport = { env = "PORT" }\n[global.log]\nlevel = { file = "/level" }\n',
        '[global.auth]\nalgorithms = { env = "ALGORITHMS" }\nclients = ["a", { env = "CLIENT" }]\n',
        '[modules.hello.config]\ntags = [{ file = "x" }]\nspeltOtherwise = ""\n',
        '[modules.hello.config]\ntarget = { url = { env = "URL" } }\n[[modules.hello.config.targets]]\nurl = "x"\n',
        "[modules.odd.config]\nvalue = 1\n",
    ],
)
def test_what_the_host_takes_is_valid(schema: dict[str, Any], text: str):
    assert [error.message for error in Draft202012Validator(schema).iter_errors(tomllib.loads(text))] == []


@pytest.mark.parametrize(
    "text",
    [
        "x = 1",
        "[global]\nnam = 1",
        "[global.auth]\njwks_ur = 1",
        "[global.auth.keys]\ntll = 1",
        "[[global.auth.issuers]]\nisuer = 1",
        "[modules.hello]\nenabld = true",
        "[modules.other]\nenabld = true",
        "[modules.hello.config]\ngreting = 1",
        "[modules.hello.config]\nspelt = 'x'",
        "[modules.hello.config.target]\nurrl = 1",
        "[[modules.hello.config.targets]]\nurrl = 1",
        "[modules.liveness.config]\nx = 1",
        "[[modules.hello.jobs]]\ntype = 'sweep'\noptions = { older = 1 }",
        "[[modules.hello.jobs]]\ntype = 'swep'",
    ],
)
def test_a_key_that_nobody_knows_is_invalid_at_every_level(schema: dict[str, Any], text: str):
    assert not Draft202012Validator(schema).is_valid(tomllib.loads(text))


def test_no_secret_default_is_in_a_schema(schema: dict[str, Any]):
    assert "default-" not in json.dumps(schema)
    assert "default-" not in json.dumps(settings_schema(Settings))


def test_a_model_whose_types_have_no_schema_spoils_no_other():
    assert settings_schema(Undescribed) == {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}
