"""Nobody gets to a protected handler without being let in: whatever path is sent, whatever routes there are."""

import json
import re
from urllib.parse import quote

import pytest
from aiohttp import web
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import nexus

from .background_host import BackgroundHost, background_host

RAN: list[tuple[str, bool, object]] = []
"""What handlers have run: a name, whether it was declared public, and the caller."""

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
PROBES = {b'{"status": "pass"}', b'{"status": "warn"}', b'{"message": "up"}'}


def recording(name: str, *, public: bool):
    """A handler that tells that it ran, for whom, and whether that was all right."""

    async def handler(request: web.Request) -> web.Response:
        """Answer."""
        RAN.append((name, public, nexus.context(request).principal))
        return web.Response(text=f"{'public' if public else 'protected'}:{name}")

    return handler


def declare(module: nexus.Module, method: str, path: str, access: object) -> None:
    public = access == "public"
    options = {"public": {"access": nexus.PUBLIC}, "protected": {}}.get(str(access), {"permissions": {str(access)}})
    module.route(method, path, **options)(recording(f"{method} {module.name}{path}", public=public))


def modules() -> list[nexus.Module]:
    """Modules with routes of every kind, public and protected ones side by side and below one another."""
    vault = nexus.Module("vault", version="1.0.0")
    for path in [
        "/",
        "/secret",
        "/secret/",
        "/a/b",
        "/a/b/{x}",
        "/n/{x:[0-9]+}",
        "/files/{rest:.*}",
        "/Mixed",
        "/ü",
        "/a.b",
    ]:
        for method in METHODS:
            declare(vault, method, path, "protected")
    declare(vault, "GET", "/needs", "read:vault")
    shop = nexus.Module("shop", version="1.0.0")
    declare(shop, "GET", "/open", "public")
    declare(shop, "POST", "/open", "protected")
    declare(shop, "GET", "/open/{x}", "public")
    declare(shop, "GET", "/open/{x}/closed", "protected")
    declare(shop, "GET", "/open/secret", "protected")
    declare(shop, "DELETE", "/open/{x}", "read:shop")
    declare(shop, "GET", "/static/{rest:.*}", "public")
    declare(shop, "GET", "/closed/{rest:.*}", "protected")
    many = [nexus.Module(f"many{index}", version="1.0.0") for index in range(10)]
    for index, module in enumerate(many):
        for number in range(20):
            declare(module, METHODS[number % 5], f"/r{number}", "public" if (index + number) % 7 == 0 else "protected")
    return [vault, shop, *many]


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    with background_host(*modules(), state_dir=tmp_path_factory.mktemp("access")) as running:
        yield running


@pytest.fixture(scope="module")
def routes(host: BackgroundHost):
    """What `/api/routes` lists."""
    answer = host.ask("GET", "/api/routes", f"Authorization: Bearer {host.host.token('admin')}")
    assert answer.status == 200
    return json.loads(answer.body)


def filled(template: str) -> str:
    """A path that the template matches."""
    return quote(re.sub(r"\{[^}]*\}", "7", template))


def assert_nobody_got_in(answer) -> None:
    """Holds for every request that carries no good token."""
    got_in = [(name, caller) for name, public, caller in RAN if not public]
    RAN.clear()
    assert got_in == []
    if answer.status in range(200, 300) and answer.body:
        assert answer.body.startswith(b"public:") or answer.body in PROBES or b'"resource"' in answer.body, answer
    if answer.status == 404:
        assert b"there is nothing here: the API begins at /api" in answer.body  # the root, which is public
        return
    # 0: no answer at all; 405 only where what stands there is public anyway; 501 and 505 come from the parser.
    assert answer.status in {0, 200, 204, 400, 401, 405, 414, 431, 501, 505}, answer


def test_every_registered_route_without_a_token_answers_401_unless_it_is_declared_public(host, routes):
    asked = 0
    for route in routes:
        for method in route["methods"]:
            RAN.clear()
            answer = host.ask(method, filled(route["path"]), "Content-Length: 0")
            if route["path"].startswith("/ui"):  # a gate of their own: who has no session is sent to sign in
                assert answer.status in {200, 303} if "sign-in" in route["path"] else answer.status != 500, route
            elif route["access"] == "public":
                assert answer.status not in {401, 403}, route
            else:
                assert answer.status == 401, route
                assert b"WWW-Authenticate: Bearer" in answer.head
                assert_nobody_got_in(answer)
            asked += 1
    assert asked > 250
    paths = {route["path"] for route in routes}
    assert {"/api/version", "/readyz", "/m/liveness/up", "/m/vault/a/b/{x}", "/m/many9/r19"} <= paths
    assert {path for path in paths if not path.startswith("/m/")} >= {"/api/modules", "/api/me", "/api/events"}


def test_every_protected_route_asks_also_for_methods_it_does_not_have(host, routes):
    for route in routes:
        if route["access"] == "public" or any(
            other["access"] == "public" and other["path"] == route["path"] for other in routes
        ):
            continue
        for method in ("OPTIONS", "HEAD", "TRACE", "PROPFIND"):
            answer = host.ask(method, filled(route["path"]))
            assert answer.status == 401, (method, route)


def test_unknown_paths_are_401_before_they_are_404(host):
    token = f"Authorization: Bearer {host.host.token('admin')}"
    for path in ["/nothing", "/api", "/api/", "/api/nothing", "/m", "/m/", "/m/none/x", "/m/vault/none", "/uix"]:
        assert host.ask("GET", path).status == 401, path
        assert host.ask("GET", path, token).status == 404, path


def test_a_token_without_the_permission_runs_no_handler_that_asks_for_it(host):
    RAN.clear()
    token = f"Authorization: Bearer {host.host.token('read:other')}"

    assert host.ask("GET", "/m/vault/needs", token).status == 403
    assert host.ask("DELETE", "/m/shop/open/x", token).status == 403
    assert host.ask("GET", "/api/version", token).status == 403
    assert RAN == []
    assert host.ask("GET", "/m/vault/secret", token).body == b"protected:GET vault/secret"


VAULT = ["/", "/secret", "/secret/", "/a/b", "/a/b/x", "/n/7", "/needs", "/files/a/b", "/Mixed", "/%C3%BC", "/a.b"]
SHOP = ["/open/x/closed", "/open/secret", "/closed/a/b"]
API = ["/api/version", "/api/modules", "/api/modules/vault", "/api/events", "/api/me", "/api/openapi.json"]
TARGETS = st.sampled_from(
    [*(f"/m/vault{path}" for path in VAULT), *(f"/m/shop{path}" for path in SHOP), "/m/many3/r1", *API]
)
PUBLIC = st.sampled_from(["/livez", "/readyz", "/m/shop/open", "/m/shop/open/x", "/m/shop/static/a", "/m/liveness/up"])


def _encoded(text: str, times: int = 1) -> str:
    encoded = "".join(f"%{byte:02x}" for byte in text.encode())
    for _ in range(times - 1):
        encoded = encoded.replace("%", "%25")
    return encoded


def _at_slash(path: str, index: int, new: str) -> str:
    """Puts `new` in place of one slash of the path; an earlier trick may have left none."""
    places = [place for place, letter in enumerate(path) if letter == "/"]
    if not places:
        return path
    at = places[index % len(places)]
    return path[:at] + new + path[at + 1 :]


def _at_letter(path: str, index: int, times: int) -> str:
    at = index % len(path)
    return path[:at] + _encoded(path[at], times) + path[at + 1 :]


SLASHES = ["//", "/./", "/%2e/", "/x/../", "/x/%2e%2e/", "/x/%2E./", "%2f", "%2F", "%252f", "/;/", "/;a=b/", ";/", "\\"]
SLASHES += ["%5c", "/..;/x/", "/x/..;/", "/%00/", "/%0a/", "/%09", "/ ", "/\u2215", "%c0%af", "/%u002f", "/.//", "///"]
ENDS = ["/", "//", "/.", "/..", "/%2e", "%2f", ";", ";a=b", "%3b", "?", "?x=/livez", "#", "#/livez", "%20", "%00", "."]
ENDS += [".json", "/..;/", "/../../livez", "%3f", "%23", "*", "~", "%", "%zz", "\x00", "\t", "é"]


@st.composite
def tricked(draw) -> str:
    """A request target that somebody hopes is decided as one path and dispatched as another."""
    path = draw(TARGETS)
    for _ in range(draw(st.integers(0, 3))):
        index = draw(st.integers(0, 40))
        trick = draw(st.sampled_from(["slash", "letter", "twice", "case", "segment"]))
        if trick == "slash":
            path = _at_slash(path, index, draw(st.sampled_from(SLASHES)))
        elif trick in {"letter", "twice"}:
            path = _at_letter(path, index, 1 if trick == "letter" else 2)
        elif trick == "case":
            at = index % len(path)
            path = path[:at] + path[at].swapcase() + path[at + 1 :]
        else:
            path = _at_slash(path, index, draw(st.sampled_from(["/x/../", "/./", "//", "/%2e%2e/m/"])))
    if draw(st.booleans()):
        path += draw(st.sampled_from(ENDS))
    start = draw(
        st.sampled_from(["", "", "http://localhost", "http://x@localhost", "//localhost", "*", "public", "up"])
    )
    if start == "public":
        return (
            draw(PUBLIC)
            + draw(st.sampled_from(["/..", "/../..", "/%2e%2e", "/..;", "/../../..", "%2f..", ";/.."]))
            + path
        )
    return "/.." + path if start == "up" else start + path


FIELDS = st.sampled_from(
    [
        (),
        ("X-Original-URL: /livez", "X-Rewrite-URL: /livez"),
        ("X-HTTP-Method-Override: GET", "X-Forwarded-Prefix: /livez"),
        ("X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: localhost", "X-Real-IP: 127.0.0.1"),
        ("Authorization:",),
        ("Authorization: Bearer",),
        ("Authorization: Bearer x",),
        ("Authorization: Bearer null",),
        ("Authorization: Basic YWRtaW46YWRtaW4=",),
        ("Authorization: Bearer a.b.c", "Authorization: Bearer a.b.c"),
        ("Cookie: access_token=a.b.c; session=admin",),
        ("Expect: 100-continue", "Content-Length: 0"),
        (
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==",
        ),
        ("Range: bytes=0-10", "If-None-Match: *", "Accept: text/html"),
    ]
)
VERBS = st.sampled_from([*METHODS, "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "GeT", "PROPFIND", "X"])


@SLOW
@given(method=st.one_of(st.just("GET"), VERBS), target=tricked(), fields=FIELDS)
@example(method="GET", target="/m/shop/static/a/..", fields=("Expect: 100-continue", "Content-Length: 0"))
def test_no_trick_with_the_path_gets_to_a_protected_handler(host, method, target, fields):
    RAN.clear()

    answer = host.ask(method, target, *fields)

    assert_nobody_got_in(answer)


@SLOW
@given(target=st.text(st.characters(codec="utf-8", exclude_characters="\r\n "), min_size=1, max_size=60), base=TARGETS)
@example(target="/", base="/m/vault/")
def test_no_text_in_place_of_a_path_gets_to_a_protected_handler(host, target, base):
    for sent in (target, "/" + target, base + target, base + "/" + target):
        RAN.clear()
        assert_nobody_got_in(host.ask("GET", sent))


@SLOW
@given(target=tricked())
def test_with_a_token_that_lacks_it_no_trick_gets_to_a_handler_that_asks_for_a_permission(host, target):
    RAN.clear()
    token = host.host.token("read:other")

    answer = host.ask("GET", target, f"Authorization: Bearer {token}")

    assert [name for name, _, _ in RAN if name in {"GET vault/needs", "DELETE shop/open/{x}"}] == []
    assert all(public or caller is not None for _, public, caller in RAN)
    assert b'"dependencies"' not in answer.body, "of /api/version"


def test_requests_pipelined_behind_a_public_one_are_decided_on_their_own(host):
    RAN.clear()
    public = b"GET /m/shop/open HTTP/1.1\r\nHost: localhost\r\n\r\n"
    secret = b"GET /m/vault/secret HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    answer = host.send(public + secret)

    assert answer.status == 200
    assert b"HTTP/1.1 401 " in answer.body
    assert [name for name, _, _ in RAN] == ["GET shop/open"]


def test_a_good_token_on_a_connection_does_not_open_the_next_request_on_it(host):
    RAN.clear()
    token = host.host.token("admin").encode()
    first = b"GET /m/vault/secret HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token + b"\r\n\r\n"
    second = b"GET /m/vault/a/b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    answer = host.send(first + second)

    assert answer.status == 200
    assert b"HTTP/1.1 401 " in answer.body
    assert [name for name, _, _ in RAN] == ["GET vault/secret"]


SEGMENTS = st.sampled_from(["a", "b", "a.b", "{x}", "{y}", "{n:[0-9]+}", "{rest:.*}", "v{x}", "%41"])
DECLARED = st.lists(
    st.tuples(
        st.sampled_from(METHODS),
        st.lists(SEGMENTS, max_size=4).map(lambda segments: "/" + "/".join(segments)),
        st.sampled_from(["public", "protected", "read:x"]),
    ),
    min_size=1,
    max_size=12,
)
ASKED = st.lists(
    st.tuples(
        st.sampled_from([*METHODS, "HEAD", "OPTIONS"]),
        st.lists(st.sampled_from(["a", "b", "7", "A", "%41", "a.b", "va", "", ".", ".."]), max_size=5).map("/".join),
    ),
    min_size=10,
    max_size=30,
)


@settings(parent=SLOW, max_examples=15)
@given(declared=DECLARED, asked=ASKED)
def test_whatever_routes_a_module_has_every_handler_that_ran_was_decided_on(tmp_path_factory, declared, asked):
    module = nexus.Module("any", version="1.0.0")
    for method, path, access in declared:
        try:
            declare(module, method, path, access)
        except nexus.InvalidDeclaration:
            continue  # declared twice, or two parameters of one name
    with background_host(module, state_dir=tmp_path_factory.mktemp("any")) as host:
        if host.host.module("any").status.state != "running":
            return
        for method, path in asked:
            RAN.clear()
            assert_nobody_got_in(host.ask(method, f"/m/any/{path}", "Content-Length: 0"))
            RAN.clear()
            token = host.host.token("read:y")
            answer = host.ask(method, f"/m/any/{path}", "Content-Length: 0", f"Authorization: Bearer {token}")
            assert all(public or caller is not None for _, public, caller in RAN)
            assert answer.status != 401
