"""WebSockets and event streams: row T15."""

import asyncio
import base64
import time

import aiohttp
import pytest
from aiohttp import web

import nexus
from nexus.testing.issuer import Issuer

from .wire import PATIENCE, head

UPGRADE = (
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", base64.b64encode(b"0123456789abcdef").decode()),
)
STREAMS = {
    "T15-socket": ("/m/witness/socket", UPGRADE),
    "T15-events": ("/m/witness/events", (("Accept", "text/event-stream"),)),
    "T15-api-events": ("/api/events", (("Accept", "text/event-stream"),)),
}


@pytest.mark.parametrize(("target", "fields"), STREAMS.values(), ids=list(STREAMS))
async def test_a_stream_is_refused_before_it_begins(stage, issuer, target, fields):
    bad, weak = issuer.mint(aud="https://other.example"), issuer.mint(permissions=["read"])

    def request(token):
        credential = [("Authorization", f"Bearer {token}")] if token else []
        return head(target, *fields, *credential, close=False).replace(
            b"Connection: Upgrade" if fields is UPGRADE else b"\r\n\r\n",
            b"Connection: Upgrade, close" if fields is UPGRADE else b"\r\nConnection: close\r\n\r\n",
        )

    for token, code, reason in (
        ("", "missing", "no_credential"),
        (bad, "invalid_token", "wrong_audience"),
        (weak, "insufficient_scope", "lacks_permission"),
    ):
        await stage.refuses(request(token), code, reason, secret=token, targets=(target,))


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example"])
async def test_t15_a_page_of_another_site_opens_no_socket(stage, origin):
    """A browser sends no Authorization header with a WebSocket, and nothing else is a credential here: no cookie, no
    subprotocol, no query. So the page has nothing that would open it, whatever its origin."""
    for extra in (
        (("Cookie", "access_token=a.b.c; session=d"),),
        (("Sec-WebSocket-Protocol", "bearer, a.b.c"),),
        (("Sec-WebSocket-Protocol", "base64url.bearer.authorization.k8s.io.YS5iLmM"),),
    ):
        sent = head("/m/witness/socket?token=a.b.c", *UPGRADE, ("Origin", origin), *extra, close=False)
        await stage.refuses(
            sent.replace(b"Connection: Upgrade", b"Connection: Upgrade, close"),
            "missing",
            targets=("/m/witness/socket",),
        )


@pytest.fixture
async def short_lived(log, tmp_path, session_key):
    """A host on the system's clock that allows no leeway, and tokens of it that live a moment."""
    from nexus.testing.running_host import running_host

    from .stage import Stage
    from .witness import Witness

    witness = Witness()
    async with Issuer(key=session_key) as issuer:
        auth = {"issuer": issuer.url, "audience": issuer.audience, "leeway": 0}
        config = {"global": {"auth": auth, "server": {"host": "127.0.0.1", "port": 0}}}
        async with running_host(witness.module, state_dir=tmp_path / "short", config=config) as host:
            stage = Stage(host, issuer, witness, log)
            await stage.with_token(issuer.mint())
            yield stage


def moment(issuer, seconds=2.0):
    return issuer.mint(permissions=["admin"], iat=int(time.time()), exp=time.time() + seconds)


async def test_t15_a_socket_is_closed_when_its_token_ends(short_lived):
    url = short_lived.origin + "/m/witness/socket"
    headers = {"Authorization": f"Bearer {moment(short_lived.issuer)}"}

    async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=headers) as socket:
        async with asyncio.timeout(PATIENCE):
            message = await socket.receive()

    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 4401)


@pytest.mark.parametrize("target", ["/m/witness/events", "/api/events"], ids=["T15-module", "T15-api"])
async def test_an_event_stream_ends_when_its_token_does(short_lived, target):
    token = moment(short_lived.issuer)

    raw = await asyncio.wait_for(
        _converse(short_lived.origin, head(target, ("Authorization", f"Bearer {token}"))), timeout=PATIENCE
    )

    assert raw.startswith(b"HTTP/1.1 200")
    assert raw.endswith((b"0\r\n\r\n", b"\n\n"))
    assert (await short_lived.with_token(token, target)).status == 401


async def _converse(url, request):
    from .wire import converse

    return await converse(url, request)


async def test_t15_a_module_cannot_prolong_a_stream(short_lived, tmp_path):
    """What it can reach of the request does not carry the end of the token in a form it could move."""
    principals = []
    module = nexus.Module("holder", version="1.0.0")

    @module.get("/hold")
    async def hold(request):
        principal = nexus.context(request).principal
        principals.append(principal)
        with pytest.raises(AttributeError):
            principal.expires_at = None
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.Event().wait()

    from nexus.testing.running_host import running_host

    auth = {"issuer": short_lived.issuer.url, "audience": short_lived.issuer.audience, "leeway": 0}
    async with running_host(module, state_dir=tmp_path / "holder", config={"global": {"auth": auth}}) as host:
        await host.get("/m/holder/hold")
        token = moment(short_lived.issuer)
        raw = await asyncio.wait_for(
            _converse(host.url, head("/m/holder/hold", ("Authorization", f"Bearer {token}"))), timeout=PATIENCE
        )
    assert raw.startswith(b"HTTP/1.1 200")
    assert principals
