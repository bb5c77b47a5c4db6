import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from nexus.config.schema import document_schema, settings_schema
from nexus.config.secret import Secret
from nexus.config.settings import HostSettings

ROOT = Path(__file__).parents[2]


class Limits(BaseModel):
    model_config = {"extra": "forbid"}
    max: int = Field(1, ge=0)


class Shop(BaseModel):
    """Has a field of every shape."""

    model_config = {"extra": "forbid"}
    needed: int
    key: Secret | None = None
    tags: list[str] = []
    limits: Limits = Limits()
    mapped: dict[str, Limits] = {}


class Sweep(BaseModel):
    model_config = {"extra": "forbid"}
    older_than_days: int = 30


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = document_schema({"shop": Shop, "bare": None}, {"shop": {"sweep": Sweep, "plain": None}})
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_contract_s_example_is_valid(validator: Draft202012Validator):
    text = """
[global]
name = "nexus"
base_url = "http://localhost:3001"
path = "/"
[global.server]
port = 3001
shutdown_grace = 30
[global.auth]
issuer = "https://tenant.eu.auth0.com/"
audience = "https://nexus.example"
jwksUri = "https://tenant.eu.auth0.com/.well-known/jwks.json"
algorithms = ["RS256"]
profile = "auth0"
[modules.bare]
[modules.unknown.config]
anything = 1
[modules.shop]
path = "my_modules"
startup_timeout = 10
[modules.shop.config]
key = { env = "HELLO_API_KEY" }
tags = ["a", { file = "/run/secrets/x" }]
mapped.x.max = { env = "MAX" }
[[modules.shop.jobs]]
type = "sweep"
schedule = "0 8 * * 5"
options = { older_than_days = 30 }
[[modules.shop.jobs]]
type = "plain"
"""

    assert [error.message for error in validator.iter_errors(tomllib.loads(text))] == []


def test_a_layer_may_hold_a_part(validator: Draft202012Validator):
    assert validator.is_valid({})
    assert validator.is_valid({"global": {"auth": {"audience": "a"}}, "modules": {"shop": {"config": {}}}})


@pytest.mark.parametrize(
    "text",
    [
        "globl = {}",
        "global.nmae = 'x'",
        "global.server.port = 'x'",
        "global.server.port = 70000",
        "global.server.port = {env = 'X', file = 'Y'}",
        "global.log.level = 'loud'",
        "modules.shop.enabeld = true",
        "modules.shop.config.limits.max = -1",
        "modules.shop.config.mapped.x.max = 'many'",
        "modules.shop.config.colour = 1",
        "modules.shop.config.key = 7",
        "modules.bare.config.x = 1",
        "modules.shop.jobs = [{type = 'mop'}]",
        "modules.shop.jobs = [{type = 'sweep', options = {older = 1}}]",
        "modules.shop.jobs = [{type = 'plain', options = {older = 1}}]",
        "modules.unknown.enabeld = true",
    ],
)
def test_an_editor_marks_a_mistake(validator: Draft202012Validator, text: str):
    assert not validator.is_valid(tomllib.loads(text))


def test_one_module_s_schema_is_whole_and_marks_secrets():
    schema = settings_schema(Shop)

    Draft202012Validator.check_schema(schema)
    assert schema["required"] == ["needed"]
    secret = schema["properties"]["key"]["anyOf"][0]
    assert (secret["format"], secret["writeOnly"]) == ("password", True)
    assert not Draft202012Validator(settings_schema(None)).is_valid({"x": 1})


def described(schema: dict[str, object], definitions: dict[str, dict[str, dict[str, dict[str, object]]]]) -> list[str]:
    return [
        f"{name}.{key}"
        for name, definition in definitions.items()
        for key, field in definition.get("properties", {}).items()
        if not field.get("description")
    ]


def test_every_setting_of_the_host_is_described():
    schema = HostSettings.model_json_schema()

    assert described(schema, schema["$defs"]) == []


def test_loading_and_binding_import_neither_a_validator_nor_a_web_framework():
    code = (
        "import sys, nexus.config.loading, nexus.config.host_binding, nexus.config.effective, nexus.config.schema\n"
        "print([name for name in ('jsonschema', 'aiohttp', 'click', 'joserfc') if name in sys.modules])"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert result.stdout.strip() == "[]"
