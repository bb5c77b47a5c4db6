import asyncio
import math
import time
from contextlib import asynccontextmanager

import aiohttp
import pytest
from joserfc.jwk import RSAKey

from nexus.auth.authenticator import Authenticator
from nexus.auth.refusal import Code, Refusal
from nexus.testing.issuer import Issuer


class Clock:
    """Time that only moves when told; starts now."""

    def __init__(self):
        self.now = float(math.floor(time.time()))
        self.ticks = 1000.0

    def wall(self):
        return self.now

    def monotonic(self):
        return self.ticks

    def advance(self, seconds):
        self.now += seconds
        self.ticks += seconds

    def set_wall(self, seconds):
        self.now += seconds


def spawn(name, coro):
    return asyncio.get_running_loop().create_task(coro, name=name)


@pytest.fixture(scope="session")
def rsa_keys():
    """Five RSA keys; making them is the slowest part of these tests."""
    return [RSAKey.generate_key(2048) for _ in range(5)]


@pytest.fixture
def key_factory(rsa_keys):
    """Fresh objects for the session's keys, so that no test sees another's key ids."""
    spare = iter(rsa_keys)
    return lambda **members: RSAKey.import_key(next(spare).as_dict(private=True), members or None)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def issuer(key_factory, clock):
    async with Issuer(key=key_factory(), wall=clock.wall, clients={"robot": "s3cret"}) as issuer:
        yield issuer


@pytest.fixture
async def session():
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
def authenticator_factory(session, clock, tmp_path):
    """Opens an authenticator under the test's clock."""

    @asynccontextmanager
    async def open_authenticator(settings, *, state_dir=tmp_path / "state"):
        async with Authenticator(
            settings,
            state_dir=state_dir,
            session=session,
            spawn=spawn,
            wall=clock.wall,
            monotonic=clock.monotonic,
        ) as authenticator:
            yield authenticator

    return open_authenticator


@pytest.fixture
async def authenticator(authenticator_factory, issuer):
    async with authenticator_factory(issuer.settings()) as authenticator:
        yield authenticator


@pytest.fixture
def judge(authenticator_factory, issuer, caplog):
    """Judges a row of the attack list, and checks what holds for every decision."""

    async def check(case):
        token = case.make(issuer)
        async with authenticator_factory(issuer.settings(**case.settings)) as authenticator:
            await authenticator.reload_keys()
            requests = len(issuer.requests)
            caplog.set_level("DEBUG")
            if case.reasons:
                with pytest.raises(Refusal) as caught:
                    await authenticator.authenticate(token)
                assert (caught.value.code, caught.value.reason in case.reasons) == (Code.INVALID_TOKEN, True), caught
                assert not leaked(token, caplog.text + str(caught.value))
                assert authenticator.cached(token) is None
            else:
                principal = await authenticator.authenticate(token)
                assert authenticator.cached(token) == principal
                assert case.permissions is None or principal.permissions == case.permissions
            assert len(issuer.requests) == requests, "a decision asks nobody anything"

    return check


def leaked(token, text):
    return any(part in text for part in token.split(".") if len(part) > 8)
