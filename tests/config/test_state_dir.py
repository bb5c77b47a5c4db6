import stat
from pathlib import Path

import pytest

from nexus.config.loading import load
from nexus.config.scrubber import Scrubber
from nexus.config.state_dir import StateDirectoryUnusable, ensure, state_directory


def test_local_state_lies_beside_the_configuration_file(tmp_path: Path):
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "own.toml").touch()

    loaded = load([folder / "own.toml"], environ={}, directory=tmp_path, scrubber=Scrubber())
    without = load(environ={}, directory=tmp_path, scrubber=Scrubber())

    assert state_directory(loaded, {}) == folder / ".nexus"
    assert state_directory(without, {}) == tmp_path / ".nexus"
    assert state_directory(loaded, {"NEXUS_STATE_DIR": "/var/lib/nexus"}) == Path("/var/lib/nexus")


def test_it_is_made_for_its_owner_alone(tmp_path: Path):
    directory = ensure(tmp_path / "a" / ".nexus")

    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert ensure(directory) == directory


def test_a_place_that_cannot_be_used_is_named_with_its_remedy(tmp_path: Path):
    (tmp_path / "file").touch()

    with pytest.raises(StateDirectoryUnusable, match="set NEXUS_STATE_DIR to a writable place"):
        ensure(tmp_path / "file")
