"""What is known of a host before anything starts."""

from pathlib import Path

import pytest

from nexus.preparation import Prepared, ServeOptions, prepare
from nexus.spec.state import ModuleState

PLAIN = "import nexus\nmodule = nexus.Module({name!r}, version='1.0.0')\n"
NEEDY = """
import nexus
from pydantic import BaseModel
class Settings(BaseModel):
    token: nexus.Secret
needy = nexus.Module("needy", version="1.0.0", settings=Settings)
"""


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / "plain.py").write_text(PLAIN.format(name="plain"))
    (folder / "needy.py").write_text(NEEDY)
    (folder / "broken.py").write_text("raise RuntimeError('no')\n")
    return folder


def _prepare(folder: Path, shipped: Path, environ: dict[str, str] | None = None, **options: object) -> Prepared:
    return prepare(ServeOptions(**options), environ or {}, directory=folder, shipped=shipped)  # type: ignore[arg-type]


def _states(prepared: Prepared) -> dict[str, ModuleState]:
    return {name: record.state for name, record in prepared.catalog.records.items()}


def test_without_a_file_the_shipped_modules_that_need_no_settings_run(tmp_path: Path, shipped: Path):
    prepared = _prepare(tmp_path, shipped)

    assert prepared.settings is not None
    assert set(prepared.settings.modules) == {"plain"}
    assert _states(prepared) == {
        "broken": ModuleState.AVAILABLE,
        "needy": ModuleState.AVAILABLE,
        "plain": ModuleState.STARTING,
    }


def test_without_a_file_a_module_that_the_environment_gives_its_settings_runs(tmp_path: Path, shipped: Path):
    prepared = _prepare(tmp_path, shipped, {"NEXUS__MODULES__NEEDY__CONFIG__TOKEN": "sesame-street"})

    assert _states(prepared)["needy"] is ModuleState.STARTING
    assert prepared.scrubber.scrub("say sesame-street") == "say sesame-street"  # not bound yet, so not a secret yet


def test_with_a_file_only_what_has_a_table_runs(tmp_path: Path, shipped: Path):
    (tmp_path / "config.toml").write_text("[modules.needy]\n")

    states = _states(_prepare(tmp_path, shipped))

    assert states["needy"] is ModuleState.STARTING
    assert states["plain"] is ModuleState.AVAILABLE


def test_wrong_settings_of_the_host_leave_the_modules_known(tmp_path: Path, shipped: Path):
    (tmp_path / "config.toml").write_text("[global.server]\nport = 'x'\n[modules.plain]\n")

    prepared = _prepare(tmp_path, shipped)

    assert prepared.settings is None
    assert [problem.path for problem in prepared.problems] == ["global.server.port"]
    assert _states(prepared)["plain"] is ModuleState.STARTING


def test_flags_win_over_the_file(tmp_path: Path, shipped: Path):
    (tmp_path / "config.toml").write_text("[global.server]\nport = 1\n")

    prepared = _prepare(tmp_path, shipped, port=0, host="127.0.0.2")

    assert prepared.settings is not None
    assert (prepared.settings.global_.server.host, prepared.settings.global_.server.port) == ("127.0.0.2", 0)
    assert str(prepared.loaded.tree.origin(("global", "server", "port"))) == "flag --port"


def test_a_named_file_that_is_missing_keeps_the_host_from_starting(tmp_path: Path, shipped: Path):
    prepared = _prepare(tmp_path, shipped, files=(tmp_path / "other.toml",))

    assert prepared.settings is None
    assert "is not there: create it or correct the name" in str(prepared.problems[0])


def test_what_is_left_out_is_not_imported(tmp_path: Path, shipped: Path):
    assert _states(_prepare(tmp_path, shipped, safe_mode=True))["plain"] is ModuleState.DISABLED
    assert _states(_prepare(tmp_path, shipped, only=frozenset({"needy"})))["plain"] is ModuleState.DISABLED
