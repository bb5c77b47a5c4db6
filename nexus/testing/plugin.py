"""Registers the fixtures with pytest, by the distribution's entry point.

It is loaded in every pytest run wherever Nexus is installed, also where nobody tests a module: so it imports nothing of
the host, and does without the fixtures where what they need is not there.
"""

import importlib.util

import pytest

_NEEDED = "pytest_asyncio"


def pytest_configure(config: pytest.Config) -> None:
    """Registers `nexus.testing.fixtures`, or in its place fixtures that say what to install."""
    if importlib.util.find_spec(_NEEDED) is None:
        config.pluginmanager.register(_Missing(), "nexus-fixtures-missing")
    else:
        config.pluginmanager.import_plugin("nexus.testing.fixtures")


class _Missing:
    @pytest.fixture
    def nexus_host(self) -> None:
        """Tells what a module's tests need."""
        pytest.fail("the fixtures of Nexus need pytest-asyncio: pip install 'nexus-host[testing]'")

    nexus_issuer = nexus_host
