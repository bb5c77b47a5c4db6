"""The page of security promises nothing without a test, and forgets no bound."""

import re

import pytest
from pydantic import BaseModel

from nexus.config.auth_settings import AuthSettings, KeySettings
from nexus.config.settings import (
    CacheSettings,
    ChecksSettings,
    ClientSettings,
    EventsSettings,
    JobsSettings,
    ServerSettings,
    UiSettings,
)

from .fences import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
MODELS: list[type[BaseModel]] = [
    AuthSettings,
    KeySettings,
    ServerSettings,
    CacheSettings,
    ClientSettings,
    ChecksSettings,
    EventsSettings,
    JobsSettings,
    UiSettings,
]
BOUNDS = sorted(
    {
        name
        for model in MODELS
        for name, setting in model.model_fields.items()
        if name != "port" and setting.annotation in (int, float)
    }
)


def known_tests() -> set[str]:
    """Gives the names of all tests."""
    sources = [file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py")]
    return {name for source in sources for name in re.findall(r"^(?:async )?def (test_\w+)", source, re.MULTILINE)}


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(test_\w+)`", TEXT))))
def test_a_promise_names_a_test_that_there_is(name):
    assert name in known_tests()


@pytest.mark.parametrize("row", re.findall(r"^\| (?!promise|---)(.+\.) \| (.*) \|$", TEXT, re.MULTILINE))
def test_every_promise_names_a_test(row):
    assert re.search(r"`test_\w+`", row[1])


@pytest.mark.parametrize("name", BOUNDS)
def test_every_bound_is_told_with_its_setting(name):
    assert f"`{name}`" in TEXT
