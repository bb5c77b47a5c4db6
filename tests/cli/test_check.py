"""`nexus check`, `config show` and `config schema`."""

import json

import jsonschema
import pytest

from nexus.testing.issuer import Issuer

MODULE = """
import nexus
from pydantic import BaseModel, Field

class Settings(BaseModel):
    greeting: str = Field("hi", min_length=1)
    token: nexus.Secret | None = None
    size: int = 3

class Options(BaseModel):
    days: int = 30

demo = nexus.Module("demo", version="1.2.3", settings=Settings, description="A demo.")

@demo.job("sweep", options=Options)
async def sweep(context, options):
    '''Sweep.'''
"""
GOOD = """
[global.server]
port = 4000

[modules.demo]
path = "mods"

[modules.demo.config]
token = { env = "DEMO_TOKEN" }
"""
BAD = """
[global.server]
port = "many"
hots = "x"

[global.auth]
issuer = "http://example.org/"
audience = "a"

[modules.demo]
path = "mods"
requierd = true

[modules.demo.config]
greting = "x"
size = "big-sesame-size"
token = { env = "DEMO_TOKEN" }

[[modules.demo.jobs]]
type = "swep"

[[modules.demo.jobs]]
type = "sweep"
schedule = "often"

[modules.lost]
"""


@pytest.fixture
def mods(folder):
    (folder / "mods").mkdir()
    (folder / "mods" / "demo.py").write_text(MODULE)
    return folder


def test_a_valid_configuration_is_exit_0_and_says_what_runs(nexus, mods, monkeypatch):
    monkeypatch.setenv("DEMO_TOKEN", "open-sesame")
    (mods / "config.toml").write_text(GOOD)

    ended = nexus("check")

    assert (ended.code, ended.out) == (0, "")
    assert ended.err == f"the configuration is valid ({mods / 'config.toml'}); modules that run: demo\n"


def test_every_mistake_is_told_in_one_run_with_file_and_line(nexus, mods):
    (mods / "config.toml").write_text(BAD)

    ended = nexus("check")

    assert ended.code == 3
    assert ended.out == ""
    places = [int(line.split(": ")[0].removeprefix("config.toml:")) for line in ended.err.splitlines()]
    assert places == sorted(places)
    told = ended.err
    assert "config.toml:3: global.server.port: is a text and should be a valid integer" in told
    assert "config.toml:4: global.server.hots: is not known here: did you mean 'host'?" in told
    assert "config.toml:7: global.auth.issuer: does not use https" in told
    assert "config.toml:12: modules.demo.requierd: is not known here: did you mean 'required'?" in told
    assert "config.toml:15: modules.demo.config.greting: is not known here: did you mean 'greeting'?" in told
    assert "config.toml:16: modules.demo.config.size: is a text" in told
    assert "config.toml:17: modules.demo.config.token: the variable DEMO_TOKEN is not set" in told
    assert "config.toml:24: modules.demo.jobs[1].schedule: is not a cron schedule" in told
    assert "config.toml:26: modules.lost: no installed distribution and no shipped module has the name 'lost'" in told
    assert "big-sesame-size" not in told


def test_a_job_of_another_name_is_told_the_nearest(nexus, mods, monkeypatch):
    monkeypatch.setenv("DEMO_TOKEN", "open-sesame")
    (mods / "config.toml").write_text(GOOD + '[[modules.demo.jobs]]\ntype = "swep"\n')

    ended = nexus("check")

    assert ended.code == 3
    assert "config.toml:11: modules.demo.jobs[0].type: the module has no job 'swep': did you mean 'sweep'?" in ended.err


def test_the_report_as_json_says_the_same(nexus, mods):
    (mods / "config.toml").write_text(BAD)

    ended = nexus("check", "--json")

    report = ended.json()
    assert ended.code == 3
    assert report["valid"] is False
    assert {
        "level": "error",
        "origin": "config.toml:4",
        "file": "config.toml",
        "line": 4,
        "path": "global.server.hots",
    }.items() <= next(each for each in report["problems"] if each["line"] == 4).items()
    assert ended.err == ""


def test_warnings_are_errors_where_strictness_is_asked_for(nexus, mods, monkeypatch):
    monkeypatch.setenv("DEMO_TOKEN", "abc")  # too short to be kept out of logs
    (mods / "config.toml").write_text(GOOD)

    assert nexus("check").code == 0
    strict = nexus("check", "--strict")
    assert strict.code == 3
    assert "modules.demo.config.token: warning: " in strict.err


def test_a_local_issuer_on_an_open_address_is_told_before_the_start(nexus, folder):
    (folder / "config.toml").write_text('[global.server]\nhost = "0.0.0.0"\n')

    ended = nexus("check")

    assert ended.code == 3
    assert ended.err.startswith("config.toml:2: global.server.host: the local issuer serves on this machine only")


def test_a_module_that_cannot_be_imported_is_told_at_its_table(nexus, folder):
    (folder / "mods").mkdir()
    (folder / "mods" / "broken.py").write_text("import nexus\nraise RuntimeError('no luck')\n")
    (folder / "config.toml").write_text("\n[modules.broken]\npath = 'mods'\n")

    ended = nexus("check")

    assert ended.code == 3
    assert ended.err.startswith("config.toml:2: modules.broken: its import raised RuntimeError: no luck (broken.py:2)")
    assert "no luck (broken.py:2); 'nexus check -v' shows the traceback" in ended.err
    assert "Traceback" not in ended.err
    assert "Traceback" in nexus("check", "-v").err
    assert "no luck (broken.py:2)" in nexus("check", "-c", "config.toml").err


def test_without_a_file_the_defaults_are_valid(nexus, folder):
    assert "no file, so the defaults" in nexus("check").err


async def test_online_asks_the_issuer(nexus, folder):
    import asyncio

    async with Issuer() as issuer:
        (folder / "config.toml").write_text(f'[global.auth]\nissuer = "{issuer.url}"\naudience = "{issuer.audience}"\n')

        assert (await asyncio.to_thread(nexus, "check", "--online")).code == 0
        assert "/jwks.json" in issuer.requests

    ended = await asyncio.to_thread(nexus, "check", "--online")
    assert ended.code == 1
    assert "config.toml:1: global.auth: discovery failed" in ended.err


def test_settings_in_effect_are_shown_with_their_origin_and_no_secret(nexus, mods, monkeypatch):
    monkeypatch.setenv("DEMO_TOKEN", "open-sesame")
    monkeypatch.setenv("NEXUS__MODULES__DEMO__CONFIG__SIZE", "7")
    (mods / "config.toml").write_text(GOOD)

    lines = nexus("config", "show", "--origin").out.splitlines()

    assert "global.server.port = 4000  # config.toml:3" in lines
    assert 'global.server.host = "127.0.0.1"  # default' in lines
    assert "modules.demo.config.size = 7  # env NEXUS__MODULES__DEMO__CONFIG__SIZE" in lines
    assert "modules.demo.config.token = ******  # config.toml:9, env:DEMO_TOKEN" in lines
    assert "open-sesame" not in "".join(lines)


def test_settings_as_json_are_nested_and_hold_no_secret(nexus, mods, monkeypatch):
    monkeypatch.setenv("DEMO_TOKEN", "open-sesame")
    (mods / "config.toml").write_text(GOOD)

    shown = nexus("config", "show", "--json")

    config = shown.json()
    assert config["global"]["server"]["port"] == 4000
    assert config["modules"]["demo"]["config"]["token"] == {"secret": True, "set": True, "source": "env:DEMO_TOKEN"}
    with_origin = nexus("config", "show", "--json", "--origin").json()
    assert {"path": "global.server.port", "value": 4000, "origin": "config.toml:3"}.items() <= next(
        each for each in with_origin if each["path"] == "global.server.port"
    ).items()
    assert "open-sesame" not in shown.out


def test_settings_that_do_not_bind_are_left_out_and_said_to_be(nexus, mods):
    (mods / "config.toml").write_text("[modules.demo]\npath = 'mods'\n[modules.demo.config]\nsize = 'x'\n")

    shown = nexus("config", "show")

    assert shown.code == 0
    assert "modules.demo.config" not in shown.out
    assert "the settings of module demo do not bind and are left out: 'nexus check' tells why" in shown.err


def test_one_schema_covers_the_whole_file(nexus, mods, monkeypatch):
    monkeypatch.setenv("DEMO_TOKEN", "open-sesame")
    (mods / "config.toml").write_text(GOOD)

    schema = json.loads(nexus("config", "schema").out)

    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    good = {"modules": {"demo": {"config": {"greeting": "x", "token": {"env": "X"}}}}}
    assert not list(validator.iter_errors(good))
    assert list(validator.iter_errors({"modules": {"demo": {"config": {"size": "x"}}}}))


def test_the_schema_of_one_module_can_be_had_alone(nexus, mods):
    (mods / "config.toml").write_text("[modules.demo]\npath = 'mods'\n")

    assert set(json.loads(nexus("config", "schema", "--module", "demo").out)["properties"]) == {
        "greeting",
        "token",
        "size",
    }
    lost = nexus("config", "schema", "--module", "nope")
    assert lost.code == 4
    assert "there is no module 'nope'" in lost.err
    unloaded = nexus("config", "schema", "--module", "hello")
    assert unloaded.code == 4
    assert "is not loaded, so its schema is not known: give it a table" in unloaded.err


def test_a_secret_that_stands_in_another_setting_too_is_not_shown_there(nexus, mods, monkeypatch):
    monkeypatch.setenv("DEMO_TOKEN", "open-sesame")
    (mods / "config.toml").write_text(GOOD + 'greeting = "say open-sesame"\n')

    for words in (["config", "show"], ["config", "show", "--json"], ["config", "show", "--json", "--origin"]):
        shown = nexus(*words)
        assert "say ******" in shown.out
        assert "open-sesame" not in shown.out
    assert "open-sesame" not in nexus("modules", "show", "demo", "--offline").out
