import logging

import pytest
from aiohttp import web

from nexus.spec.access import PUBLIC
from nexus.spec.route import Route

CANARY = "sEcReTsEcReT"
HEAD = "GET / HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        f"{HEAD}Authorization: Bearer {CANARY * 1000}\r\n\r\n",
        f"{HEAD}Authorization: Bearer {CANARY}\0{CANARY}\r\n\r\n",
        f"{HEAD}Authorization: Bearer\r\n {CANARY}\r\n\r\n",
        f"{HEAD}Authorization : Bearer {CANARY}\r\n\r\n",
        f"{HEAD}Authorization: Bearer {CANARY}\nX: {CANARY}\n\n\r\n\r\n",
        f"{HEAD}{CANARY}\r\n\r\n",
        f"GET /{CANARY} {CANARY} HTTP/1.1\r\n\r\n",
        f"GET /{CANARY * 1000} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"{CANARY} / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {CANARY}\r\n\r\n",
        f"GET / HTTP/{CANARY}\r\n\r\n",
        f"{HEAD}Content-Length: 1{CANARY}\r\nAuthorization: Bearer {CANARY}\r\n\r\n",
        f"POST / HTTP/1.1\r\nHost: localhost\r\nX: {CANARY}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        f"POST / HTTP/1.1\r\nHost: localhost\r\nX: {CANARY}\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        "".join([HEAD, *(f"X-{i}: {CANARY}\r\n" for i in range(200)), "\r\n"]),
        f"\x16\x03\x01{CANARY}\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[:40]),
)
async def test_what_is_not_http_is_answered_without_an_echo(running, caplog, sent):
    caplog.set_level(logging.DEBUG)

    got = (await running.raw(sent.encode("latin-1"))).decode("latin-1")

    assert got.split()[1] in ("400", "401")
    assert "application/problem+json" in got
    assert "X-Request-ID: " in got
    for told in (got, *(f"{record.__dict__} {record.exc_text}" for record in caplog.records)):
        assert CANARY not in told
        assert CANARY.encode().hex() not in told
        assert "Traceback" not in told


async def test_a_broken_chunk_is_the_callers_fault(host, running):
    async def read(request):
        return web.Response(body=await request.read())

    host.add("m", Route(method="POST", path="/x", handler=read, access=PUBLIC))

    got = await running.raw(
        b"POST /m/m/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nZZ\r\n"
    )

    assert b" 400 Bad Request\r\n" in got
    assert b"application/problem+json" in got


@pytest.mark.parametrize("version", ["0.9", "2.0", "3.0"])
async def test_another_version_of_http_is_refused_in_one_that_any_client_reads(host, running, version):
    async def never(request):
        raise AssertionError

    host.add("m", Route(method="GET", path="/x", handler=never, access=PUBLIC))

    got = await running.raw(f"GET /m/m/x HTTP/{version}\r\nHost: localhost\r\n\r\n".encode())

    assert got.startswith((b"HTTP/1.0 505 ", b"HTTP/1.0 400 "))
    assert b"application/problem+json" in got
    assert b"X-Request-ID: " in got
