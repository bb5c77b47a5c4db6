"""The local issuer behind a running host: rows E1, E2, E4 and E5; and settings that keep a host from starting."""

import pytest

from nexus.auth.local_issuer import FILE_NAME, LocalIssuer
from nexus.auth.private_file import UnsafeFile
from nexus.config.problem import InvalidConfig
from nexus.testing.running_host import running_host
from tests.auth.test_local_issuer import SPOILED

from .test_key_rows import refuses
from .witness import Witness


async def test_e1_a_token_of_one_installation_opens_no_other(stage_factory, clock):
    local = {"issuer": None, "audience": None, "warm": False}
    async with stage_factory(**local) as here, stage_factory(**local) as there:
        minted = LocalIssuer.open(here.host.host.state_dir)
        token = minted.mint(subject="me", permissions=["admin"], wall=clock.wall)
        await here.takes(token)
        await refuses(there, token, "unknown_issuer")


@pytest.mark.parametrize(("local", "status"), [(False, 401), (True, 200)], ids=["E2-off", "E2-asked-for"])
async def test_beside_an_outside_issuer_it_serves_only_where_asked_for(stage_factory, clock, local, status):
    async with stage_factory(**({"local": True} if local else {})) as stage:
        minted = LocalIssuer.open(stage.host.host.state_dir)
        token = minted.mint(subject="me", permissions=["admin"], wall=clock.wall)
        if local:
            await stage.takes(token)
        else:
            await refuses(stage, token, "unknown_issuer")


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=list(SPOILED))
async def test_a_host_does_not_start_on_a_key_that_cannot_be_trusted(tmp_path, spoil):
    LocalIssuer.open(tmp_path)
    spoil(tmp_path / FILE_NAME)

    with pytest.raises(UnsafeFile, match=FILE_NAME):
        async with running_host(Witness().module, state_dir=tmp_path):
            pass


async def test_e5_no_route_mints_tokens(tmp_path):
    async with running_host(Witness().module, state_dir=tmp_path) as host:
        routes = (await host.get("/api/routes", permissions=["admin"])).json()
        assert not [route for route in routes if "token" in route["path"].lower()]
        for path in ("/token", "/oauth/token", "/api/token", "/api/tokens", "/.well-known/jwks.json", "/jwks.json"):
            for method in ("GET", "POST"):
                assert (await host.request(method, path, permissions=["admin"])).status == 404


UNSAFE = {
    "H6-empty": {"algorithms": []},
    "H6-none": {"algorithms": ["none"]},
    "H6-hmac": {"algorithms": ["RS256", "HS256"]},
    "C14-negative": {"leeway": -1},
    "C14-too-much": {"leeway": 301},
    "C24-every-tenant": {"profile": "entra", "issuer": "https://login.microsoftonline.com/common/v2.0"},
    "C23-every-client": {"profile": "cognito"},
    "C15-no-audience": {"audience": ""},
    "J14-http": {"jwks_uri": "http://issuer.example/jwks.json"},
}


@pytest.mark.parametrize("table", UNSAFE.values(), ids=list(UNSAFE))
async def test_a_host_does_not_start_on_settings_that_are_not_safe(tmp_path, table):
    auth = {"issuer": "https://issuer.example/", "audience": "https://nexus.example", **table}

    with pytest.raises(InvalidConfig):
        async with running_host(Witness().module, state_dir=tmp_path, config={"global": {"auth": auth}}):
            pass
