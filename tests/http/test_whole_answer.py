"""The short way out is no other way to answer: aiohttp's own sends the same bytes."""

import gzip
import re

import pytest
from aiohttp import web

from nexus.http import whole_answer
from nexus.http.canned_answer import Canned, CannedAnswer
from nexus.spec.access import PUBLIC
from nexus.spec.errors import Problem
from nexus.spec.route import Route

JSON = b'{"message": "up"}'


def returning(change=None, **kwargs):
    def make():
        answer = web.Response(**kwargs)
        if change is not None:
            change(answer)
        return answer

    return make


CANNED = Canned(
    web.Response(
        status=401, headers={"WWW-Authenticate": 'Bearer realm="ü {0} %s"', "Content-Type": "application/problem+json"}
    ),
    '{"title": "ü", "request_id": "',
    '"}',
)


def canned(change=None):
    def make():
        answer = CannedAnswer(CANNED, "one")
        if change is not None:
            change(answer)
        return answer

    return make


def raising(make_error):
    def make():
        raise make_error()

    return make


ANSWERS = {
    "bytes": returning(body=JSON, content_type="application/json"),
    "text": returning(text="fünf"),
    "text-in-another-charset": returning(text="fünf", charset="latin-1"),
    "json": lambda: web.json_response({"a": [1, "ü"]}),
    "bytes-of-no-type": returning(body=b"x"),
    "bytearray": returning(body=bytearray(b"x"), content_type="text/plain"),
    "large": returning(body=b"x" * 300_000, content_type="text/plain"),
    "empty-body": returning(body=b"", content_type="text/plain"),
    "no-body": returning(),
    "nothing-but-a-status": returning(status=204),
    "not-modified": returning(status=304, headers={"ETag": '"a"'}),
    "own-reason": returning(status=299, reason="Own", text="x"),
    "unknown-status": returning(status=599, text="x"),
    "own-fields": returning(text="x", headers={"X-A": "1", "x-a": "2", "Vary": "ü"}),
    "own-date": returning(text="x", headers={"Date": "then"}),
    "own-server": returning(text="x", headers={"Server": "mine", "X-Request-ID": "mine"}),
    "own-length": returning(text="x", headers={"Content-Length": "1"}),
    "wrong-length": returning(text="x", headers={"Content-Length": "7"}),
    "own-transfer-encoding": returning(text="x", headers={"Transfer-Encoding": "chunked"}),
    "own-connection": returning(text="x", headers={"Connection": "close"}),
    "closing": returning(web.Response.force_close, text="x"),
    "cookie": returning(lambda answer: answer.set_cookie("a", "b"), text="x"),
    "deleted-cookie": returning(lambda answer: answer.del_cookie("a"), text="x"),
    "compressed": returning(lambda answer: answer.enable_compression(), text="x" * 500),
    "compressed-anyway": returning(lambda answer: answer.enable_compression(web.ContentCoding.gzip), text="x" * 500),
    "already-compressed": returning(body=gzip.compress(JSON, mtime=0), headers={"Content-Encoding": "gzip"}),
    "chunked": returning(lambda answer: answer.enable_chunked_encoding(), text="x"),
    "redirection": raising(lambda: web.HTTPFound("/elsewhere")),
    "aiohttp-error": raising(lambda: web.HTTPConflict(text="no")),
    "problem": raising(lambda: Problem(422, "no", headers={"X-A": "1"})),
    "bug": raising(lambda: ValueError("no")),
    "canned": canned(),
    "canned-with-more-fields": canned(lambda answer: answer.headers.add("X-A", "1")),
    "canned-and-closing": canned(web.Response.force_close),
    "unsendable": returning(text="x", headers={"X-A": "b\r\nSet-Cookie: c=d"}),
}

REQUESTS = {
    "GET": "GET {} HTTP/1.1",
    "HEAD": "HEAD {} HTTP/1.1",
    "OPTIONS": "OPTIONS {} HTTP/1.1",
    "HTTP-1.0": "GET {} HTTP/1.0",
    "HTTP-1.0-kept": "GET {} HTTP/1.0\r\nConnection: keep-alive",
    "closing": "GET {} HTTP/1.1\r\nConnection: close",
    "compressing": "GET {} HTTP/1.1\r\nAccept-Encoding: gzip, deflate",
    "with-body": "POST {} HTTP/1.1\r\nContent-Length: 3",
    "expecting": "POST {} HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue",
    "upgrading": "GET {} HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket",
}


def request_for(line, path):
    body = "abc" if "Content-Length" in line else ""
    return f"{line.format(path)}\r\nHost: localhost\r\nX-Request-ID: one\r\n\r\n{body}".encode()


def ends_the_connection(line):
    return ("HTTP/1.0" in line and "keep-alive" not in line) or "Connection: close" in line


LAST = b"GET /m/m/last HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: last\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("line", REQUESTS.values(), ids=list(REQUESTS))
@pytest.mark.parametrize("make", ANSWERS.values(), ids=list(ANSWERS))
async def test_an_answer_is_the_same_bytes_as_aiohttp_would_send(host, running, monkeypatch, make, line):
    async def handler(request):
        return make()

    async def last(request):
        return web.Response(text="last")

    routes = [Route(method=method, path="/x", handler=handler, access=PUBLIC) for method in ("GET", "POST", "OPTIONS")]
    host.add("m", *routes, Route(method="GET", path="/last", handler=last, access=PUBLIC))
    sent = request_for(line, "/m/m/x") + (b"" if ends_the_connection(line) else LAST)

    ours = await running.raw(sent)
    monkeypatch.setattr(whole_answer, "is_whole", lambda *_: False)
    theirs = await running.raw(sent)

    assert without_date(ours) == without_date(theirs)


def without_date(answers):
    return re.sub(rb"Date: [^\r]* GMT", b"Date: now", answers)


@pytest.mark.parametrize("make", [lambda: web.json_response({"message": "up"}), canned()], ids=["json", "canned"])
async def test_the_usual_answer_goes_the_short_way(host, running, monkeypatch, make):
    went = []
    is_whole = whole_answer.is_whole
    monkeypatch.setattr(whole_answer, "is_whole", lambda *args: went.append(is_whole(*args)) or went[-1])

    async def handler(request):
        return make()

    host.add("m", Route(method="GET", path="/x", handler=handler, access=PUBLIC))
    answer = await running.ask("GET", "/m/m/x")

    assert answer.body == make().body
    assert went == [True]
