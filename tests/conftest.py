"""What holds for every test: it leaves its process as it found it, so that any order is as good as another."""

import logging
import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from nexus.http.log_format import StderrHandler
from nexus.jobs.store_threads import StoreThreads

if TYPE_CHECKING:
    from tests.postgres import Postgres

# How long an example takes says how busy the machine is, and nothing of a promise.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


# So does how long a store takes. Its two seconds are for callers; of a store that is away a test is told at once.
StoreThreads.__call__.__kwdefaults__["patience"] = 30.0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Spells out halves of characters, which logs hold on purpose: reports go from process to process as UTF-8."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Takes back the logging that a command or a host sets up for the whole of its process."""
    root = logging.getLogger()
    level, handlers = root.level, set(root.handlers)
    yield
    root.setLevel(level)
    for handler in set(root.handlers) - handlers:
        if isinstance(handler, StderrHandler):
            root.removeHandler(handler)


@pytest.fixture(autouse=True)
def own_modules() -> Iterator[None]:
    """Forgets the folder modules that a host imported: their names return in other tests with other code."""
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "nexus_modules"]:
        del sys.modules[name]


@pytest.fixture(scope="session")
def postgres() -> Iterator["Postgres"]:
    """A real PostgreSQL, started by the first test of a process that asks; whoever stops it starts it again."""
    from tests.postgres import running  # most tests need neither the server nor its client library

    with running() as server:
        yield server
