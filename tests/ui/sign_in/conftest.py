"""Hosts with pages, and browsers that come to them."""

import asyncio
import logging
import sqlite3
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import quote

import aiohttp
import pytest
from joserfc.jwk import RSAKey

from nexus.http import log_format
from nexus.testing.running_host import running_host
from nexus.ui.sign_in.new_link import new_link
from tests.ports import free_port

from .browser import Browser
from .hostile_issuer import HostileIssuer


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


@pytest.fixture(scope="session")
def issuer_key():
    return RSAKey.generate_key(2048)


@pytest.fixture
async def issuer(issuer_key):
    async with HostileIssuer(key=RSAKey.import_key(issuer_key.as_dict(private=True))) as issuer:
        yield issuer


@pytest.fixture
def open_site(open_host, issuer):
    """Opens a host whose people sign in at the hostile issuer; its arguments are those of `[global.ui]`."""

    @asynccontextmanager
    async def open_site(path="/", base_url=None, **ui):
        port = free_port()
        tables = {"base_url": base_url or f"http://127.0.0.1:{port}", "server": {"port": port}, "path": path}
        async with open_host(**tables, **issuer.settings_of_host(**ui)) as host:
            yield host

    return open_site


@pytest.fixture
async def site(open_site):
    async with open_site() as site:
        yield site


async def to_issuer(browser, site, to=None):
    """Begins to sign in; gives the address at the issuer that the browser is sent to."""
    address = f"{site.url}/ui/sign-in/start" + (f"?to={quote(to, safe='')}" if to is not None else "")
    page = await browser.send("GET", address, sender=site.url, follow=False)
    assert page.status == 303, page
    return page.location


async def enter(browser, site, issuer, **grant):
    """Signs in at the issuer; gives the page that the host shows then."""
    way_back = issuer.grant(await to_issuer(browser, site), **grant)
    return await browser.send("GET", way_back, sender=issuer.url)


@contextmanager
def sessions_of(host):
    """The database of sessions of a host, as somebody finds it who has the file."""
    connection = sqlite3.connect(host.host.state_dir / "sessions.db", isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()
