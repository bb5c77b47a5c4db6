"""Requests that no browser sends: none of them is a fault of the host, and none gets in."""

import pytest

from tests.attacks.wire import converse, head, parse

ODD = [
    *(b"", b"[", b"a:b", b"a:999999999", b":", b"\xff", b"\xc3\xa4", b"[::1", b"[::1]:x", b"a" * 3000, b"http://["),
    *(b"%", b"null", b"a b", b"@", b"localhost:", b"//", b"a, b", b"%00", b"%ff%fe", b"=", b";", b"text/html;q=x"),
    *(b"multipart/form-data", b"application/x-www-form-urlencoded; charset=x", b"same-origin, same-origin"),
]
FIELDS = [
    *("Host", "Origin", "Sec-Fetch-Site", "Cookie", "X-CSRF-Token", "HX-Current-URL", "Accept", "User-Agent"),
    "Content-Type",
]
GETS = [
    "/",
    "/ui",
    "/ui/sign-in?to=%ed%a0%80",
    "/ui/link?code=%ff%00",
    "/ui/callback?state=%ff",
    "/ui/%ff",
    "/ui/events",
]
POSTS = ["/ui/link", "/ui/sign-out", "/ui/sessions/%ff/revoke"]


@pytest.mark.parametrize("field", FIELDS)
async def test_odd_requests_are_answered_and_get_nowhere(host, field):
    name = f"nexus_session_{host.url.rpartition(':')[2]}".encode()
    for value in ODD:
        sent = name + b"=" + value if field == "Cookie" else value
        for path in GETS:
            reply = parse(await converse(host.url, request(field, sent, path)))
            assert reply.status in {200, 303, 400, 401, 404}, (path, value)
            assert not [each for each in reply.all("Set-Cookie") if "session" in each and "Max-Age=0" not in each]
        for path in POSTS:
            reply = parse(await converse(host.url, request(field, sent, path, body=b"code=\xff&csrf=%ff")))
            assert reply.status in {303, 400, 401, 403, 404}, (path, value)


def request(field, value, path, body=None):
    fields = [(field, value), ("HX-Request", "true")] if field == "HX-Current-URL" else [(field, value)]
    if body is not None:
        told = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        fields += [("Content-Length", str(len(body)))] + [each for each in told.items() if each[0] != field]
    whole = head(path, *fields, method="GET" if body is None else "POST") + (body or b"")
    return whole.replace(b"Host: localhost\r\n", b"", 1) if field == "Host" else whole
