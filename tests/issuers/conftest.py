"""Issuers of two makes, each started for the tests of one file and stopped after them."""

import os
from collections.abc import Iterator
from typing import TypeVar

import pytest

from . import glewlwyd, panva
from .foreign_issuer import ForeignIssuer
from .jose_verifier import JoseVerifier

Issuer = TypeVar("Issuer", bound=ForeignIssuer)


def running(issuer: Issuer, missing: str | None) -> Iterator[Issuer]:
    """The issuer while it runs."""
    require(missing)
    try:
        issuer.start()
        yield issuer
    finally:
        issuer.stop()


def require(missing: str | None) -> None:
    """Skips the test where something is missing, but never in CI."""
    if missing is not None:
        message = f"{missing} is not installed: ./scripts/test installs it"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)


@pytest.fixture(scope="module")
def panva_issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[panva.PanvaIssuer]:
    """`oidc-provider` from npm."""
    yield from running(panva.PanvaIssuer(tmp_path_factory.mktemp("panva")), panva.missing())


@pytest.fixture(scope="module")
def glewlwyd_issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[glewlwyd.GlewlwydIssuer]:
    """Glewlwyd from Debian."""
    yield from running(glewlwyd.GlewlwydIssuer(tmp_path_factory.mktemp("glewlwyd")), glewlwyd.missing())


@pytest.fixture(params=["panva", "glewlwyd"])
def issuer(request: pytest.FixtureRequest) -> ForeignIssuer:
    """Each of the two in turn."""
    return request.getfixturevalue(f"{request.param}_issuer")


@pytest.fixture(scope="module")
def jose_verifier() -> Iterator[JoseVerifier]:
    """`jose` from npm, a verifier of another make than ours."""
    require(panva.missing())
    with JoseVerifier() as verifier:
        yield verifier
