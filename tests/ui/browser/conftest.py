"""A real browser, one for each process of pytest, and visitors that take no mishap: no error, no foreign request."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright, expect

from nexus.testing.running_host import RunningHost
from tests.ui.signed_in import signed_in

AXE = Path(__file__).parent / "axe" / "node_modules" / "axe-core" / "axe.min.js"

expect.set_options(timeout=60_000)

_SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Visitor:
    """Somebody at a browser.

    Args:
        page: the browser's tab.
        url: of the host, with its mount point.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.mishaps: list[str] = []
        self._expected: set[int] = set()
        self._origins = {urlsplit(url)[:2]}
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self.mishaps.append(f"script failed: {error}"))
        page.on("request", self._note_request)

    async def go(self, path: str, *, status: int = 200) -> None:
        """Opens a page of the host, which has to answer with `status`."""
        self.expect(status)
        answer = await self.page.goto(self.url + path)
        assert answer is not None
        assert answer.status == status, f"{path} answers {answer.status}"

    def expect(self, status: int) -> None:
        """Takes it for no mishap that the browser tells of an answer with this status."""
        self._expected.add(status)

    def goes_to(self, url: str) -> None:
        """Takes it for no mishap that the visitor goes to another origin, an issuer's say."""
        self._origins.add(urlsplit(url)[:2])

    async def barriers(self) -> list[str]:
        """Gives what axe finds of serious or critical impact."""
        await self.page.evaluate(AXE.read_text())
        found = await self.page.evaluate("async () => (await axe.run(document)).violations")
        return [
            f"{each['id']}: {each['help']} at {[node['target'] for node in each['nodes']][:5]}"
            for each in found
            if each["impact"] in ("serious", "critical")
        ]

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if any(f"status of {status} " in message.text for status in self._expected):
            return
        self.mishaps.append(f"console: {message.text}")

    def _note_request(self, request: Request) -> None:
        if urlsplit(request.url)[:2] not in self._origins:
            self.mishaps.append(f"request to another origin: {request.url}")


Visit = Callable[..., AbstractAsyncContextManager[Visitor]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    executable = shutil.which("chromium")
    if executable is None:
        pytest.fail("chromium is missing: ./scripts/test installs it")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=list(_SWITCHES))
        yield browser
        await browser.close()


@pytest.fixture
def visit(browser: Browser) -> Visit:
    """Begins a visit of a host, signed in as an admin; at its end nothing may have gone wrong in the browser."""

    @asynccontextmanager
    async def begin(
        host: RunningHost, *, is_signed_in: bool = True, may_act: bool = True, **options: Any
    ) -> AsyncIterator[Visitor]:
        context = await browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        context.set_default_timeout(60_000)
        if is_signed_in:
            cookies = signed_in(host, may_act=may_act).cookie.items()
            await context.add_cookies([{"name": name, "value": value, "url": host.url} for name, value in cookies])
        visitor = Visitor(await context.new_page(), host.url)
        try:
            yield visitor
        finally:
            await context.close()
        assert visitor.mishaps == []

    return begin
