import asyncio
import gc
import weakref
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from aiohttp import web

import nexus.http.deadlines
from nexus.http.application import build
from nexus.http.context import context
from nexus.http.host_routes import HostRoutes
from nexus.spec.access import PROTECTED, PUBLIC
from nexus.spec.errors import InvalidDeclaration, NexusError
from nexus.spec.route import Route
from nexus.spec.state import ModuleState
from tests.http.conftest import AUTHORIZED, PATIENCE, guard, serving, settings
from tests.http.standin import StandInHost


async def told(request):
    """Tells what it was reached by."""
    return web.json_response({"template": request.match_info.route.template, "values": dict(request.match_info)})


def route(method, path, access=PROTECTED, handler=told):
    return Route(method=method, path=path, handler=handler, access=access)


async def test_a_module_route_answers_below_the_modules_prefix(host, running):
    host.add("hello", route("GET", "/hi/{name}", PUBLIC))

    answer = await running.ask("GET", "/m/hello/hi/you")

    assert answer.json == {"template": "/m/hello/hi/{name}", "values": {"name": "you"}}


async def test_head_is_served_by_the_get_route_without_a_body(host, running):
    host.add("hello", route("GET", "/hi", PUBLIC))

    answer = await running.ask("HEAD", "/m/hello/hi")

    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0


async def test_a_stream_that_answers_head_sends_nothing_that_a_client_could_take_for_the_next_answer(host, running):
    async def stream(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"body")
        return response

    host.add("hello", route("GET", "/stream", PUBLIC, stream))

    got = await running.target("/m/hello/stream", "HEAD", "")

    assert got.headers["Connection"] == "close"


async def test_options_tells_the_methods_of_a_path(host, running):
    host.add("hello", route("GET", "/hi", PUBLIC), route("POST", "/hi"))

    answer = await running.ask("OPTIONS", "/m/hello/hi")

    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


async def test_a_declared_options_route_answers_itself(host, running):
    host.add("hello", route("OPTIONS", "/hi", PUBLIC))

    assert (await running.ask("OPTIONS", "/m/hello/hi")).json["template"] == "/m/hello/hi"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "PROPFIND"])
async def test_another_method_is_answered_405_with_the_methods_that_are_served(host, running, method):
    host.add("hello", route("GET", "/hi", PUBLIC))

    answer = await running.target("/m/hello/hi", method)

    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert answer.json["title"] == "Method Not Allowed"


@pytest.mark.parametrize("method", ["OPTIONS", "PUT"])
async def test_a_protected_path_tells_its_methods_only_to_who_may_call_it(host, running, method):
    host.add("hello", route("GET", "/hi"))

    without = await running.ask(method, "/m/hello/hi")
    having = await running.ask(method, "/m/hello/hi", headers=AUTHORIZED)

    assert without.status == 401
    assert "Allow" not in without.headers
    assert having.status in (204, 405)


@pytest.mark.parametrize("path", ["/", "/nothing", "/m", "/m/", "/m/nobody", "/m/nobody/x", "/m/hello", "/m/hello/x"])
async def test_401_comes_before_404(host, running, path):
    host.add("hello", route("GET", "/hi", PUBLIC))

    assert (await running.ask("GET", path)).status == 401
    assert (await running.ask("GET", path, headers=AUTHORIZED)).status == 404


TRICKS = [
    "//m/hello/hi",
    "/m//hello/hi",
    "/m/hello//hi",
    "/./m/hello/hi",
    "/m/./hello/hi",
    "/m/hello/./hi",
    "/m/other/../hello/hi",
    "/m/hello/x/../hi",
    "/m/hello/%2e/hi",
    "/m/hello/x/%2e%2e/hi",
    "/m/hello%2fhi",
    "/m%2Fhello/hi",
    "/m/hello/h%69",
    "/m/hello/%68i",
    "/m/hello/hi;a=b",
    "/m/hello;a=b/hi",
    "/m/hello/hi/",
    "/m/hello/hi%00",
    "/m/hello/hi%2f",
    "/m/hello/%252e/hi",
    "/m/HELLO/hi",
    "/M/hello/hi",
    "/m/hello/HI",
    "/m/hello/hi%20",
    "/m/hello/hi/.",
    "/m\\hello\\hi",
]


@pytest.mark.parametrize("trick", TRICKS)
async def test_a_path_that_only_resembles_a_route_is_not_that_route(host, running, trick):
    host.add("hello", route("GET", "/hi", PUBLIC))

    assert (await running.target(trick)).status in (400, 401)
    assert (await running.target(trick, headers="Authorization: Bearer good-token\r\n")).status in (400, 404)


@pytest.mark.parametrize("target", ["/m/hello/hi?x=/../", "/m/hello/hi?a#b", "http://localhost/m/hello/hi"])
async def test_a_query_or_the_absolute_form_names_the_same_route(host, running, target):
    host.add("hello", route("GET", "/hi", PUBLIC), route("GET", "/secret"))

    assert (await running.target(target)).json["template"] == "/m/hello/hi"
    assert (await running.target(target.replace("/hi", "/secret"))).status == 401


@pytest.mark.parametrize(("method", "target"), [("OPTIONS", "*"), ("CONNECT", "localhost:80"), ("GET", "m/hello/hi")])
async def test_a_target_without_a_path_reaches_no_route(host, running, method, target):
    host.add("hello", route("GET", "/hi", PUBLIC))

    answer = await running.target(target, method)

    assert answer.status in (400, 401)
    assert answer.headers["Content-Type"].startswith("application/problem+json")


async def test_everything_is_below_the_mount_point(host):
    routes = HostRoutes()
    routes.add("GET", "/", told, PUBLIC)
    routes.add("GET", "/api/version", told, PUBLIC)
    host = StandInHost(settings(path="/nexus"))
    host.add("hello", route("GET", "/hi", PUBLIC))

    async with serving(host, routes) as running:
        assert (await running.ask("GET", "/nexus/m/hello/hi")).json["template"] == "/m/hello/hi"
        assert (await running.ask("GET", "/nexus/api/version")).status == 200
        assert (await running.ask("GET", "/nexus")).json["template"] == "/"
        for outside in ("/api/version", "/m/hello/hi", "/nexusapi/version", "/nexus/nexus/api/version", "//nexus"):
            assert (await running.target(outside)).status == 401


@pytest.mark.parametrize("state", [ModuleState.FAILED, ModuleState.BLOCKED, ModuleState.STARTING, ModuleState.STOPPING])
async def test_a_module_that_is_down_answers_503_to_who_could_call_it(host, running, state):
    host.add("hello", route("GET", "/hi", PUBLIC), route("GET", "/secret"), state=state)

    public = await running.ask("GET", "/m/hello/hi")

    assert public.status == 503
    assert int(public.headers["Retry-After"]) > 0
    assert (public.json["module"], public.json["state"]) == ("hello", state.value)
    for path in ("/secret", "/added-at-start"):
        assert (await running.ask("GET", f"/m/hello{path}")).status == 401
        assert (await running.ask("GET", f"/m/hello{path}", headers=AUTHORIZED)).status == 503


async def test_a_module_that_is_retrying_tells_when_the_next_attempt_is(host, running):
    retry = SimpleNamespace(next_at=datetime.now(UTC) + timedelta(seconds=37))
    host.add("hello", route("GET", "/hi", PUBLIC), state=ModuleState.RETRYING, retry=retry)

    assert int((await running.ask("GET", "/m/hello/hi")).headers["Retry-After"]) in (36, 37)


@pytest.mark.parametrize("state", [ModuleState.DISABLED, ModuleState.AVAILABLE, ModuleState.NOT_FOUND])
async def test_a_module_that_is_not_asked_for_is_not_found(host, running, state):
    host.add("hello", route("GET", "/hi", PUBLIC), state=state)

    assert (await running.ask("GET", "/m/hello/hi")).status == 401
    assert (await running.ask("GET", "/m/hello/hi", headers=AUTHORIZED)).status == 404


async def test_a_swapped_in_instance_serves_from_the_next_request_on(host, running):
    host.add("hello", route("GET", "/old", PUBLIC))
    assert (await running.ask("GET", "/m/hello/old")).status == 200

    host.add("hello", route("GET", "/new", PUBLIC))

    assert (await running.ask("GET", "/m/hello/new")).status == 200
    assert (await running.ask("GET", "/m/hello/old")).status == 401


def keeping(module):
    """A handler that closes over something, as handlers added at start-up do."""

    async def handler(request):
        return web.json_response({"kept": module is not None})

    return handler


async def test_a_swapped_out_instance_is_garbage_though_nobody_calls_the_new_one(host, monkeypatch):
    monkeypatch.setattr(nexus.http.deadlines, "_TABLES_EVERY", 0.0)
    host = StandInHost(settings({"request_timeout": 0.2}))
    instances = []
    async with serving(host) as running:
        for _ in range(5):
            host.add("hello", route("GET", "/hi", PUBLIC, keeping(host.modules.get("hello"))))
            instances.append(weakref.ref(host.modules["hello"].instance))
            assert (await running.target("/m/hello/hi")).status == 200
        host.add("hello")

        async with asyncio.timeout(PATIENCE):
            while any(ref() for ref in instances):
                await asyncio.sleep(0.02)
                gc.collect()

        assert [ref() for ref in instances] == [None] * 5


async def test_the_context_of_a_request_is_the_modules(host, running):
    async def look(request):
        seen = context(request)
        return web.json_response({"module": seen.module.name, "id": seen.request_id, "who": seen.principal})

    host.add("hello", route("GET", "/hi", PUBLIC, look))

    answer = await running.ask("GET", "/m/hello/hi", headers={"X-Request-ID": "r-1"})

    assert answer.json == {"module": "hello", "id": "r-1", "who": None}


async def test_the_context_is_refused_outside_a_modules_route(host):
    raised = []

    async def look(request):
        with pytest.raises(NexusError, match=r"call 'nexus.context' in the handler of a module's route") as error:
            context(request)
        raised.append(error)
        return web.Response()

    routes = HostRoutes()
    routes.add("GET", "/look", look, PUBLIC)
    async with serving(host, routes) as running:
        assert (await running.ask("GET", "/look")).status == 200
    assert raised


def test_a_host_route_cannot_stand_below_the_modules_prefix_or_twice():
    routes = HostRoutes()
    routes.add("GET", "/a", told)

    with pytest.raises(InvalidDeclaration, match="lies below '/m/'"):
        routes.add("GET", "/m/x", told)
    with pytest.raises(InvalidDeclaration, match="has GET /a already"):
        routes.add("GET", "/a", told)
    assert [(one.method, one.path, one.access) for one in routes.routes] == [("GET", "/a", PROTECTED)]


async def test_aiohttps_own_server_takes_the_same_way(host, aiohttp_client):
    host.add("hello", route("GET", "/hi", PUBLIC), route("GET", "/secret"))
    client = await aiohttp_client(build(host, routes=HostRoutes(), guard=guard))

    assert (await client.get("/m/hello/hi")).status == 200
    assert (await client.get("/m/hello/secret")).status == 401
    assert (await client.get("/m/hello/nothing")).status == 401
    assert (await client.get("/m/hello/secret", headers=AUTHORIZED)).status == 200
    assert (await client.put("/m/hello/hi")).status == 405
