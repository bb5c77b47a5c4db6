import copy
import warnings
from collections.abc import Mapping

import aiohttp
import pytest
from aiohttp import web

from nexus.http.host_routes import HostRoutes
from nexus.spec.access import PROTECTED, PUBLIC
from nexus.spec.route import Route
from tests.http.conftest import AUTHORIZED, guard, serving, settings
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


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("a=1; b=nexus_2", ["a=1; b=nexus_2"]),
        ("a=1; __Host-nexus_session=s; my_nexus_x=2", ["a=1; my_nexus_x=2"]),
        ("nexus_session_3001=s; a=1", ["a=1"]),
        ("__Host-nexus_session=s", []),
        ("__Host-nexus_session=s\r\nCookie: a=1", ["a=1"]),
        (" ;nexus_sign_in=s;;a=1;", [";;a=1;"]),
    ],
)
async def test_a_module_sees_its_own_cookies_and_none_of_the_hosts_pages(host, running, sent, seen):
    host.add("m", Route(method="GET", path="/x", handler=show, access=PUBLIC))

    answer = await running.target("/m/m/x", headers=f"Cookie: {sent}\r\n")

    assert [value for name, value in answer.json["headers"] if name == "Cookie"] == seen


async def test_bytes_that_are_no_text_are_kept_as_they_came(host, running):
    values = []

    async def look(request):
        values.append([value for name, value in request.raw_headers if name == b"X-Odd"])
        return web.Response()

    host.add("m", Route(method="GET", path="/x", handler=look, access=PUBLIC))
    await running.target("/m/m/x", headers="X-Auth-A: forged\r\nX-Odd: \udce9 \u20ac\r\n")

    assert values == [[b"\xe9 \xe2\x82\xac"]]


async def test_every_value_of_a_repeated_header_is_kept(host, running):
    host.add("m", Route(method="GET", path="/x", handler=show, access=PUBLIC))

    answer = await running.target("/m/m/x", headers="X-Auth-A: forged\r\nX-K: 1\r\nX-K: 2\r\n")

    assert [value for name, value in answer.json["headers"] if name == "X-K"] == ["1", "2"]


CANARY = "cAnArY-0123456789"
HIDDEN = {
    "Authorization": f"Bearer {CANARY}",
    "Proxy-Authorization": f"Basic {CANARY}",
    "X-Forwarded-User": CANARY,
    "x_auth_claims": CANARY,
    "Forwarded": f"for={CANARY}",
    "Cookie": f"own=1; __Host-nexus_session={CANARY};nexus_session_3001={CANARY}; nexus_sign_in_1={CANARY}",
}


def attributes(it):
    for name in dir(it):
        if not name.startswith("_"):
            try:
                yield name, getattr(it, name)
            except Exception:
                yield name, None


def parts(it):
    """What of `it` is reached without a call: its entries, and its public attributes."""
    if isinstance(it, Mapping):
        yield from ((f"[{key!r}]", entry) for pair in it.items() for key, entry in (pair, pair[::-1]))
    elif isinstance(it, tuple | list | set | frozenset):
        yield from (("[]", entry) for entry in it)
    if not (isinstance(it, type) or callable(it) or type(it).__module__ == "builtins"):
        yield from ((f".{name}", entry) for name, entry in attributes(it))


def told(root):
    """Where the canary is found, in anything that can be reached from `root`."""
    todo, seen, places = [("", root)], {}, []
    while todo:
        path, it = todo.pop()
        if id(it) in seen:
            continue
        seen[id(it)] = it
        text = it.decode("latin-1") if isinstance(it, bytes | bytearray) else it if isinstance(it, str) else repr(it)
        if CANARY.lower() in text.lower():
            places.append(path)
        todo += [(path + step, part) for step, part in parts(it)]
    assert len(seen) > 20
    return places


async def first_part(request):
    return await (await request.multipart()).next()


async def undone(request):
    request.withhold(lambda it: it._headers)
    return request


WAYS = {
    "itself": lambda request: request,
    "copy": copy.copy,
    "clone": lambda request: request.clone(),
    "changed-clone": lambda request: request.clone(method="PUT", headers={"A": "b"}),
    "clone-of-a-copy": lambda request: copy.copy(request).clone(),
    "multipart": lambda request: request.multipart(),
    "part": first_part,
    "form": lambda request: request.post(),
    "withheld-again": undone,
}


@web.middleware
async def touching(request, handler):
    """Asks for everything that a request tells of itself before anything is withheld; aiohttp keeps the answers."""
    assert told(request)
    return await handler(request)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("guarded_by", [guard, touching], ids=["fresh", "asked-before"])
@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
async def test_nothing_that_a_handler_can_reach_of_a_request_tells_what_is_hidden(host, way, guarded_by):
    places = []

    async def look(request):
        reached = way(request)
        places.append(told(await reached if hasattr(reached, "__await__") else reached))
        places.append(told(request))
        return web.Response()

    host.add("m", Route(method="POST", path="/x", handler=look, access=PUBLIC))
    form = aiohttp.FormData()
    form.add_field("file", "content", filename="a")
    async with serving(host, guarded_by=guarded_by) as running:
        assert (await running.ask("POST", "/m/m/x", headers=HIDDEN, data=form)).status == 200

    assert places == [[], []]


async def test_a_socket_tells_nothing_of_what_is_hidden(host, running):
    places = []

    async def look(request):
        socket = web.WebSocketResponse()
        with warnings.catch_warnings(action="ignore"):
            await socket.prepare(request)
            places.append(told(socket) + told(request))
        return socket

    host.add("m", Route(method="GET", path="/x", handler=look, access=PUBLIC))
    async with running.session.ws_connect(running.url + "/m/m/x", headers=HIDDEN) as socket:
        await socket.receive()

    assert places == [[]]
