"""What modules' handlers may do wrong: the caller is answered, the connection stays in step, the host lives."""

import asyncio
import logging

import pytest
from aiohttp import web

from nexus.spec.access import PUBLIC
from nexus.spec.errors import Problem
from nexus.spec.route import Route

LINE_END = "b\r\nSet-Cookie: c=d"


class OwnInterrupt(BaseException):
    pass


def raising(error):
    async def handler(request):
        raise error

    return handler


def returning(**kwargs):
    async def handler(request):
        return web.Response(**kwargs)

    return handler


async def fine(request):
    return web.Response(text="fine")


async def two_answers(request):
    first = web.StreamResponse()
    await first.prepare(request)
    await first.write(b"first")
    return web.Response(text="second")


def add(host, handler, method="GET"):
    host.add(
        "m",
        Route(method=method, path="/x", handler=handler, access=PUBLIC),
        Route(method="GET", path="/fine", handler=fine, access=PUBLIC),
    )


FAILING = {
    "KeyboardInterrupt": raising(KeyboardInterrupt()),
    "GeneratorExit": raising(GeneratorExit()),
    "own-BaseException": raising(OwnInterrupt()),
    "group": raising(BaseExceptionGroup("several", [KeyboardInterrupt()])),
    "cancelled-inside": raising(asyncio.CancelledError()),
    "line-end-in-field": returning(text="x", headers={"X-A": LINE_END}),
    "line-end-in-name": returning(text="x", headers={LINE_END: "a"}),
    "line-end-in-problem": raising(Problem(404, "x", headers={"X-A": LINE_END})),
    "line-end-in-reason": returning(text="x", reason=LINE_END),
    "status-0": returning(status=0),
    "status-100": returning(status=100),
    "status-99999": returning(status=99999),
}


@pytest.mark.parametrize("handler", FAILING.values(), ids=list(FAILING))
async def test_a_handler_that_fails_in_an_odd_way_is_answered_500_and_logged_with_the_id(
    host, running, caplog, handler
):
    add(host, handler)
    caplog.set_level(logging.ERROR)

    answer = await running.target("/m/m/x")

    assert answer.status == 500
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    assert b"Traceback" not in answer.body
    assert "Set-Cookie" not in answer.headers
    failed = [record for record in caplog.records if getattr(record, "event", "") == "request.failed"]
    assert [record.module_name for record in failed] == ["m"]
    assert (await running.ask("GET", "/m/m/fine")).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "100"},
        {"Content-Length": "2"},
        {"Content-Length": "-1"},
        {"Transfer-Encoding": "chunked"},
        {"Content-Length": "2", "Transfer-Encoding": "chunked"},
    ],
    ids=str,
)
async def test_an_answer_is_as_long_as_its_body_whatever_its_handler_says(host, running, headers):
    add(host, returning(text="twelve bytes", headers=headers))

    for _ in range(2):
        answer = await running.ask("GET", "/m/m/x")
        assert (answer.body, answer.headers["Content-Length"]) == (b"twelve bytes", "12")


async def test_the_length_that_a_handler_tells_of_a_head_alone_is_kept(host, running):
    add(host, returning(headers={"Content-Length": "100"}), "HEAD")

    assert (await running.ask("HEAD", "/m/m/x")).headers["Content-Length"] == "100"


async def test_one_request_is_never_answered_twice(host, running, caplog):
    add(host, two_answers)

    got = await running.raw(b"GET /m/m/x HTTP/1.1\r\nHost: a\r\n\r\nGET /m/m/fine HTTP/1.1\r\nHost: a\r\n\r\n")

    assert got.count(b"HTTP/1.1 ") == 1
    assert b"second" not in got
    assert "another response" in caplog.text


async def test_a_body_that_is_told_to_be_too_long_is_refused_before_it_is_read(host, running):
    async def never(request):
        raise AssertionError

    add(host, never, "POST")

    sent = b"POST /m/m/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n"
    got = await running.raw(sent, until_eof=False)

    assert got.startswith(b"HTTP/1.1 413 ")
