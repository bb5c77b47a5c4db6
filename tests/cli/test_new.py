"""`nexus new module` and `nexus module check`."""

import os
import subprocess
import sys

import pytest

GOOD = '''"""A module."""

import nexus
from aiohttp import web
from pydantic import BaseModel, Field


class Settings(BaseModel):
    """What it takes."""

    size: int = Field(3, description="How many.")


demo = nexus.Module("demo", version="1.0.0", settings=Settings, description="A demo.")


@demo.get("/hi")
async def hi(request: web.Request) -> web.Response:
    """Say hi."""
    return web.json_response({})
'''


def own_tests(place) -> str:
    """Runs pytest as an author would, without this repository's configuration, and gives what it says."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "."]
    done = subprocess.run(command, cwd=place, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["greeter", "my-thing", "my_thing", "class", "web", "nexus"])
def test_a_new_module_runs_is_fit_and_passes_its_tests_unedited(name, nexus, folder):
    ended = nexus("new", "module", name)

    assert ended.code == 0
    place = folder / "my_modules" / name.replace("-", "_")
    assert {str(path.relative_to(folder)) for path in place.rglob("*.*")} == set(ended.out.splitlines())
    (folder / "config.toml").write_text(f"[modules.{name}]\npath = 'my_modules'\n")
    assert nexus("check", "--strict").err.endswith(f"modules that run: {name}\n")
    fit = nexus("module", "check", "--strict", str(place))
    assert (fit.code, fit.err) == (0, f"{name}: fit to run\n")


@pytest.mark.parametrize(("name", "options"), [("my-thing", []), ("class", []), ("my-thing", ["--package"])])
def test_the_tests_of_a_new_module_pass(name, options, nexus, folder):
    assert nexus("new", "module", name, "--path", "here", *options).code == 0

    (place,) = (folder / "here").iterdir()
    assert "4 passed" in own_tests(place)


def test_a_new_distribution_is_fit_and_names_its_entry_point(nexus, folder):
    ended = nexus("new", "module", "my_thing", "--package")

    assert ended.code == 0
    project = folder / "nexus-my-thing"
    assert 'my_thing = "nexus_my_thing:module"' in (project / "pyproject.toml").read_text()
    fit = nexus("module", "check", "--strict", str(project))
    assert (fit.code, fit.err) == (0, "my_thing: fit to run\n")


def test_nothing_is_overwritten(nexus, folder):
    nexus("new", "module", "demo")
    file = folder / "my_modules" / "demo" / "module.py"
    file.write_text("mine")

    ended = nexus("new", "module", "demo")

    assert ended.code == 1
    assert "is there already: choose another name, or another folder with --path" in ended.err
    assert file.read_text() == "mine"


@pytest.mark.parametrize("name", ["My", "1st", "a b", "../up", "a" * 65, ""])
def test_a_name_that_no_module_can_have_writes_nothing(name, nexus, folder):
    ended = nexus("new", "module", name)

    assert ended.code == 2
    assert "is not usable in a URL" in ended.err
    assert not list(folder.iterdir())


@pytest.mark.parametrize("place", ["mods/demo.py", "mods/demo/__init__.py", "mods/demo/module.py"])
def test_a_module_is_found_as_file_or_folder(place, nexus, folder):
    file = folder / place
    file.parent.mkdir(parents=True)
    file.write_text(GOOD)

    assert nexus("module", "check", place).err == "demo: fit to run\n"
    if file.name != "demo.py":
        assert nexus("module", "check", "mods/demo").err == "demo: fit to run\n"


def test_where_no_module_is_the_command_is_exit_4(nexus, folder):
    ended = nexus("module", "check", "nothing")

    assert ended.code == 4
    assert "name its file, its folder with module.py or __init__.py, or a project" in ended.err


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "import nexus\n",
            "import nexus\nimport nexus.host.host\n",
            "it imports nexus.host.host: use the names of 'nexus'",
        ),
        ("import nexus\n", "import nexus\nimport not_there\n", "no module named 'not_there'"),
        ("    size: int", "    api_token: str = ''\n    size: int", "config.api_token looks like a secret"),
        ("Field(3,", "Field('x',", "config.size has a default that the model itself refuses"),
        ('"demo", version', '"other", version', "it calls itself 'other'"),
        ("async def hi", "def hi", "is not an 'async def' function"),
        ('"1.0.0"', '"1.0.0", host_api=">=9"', "versions >=9 of the authoring interface"),
        ("demo = ", "raise SystemExit(3)\ndemo = ", "calls sys.exit(3)"),
        ("demo = ", "raise OSError('no licence')\ndemo = ", "its import raised OSError: no licence (demo.py:"),
    ],
)
def test_what_keeps_a_module_from_running_is_an_error(old, new, told, nexus, folder):
    assert old in GOOD
    (folder / "demo.py").write_text(GOOD.replace(old, new, 1))

    ended = nexus("module", "check", "demo.py")

    assert ended.code == 1
    assert told in ended.err
    assert "the log" not in ended.err


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"""A module."""', "", "demo.py:1: warning: the file has no docstring"),
        ('    """Say hi."""\n', "", "warning: hi has no docstring"),
        (', description="A demo."', "", "warning: it has no description"),
        (', description="How many."', "", "warning: config.size has no description"),
        ("size: int", "size: object", "warning: config.size may hold anything"),
        (
            "    return web",
            "    import time\n    time.sleep(1)\n    return web",
            "warning: time.sleep in an async function",
        ),
        ('demo.get("/hi")', 'demo.post("/hi", access=nexus.PUBLIC)', "is public: anyone may call it"),
        ('"/hi"', '"/Hi There"', "is not written in small letters"),
        ("import nexus\n", "import nexus\nimport jsonschema\n", "jsonschema is not among the module's declared"),
        ("import nexus\n", "import nexus\nimport urllib.request\n", "urllib.request holds the event loop"),
    ],
)
def test_what_users_would_stumble_over_is_a_warning(old, new, told, nexus, folder):
    assert old in GOOD
    (folder / "demo.py").write_text(GOOD.replace(old, new, 1))

    ended = nexus("module", "check", "demo.py")

    assert told in ended.err
    assert ended.code == 0
    assert nexus("module", "check", "--strict", "demo.py").code == 1


def test_findings_can_be_had_as_json(nexus, folder):
    (folder / "demo.py").write_text(GOOD.replace('"""A module."""', ""))

    assert nexus("module", "check", "--json", "demo.py").json() == [
        {
            "level": "warning",
            "file": "demo.py",
            "line": 1,
            "module": None,
            "message": "the file has no docstring: say in one sentence what it is for",
        }
    ]


def test_the_shipped_modules_are_fit(nexus):
    from nexus.discovery.finder import shipped_directory

    for place in shipped_directory().iterdir():
        if place.is_dir() and (place / "module.py").is_file():
            assert nexus("module", "check", "--strict", str(place)).code == 0
