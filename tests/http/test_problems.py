import json
import logging

import aiohttp
import pytest
from aiohttp import web

from nexus.spec.access import PUBLIC
from nexus.spec.errors import NexusError, NotReady, Problem
from nexus.spec.route import Route
from tests.http.conftest import serving, settings
from tests.http.standin import StandInHost

SECRET = "hunter2-hunter2"


def raising(error):
    async def handler(request):
        raise error

    return Route(method="GET", path="/x", handler=handler, access=PUBLIC)


def answering(handler, method="GET"):
    return Route(method=method, path="/x", handler=handler, access=PUBLIC)


def assert_problem(answer, status):
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "request_id"} <= set(answer.json)
    assert answer.json["status"] == status
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


async def test_a_problem_is_answered_as_it_was_raised(host, running):
    host.add(
        "m",
        raising(
            Problem(409, "taken", title="Taken", headers={"X-A": "b"}, type="urn:t", run="r1", request_id="forged")
        ),
    )

    answer = await running.ask("GET", "/m/m/x")

    assert_problem(answer, 409)
    assert answer.headers["X-A"] == "b"
    assert {name: answer.json[name] for name in ("type", "title", "detail", "run")} == {
        "type": "urn:t",
        "title": "Taken",
        "detail": "taken",
        "run": "r1",
    }


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (web.HTTPNotFound(), 404, ""),
        (web.HTTPNotFound(text="no such cat"), 404, "no such cat"),
        (web.HTTPMethodNotAllowed("GET", {"PUT"}), 405, ""),
        (web.HTTPServiceUnavailable(headers={"Retry-After": "3"}), 503, ""),
        (NotReady("the database is away"), 503, "the database is away"),
    ],
)
async def test_errors_of_aiohttp_and_of_nexus_become_problems(host, running, error, status, detail):
    host.add("m", raising(error))

    answer = await running.ask("GET", "/m/m/x")

    assert_problem(answer, status)
    assert answer.json["detail"] == detail
    assert answer.headers.get("Allow", "PUT") == "PUT"


async def test_a_redirection_stays_one(host, running):
    host.add("m", raising(web.HTTPFound("/elsewhere")))

    answer = await running.ask("GET", "/m/m/x")

    assert (answer.status, answer.headers["Location"]) == (302, "/elsewhere")
    assert answer.headers["X-Request-ID"]


async def test_a_redirection_that_was_sent_before_is_a_bug_and_leaves_nobody_waiting(host, running):
    host.add("m", raising(web.HTTPFound("/elsewhere")))
    await running.ask("GET", "/m/m/x")

    answer = await running.ask("GET", "/m/m/x")

    assert_problem(answer, 500)


@pytest.mark.parametrize("error", [RuntimeError(SECRET), NexusError(SECRET), ValueError(), KeyError(SECRET)])
async def test_a_bug_shows_its_request_id_and_nothing_else(host, running, caplog, error):
    host.add("m", raising(error))

    answer = await running.ask("GET", "/m/m/x")

    assert_problem(answer, 500)
    assert SECRET not in answer.body.decode()
    assert "Traceback" not in answer.body.decode()
    [record] = [record for record in caplog.records if record.name == "nexus.http"]
    assert (record.levelno, record.module_name, record.event) == (logging.ERROR, "m", "request.failed")
    assert record.exc_info[1] is error


async def test_a_handler_that_returns_no_response_is_a_bug_of_its_module(host, running, caplog):
    async def nothing(request):
        return {"not": "a response"}

    host.add("m", answering(nothing))

    assert_problem(await running.ask("GET", "/m/m/x"), 500)
    assert "handler returned dict instead of a response" in caplog.text


async def test_a_known_secret_leaves_in_no_problem(host, running):
    host.scrubber.register(SECRET)
    host.add("m", raising(Problem(400, f"cannot use {SECRET}", given=[{"it": SECRET}])))

    answer = await running.ask("GET", "/m/m/x")

    assert answer.json["detail"] == "cannot use ******"
    assert answer.json["given"] == [{"it": "******"}]


async def test_a_body_over_the_limit_is_refused(host):
    async def read(request):
        return web.Response(body=await request.read())

    host = StandInHost(settings({"max_body_bytes": 100}))
    host.add("m", answering(read, "POST"))
    async with serving(host) as running:
        assert (await running.ask("POST", "/m/m/x", data=b"x" * 100)).status == 200
        refused = await running.ask("POST", "/m/m/x", data=b"x" * 101)
        assert_problem(refused, 413)
        assert "'global.server.max_body_bytes'" in refused.json["detail"]


async def test_a_body_that_is_not_json_is_the_callers_fault_and_another_text_is_not(host, running):
    async def read(request):
        return web.json_response(await request.json())

    async def read_other(request):
        await request.read()
        return web.json_response(json.loads("{"))

    host.add("m", answering(read, "POST"), answering(read_other, "PUT"))

    assert_problem(await running.ask("POST", "/m/m/x", data=b"{no"), 400)
    assert_problem(await running.ask("PUT", "/m/m/x", data=b"{}"), 500)


async def test_a_stream_that_fails_half_way_breaks_off_and_is_logged(host, running, caplog):
    async def stream(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        raise RuntimeError("half way")

    host.add("m", answering(stream))

    with pytest.raises(aiohttp.ClientError):
        await running.ask("GET", "/m/m/x")

    assert "answer broke off" in caplog.text


async def test_a_problem_that_answers_head_has_no_body(host, running):
    host.add("m", raising(Problem(409, "taken")))

    answer = await running.ask("HEAD", "/m/m/x")

    assert (answer.status, answer.body) == (409, b"")


@pytest.mark.parametrize("given", ["abc", "A.b_c-9", "x" * 128])
async def test_a_usable_request_id_is_kept(host, running, given):
    assert (await running.ask("GET", "/", headers={"X-Request-ID": given})).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<script>", "é", 'a"', "a,b"])
async def test_another_request_id_is_replaced_by_a_new_one(host, running, given):
    first = (await running.target("/", headers=f"X-Request-ID: {given}\r\n")).headers["X-Request-ID"]
    second = (await running.target("/", headers=f"X-Request-ID: {given}\r\n")).headers["X-Request-ID"]

    assert first != second
    assert given not in (first, second)


async def test_no_answer_tells_what_serves_it(host, running):
    assert (await running.ask("GET", "/")).headers["Server"] == "nexus"


async def test_a_guard_that_fails_lets_nothing_pass(host):
    @web.middleware
    async def broken(request, handler):
        raise RuntimeError(SECRET)

    host.add("m", raising(Problem(418)))
    async with serving(host, guarded_by=broken) as running:
        assert_problem(await running.ask("GET", "/m/m/x"), 500)


@pytest.mark.parametrize(("access", "statuses"), [("all", [200, 401]), ("errors", []), ("none", [])])
async def test_the_access_log_holds_what_is_asked_and_never_a_query(access, statuses, caplog):
    async def fine(request):
        return web.Response()

    caplog.set_level(logging.INFO, "nexus.access")
    host = StandInHost(settings(log={"access": access}))
    host.add("m", answering(fine))
    async with serving(host) as running:
        await running.ask("GET", f"/m/m/x?token={SECRET}")
        await running.ask("GET", "/nothing")

    records = [record for record in caplog.records if record.name == "nexus.access"]
    assert [record.status for record in records] == statuses
    assert SECRET not in caplog.text
