import pytest
from aiohttp import web

from nexus.http.host_routes import HostRoutes
from nexus.spec.access import PROTECTED, PUBLIC
from nexus.spec.route import Route
from tests.http.conftest import AUTHORIZED, serving, settings
from tests.http.standin import StandInHost

FORGED = [
    "X-Forwarded-User",
    "x-forwarded-email",
    "X-Auth-Request-User",
    "X-Remote-User",
    "X-JWT-Claims",
    "X-Userinfo",
    "X-Authenticated-Userid",
    "Remote-User",
    "Remote_User",
    "X-WEBAUTH-USER",
    "X-Forwarded-Access-Token",
    "Proxy-Authorization",
    "X-MS-Client-Principal",
]


async def show(request):
    return web.json_response(
        {
            "headers": [list(pair) for pair in request.headers.items()],
            "raw": [name.decode() for name, _ in request.raw_headers],
            "clone": list(request.clone().headers),
            "forwarded": [dict(one) for one in request.forwarded],
            "body": (await request.text()),
        }
    )


@pytest.mark.parametrize("name", FORGED)
async def test_what_claims_an_identity_from_outside_does_not_reach_a_module(host, running, name):
    host.add("m", Route(method="POST", path="/x", handler=show, access=PUBLIC))

    answer = await running.ask("POST", "/m/m/x", headers={name: "forged-admin", "X-Kept": "1"}, data="sent")

    assert "forged-admin" not in answer.body.decode()
    assert ["X-Kept", "1"] in answer.json["headers"]
    assert answer.json["body"] == "sent"


async def test_a_module_never_sees_the_token(host, running):
    host.add("m", Route(method="GET", path="/x", handler=show, access=PROTECTED))

    answer = await running.ask("GET", "/m/m/x", headers=AUTHORIZED)

    assert answer.status == 200
    assert "good-token" not in answer.body.decode()
    assert "authorization" not in answer.body.decode().lower()


async def test_the_hosts_own_routes_see_the_request_as_it_came(host):
    routes = HostRoutes()
    routes.add("GET", "/x", show)
    async with serving(host, routes) as running:
        assert "Authorization" in (await running.ask("GET", "/x", headers=AUTHORIZED)).json["raw"]


@pytest.mark.parametrize(("proxies", "believed"), [([], False), (["10.0.0.0/8"], False), (["127.0.0.0/8"], True)])
async def test_where_a_request_came_from_is_believed_from_trusted_proxies_only(proxies, believed):
    host = StandInHost(settings({"trusted_proxies": proxies}))
    host.add("m", Route(method="GET", path="/x", handler=show, access=PUBLIC))
    sent = {"Forwarded": "for=192.0.2.1", "X-Forwarded-For": "192.0.2.1", "X-Forwarded-User": "forged-admin"}
    async with serving(host) as running:
        answer = await running.ask("GET", "/m/m/x", headers=sent)

    assert ("192.0.2.1" in answer.body.decode()) is believed
    assert answer.json["forwarded"] == ([{"for": "192.0.2.1"}] if believed else [])
    assert "forged-admin" not in answer.body.decode()


async def test_every_value_of_a_repeated_header_is_kept(host, running):
    host.add("m", Route(method="GET", path="/x", handler=show, access=PUBLIC))

    answer = await running.target("/m/m/x", headers="X-Auth-A: forged\r\nX-K: 1\r\nX-K: 2\r\n")

    assert [value for name, value in answer.json["headers"] if name == "X-K"] == ["1", "2"]
