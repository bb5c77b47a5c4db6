"""Fixtures for module authors; what they start is real, and ends with the test."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest_asyncio

if TYPE_CHECKING:
    from nexus.testing.issuer import Issuer
    from nexus.testing.running_host import RunningHost


@pytest_asyncio.fixture
async def nexus_host(tmp_path: Path) -> "AsyncIterator[Callable[..., Awaitable[RunningHost]]]":
    """Starts hosts for a test: await it with the modules under test; all stop when the test ends.

    The arguments are those of `nexus.testing.running_host.running_host`, except `state_dir`.
    """
    # Imported here, for a run of pytest that tests no module should not pay for the host.
    from nexus.testing.running_host import running_host  # noqa: PLC0415

    async with contextlib.AsyncExitStack() as stack:
        count = 0

        async def start(*modules: Any, **options: Any) -> "RunningHost":
            nonlocal count
            count += 1
            state_dir = tmp_path / f"host-{count}"
            return await stack.enter_async_context(running_host(*modules, state_dir=state_dir, **options))

        yield start


@pytest_asyncio.fixture
async def nexus_issuer() -> "AsyncIterator[Issuer]":
    """An issuer of tokens over HTTP, for a host that is configured with one; see `nexus.testing.issuer.Issuer`."""
    from nexus.testing.issuer import Issuer  # noqa: PLC0415 - as above

    async with Issuer() as issuer:
        yield issuer
