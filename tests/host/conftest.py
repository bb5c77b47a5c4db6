"""Fixtures of the host's tests."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .workspace import MovedTime, Workspace


@pytest.fixture
def time() -> MovedTime:
    return MovedTime()


@pytest.fixture
def workspace(tmp_path: Path, time: MovedTime) -> Iterator[Workspace]:
    before = set(sys.modules)
    yield Workspace(tmp_path, time)
    for name in sys.modules.keys() - before:
        if name.startswith("nexus_modules"):
            del sys.modules[name]
