"""Hosts with pages, and browsers that come to them."""

import asyncio
import logging
from contextlib import asynccontextmanager

import aiohttp
import pytest

from nexus.http import log_format
from nexus.testing.running_host import running_host
from nexus.ui.sign_in.new_link import new_link

from .browser import Browser


class Audit(logging.Handler):
    """The lines of the audit log."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record)

    def of(self, action):
        return [line for line in self.lines if line.action == action]


@pytest.fixture
def audit():
    handler = Audit()
    logger = logging.getLogger(log_format.AUDIT)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.fixture
def open_host(tmp_path):
    """Opens a host; its arguments are tables of `[global]`."""

    @asynccontextmanager
    async def open_host(*modules, state_dir=None, **tables):
        config = {"global": tables}
        async with running_host(*modules, state_dir=state_dir or tmp_path / "state", config=config) as host:
            yield host

    return open_host


@pytest.fixture
async def host(open_host):
    async with open_host() as host:
        yield host


@pytest.fixture
async def new_browser():
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield lambda: Browser(session)


@pytest.fixture
def browser(new_browser):
    return new_browser()


@pytest.fixture
def link_to():
    """Makes a one-time link to a host."""

    async def link_to(host):
        store = host.host.settings.global_.store
        return await asyncio.to_thread(new_link, host.url, store, host.host.state_dir)

    return link_to


@pytest.fixture
def signed_in(link_to):
    """Lets a browser in by a link, and gives the first page."""

    async def signed_in(browser, host):
        page = await browser.get(await link_to(host))
        return await browser.submit(page, code=page.field("code"))

    return signed_in
