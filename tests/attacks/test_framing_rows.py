"""How requests are framed, and when a body is read: rows T17 to T19."""

import asyncio
from urllib.parse import urlsplit

import pytest

from nexus.auth.exposure import LocalIssuerExposed

from .stage import CHALLENGES
from .watch import leak
from .wire import PATIENCE, converse, head, parse

SMUGGLED = b"GET /m/witness/secret HTTP/1.1\r\nHost: localhost\r\n\r\n"
FRAMES = {
    "T17-length-and-chunked": b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "T17-chunked-and-length": b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "T17-two-lengths": b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + SMUGGLED,
    "T17-two-equal-lengths": b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "T17-list-of-lengths": b"Content-Length: 0, 44\r\n\r\n" + SMUGGLED,
    "T17-signed-length": b"Content-Length: +5\r\n\r\nabcde",
    "T17-negative-length": b"Content-Length: -1\r\n\r\n" + SMUGGLED,
    "T17-hexadecimal-length": b"Content-Length: 0x5\r\n\r\nabcde",
    "T17-huge-length": b"Content-Length: 99999999999999999999999\r\n\r\nabc",
    "T17-unknown-coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "T17-chunked-twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "T17-chunked-not-last": b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "T17-coding-with-tab": b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "T17-space-before-colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "T17-bare-lf-in-chunk": b"Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n" + SMUGGLED,
    "T17-chunk-extension": b"Transfer-Encoding: chunked\r\n\r\n0;a=\nb\r\n\r\n" + SMUGGLED,
}


@pytest.mark.parametrize("rest", FRAMES.values(), ids=list(FRAMES))
@pytest.mark.parametrize("good", [True, False], ids=["good", "none"])
async def test_a_request_that_two_servers_could_frame_differently_smuggles_nothing(stage, issuer, rest, good):
    """Whatever else is answered: what hides behind it has no credential of its own, so it never reaches a handler."""
    token = issuer.mint(permissions=["admin"])
    credential = f"Authorization: Bearer {token}\r\n".encode() if good else b""

    with stage.untouched(token):
        raw = await converse(
            stage.origin,
            b"POST /m/witness/any HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + credential + rest,
        )

    first = int(raw.split(b" ", 2)[1])
    assert first in {400, 401, 405}, raw
    assert raw.count(b"HTTP/1.1 200") == 0
    assert leak(token, raw.decode("latin-1")) is None


async def test_t17_every_request_of_a_connection_is_judged_alone(stage, issuer):
    """A good token on one request says nothing of the next one."""
    good = ("Authorization", f"Bearer {issuer.mint(permissions=['admin'])}")
    sent = head("/m/witness/secret", good, close=False) + head("/m/witness/secret", close=False)
    sent += head("/m/witness/secret", good, close=False) + head("/m/witness/secret")

    raw = await converse(stage.origin, sent)

    assert [part[:3] for part in raw.split(b"HTTP/1.1 ")[1:]] == [b"200", b"401", b"200", b"401"]
    assert len(stage.witness.calls) == 2


async def begin(stage, request):
    """The answer to a request whose body is held back."""
    url = urlsplit(stage.origin)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write(request)
        async with asyncio.timeout(PATIENCE):
            return await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()


@pytest.mark.parametrize("expect", [True, False], ids=["T18-expect", "T18-no-expect"])
@pytest.mark.parametrize("framing", [("Content-Length", "1000000000"), ("Transfer-Encoding", "chunked")], ids=str)
async def test_a_bad_token_is_refused_before_the_body_is_asked_for(stage, issuer, expect, framing):
    token = issuer.mint(aud="https://other.example")
    fields = [("Authorization", f"Bearer {token}"), framing, *([("Expect", "100-continue")] if expect else [])]

    with stage.untouched(token):
        answer = await begin(stage, head("/m/witness/secret", *fields, method="POST", close=False))

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert CHALLENGES["invalid_token"].encode() in answer
    assert b"100 Continue" not in answer
    assert leak(token, answer.decode("latin-1")) is None


async def test_t18_a_good_token_is_asked_for_its_body(stage, issuer):
    url = urlsplit(stage.origin)
    good = ("Authorization", f"Bearer {issuer.mint(permissions=['admin'])}")
    fields = (good, ("Expect", "100-continue"), ("Content-Length", "3"))
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(head("/m/witness/secret", *fields, method="POST"))

    async with asyncio.timeout(PATIENCE):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"abc")
        reply = parse(await reader.read())
    writer.close()

    assert (reply.status, reply.json()) == (200, {"bytes": 3})


@pytest.mark.parametrize("host", ["0.0.0.0", "::"], ids=lambda host: f"T19-{host}")
def test_t19_the_local_issuer_serves_nobody_else_over_plain_http(tmp_path, host):
    from nexus.preparation import ServeOptions
    from nexus.serve import run

    (tmp_path / "config.toml").write_text(f'[global.server]\nhost = "{host}"\nport = 0\n')

    with pytest.raises(LocalIssuerExposed, match="allow_remote_local"):
        run(ServeOptions(files=(tmp_path / "config.toml",)), lambda *_: None, {"NEXUS_STATE_DIR": str(tmp_path / "s")})
