"""A stage for attacks: a host with a witness, its issuer, a clock that both follow, and everything that is logged."""

import functools
from contextlib import asynccontextmanager

import pytest
from joserfc.jwk import RSAKey

import nexus.assembly
from nexus.auth.authenticator import Authenticator
from nexus.testing.issuer import Issuer
from nexus.testing.running_host import running_host
from tests.auth.conftest import Clock

from .stage import Stage
from .watch import logged
from .witness import Witness


@pytest.fixture(scope="session")
def session_key():
    return RSAKey.generate_key(2048)


@pytest.fixture
def log():
    with logged() as log:
        yield log


@pytest.fixture
def clock(monkeypatch):
    """The time of tokens and keys, for the host too; it only moves when told."""
    clock = Clock()
    moved = functools.partial(Authenticator, wall=clock.wall, monotonic=clock.monotonic)
    monkeypatch.setattr(nexus.assembly, "Authenticator", moved)
    return clock


@pytest.fixture
async def issuer(session_key, clock):
    key = RSAKey.import_key(session_key.as_dict(private=True))
    async with Issuer(key=key, wall=clock.wall) as issuer:
        yield issuer


@pytest.fixture
def stage_factory(issuer, log, tmp_path):
    """Opens a stage; its arguments are those of `[global.auth]`; `server` and `client` are whole tables."""
    count = 0

    @asynccontextmanager
    async def open_stage(*modules, server=None, client=None, warm=True, **auth):
        nonlocal count
        count += 1
        witness = Witness()
        tables = {
            "auth": without_none({"issuer": issuer.url, "audience": issuer.audience, **auth}),
            "server": {"host": "127.0.0.1", "port": 0, **(server or {})},
            "client": client or {},
        }
        folder = tmp_path / f"state-{count}"
        async with running_host(witness.module, *modules, state_dir=folder, config={"global": tables}) as host:
            stage = Stage(host, issuer, witness, log)
            if warm:  # the first fetch of the keys is not what is attacked
                await stage.with_token(issuer.mint())
                witness.calls.clear()
            yield stage

    return open_stage


@pytest.fixture
async def stage(stage_factory):
    async with stage_factory() as stage:
        yield stage


def without_none(table):
    return {name: value for name, value in table.items() if value is not None}
