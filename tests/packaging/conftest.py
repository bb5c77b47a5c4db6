"""The three documented ways to install Nexus, each in an environment of its own."""

import sys
import tomllib
from pathlib import Path

import pytest

from .installation import ROOT, UV, Installation, copy_of_the_sources, environment_with, pip, run


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a source distribution and of the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("distributions")
    sources = copy_of_the_sources(folder / "clone")
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, sources], folder)
    return folder


@pytest.fixture(scope="session")
def wheel(distributions: Path) -> Path:
    """The built wheel."""
    return next(distributions.glob("*.whl"))


@pytest.fixture(scope="session")
def installed_wheel(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The wheel installed by pip into an empty environment, run in an empty folder."""
    folder = tmp_path_factory.mktemp("wheel")
    python = environment_with(folder / "venv", *requirements())
    pip(python, "install", "--quiet", "--no-deps", "--no-index", wheel, folder=folder)
    pip(python, "check", folder=folder)
    (folder / "empty").mkdir()
    return Installation(command=(str(python.parent / "nexus"),), folder=folder / "empty")


@pytest.fixture(scope="session")
def editable_install(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A clone installed with `pip install -e .`, run in an empty folder."""
    folder = tmp_path_factory.mktemp("editable")
    sources = copy_of_the_sources(folder / "clone")
    python = environment_with(folder / "venv", *requirements(), "hatchling", "editables")
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation")
    pip(python, "install", *options, "--editable", sources, folder=folder)
    (folder / "empty").mkdir()
    return Installation(command=(str(python.parent / "nexus"),), folder=folder / "empty")


@pytest.fixture(scope="session")
def uv_run(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """`uv run nexus` in a clone."""
    folder = tmp_path_factory.mktemp("uv")
    return Installation(command=(str(UV), "run", "--quiet", "nexus"), folder=copy_of_the_sources(folder / "clone"))


@pytest.fixture(params=["installed_wheel", "editable_install", "uv_run"])
def installation(request: pytest.FixtureRequest) -> Installation:
    """Each of the three in turn."""
    return request.getfixturevalue(request.param)


def requirements() -> list[str]:
    """What the distribution says it needs at run time."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
