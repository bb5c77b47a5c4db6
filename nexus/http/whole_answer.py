"""The short way out for the answers that most requests get: a body that is at hand, and nothing special about it.

aiohttp's own way asks a dozen calls about compression, cookies, chunks, payloads and streams; for an answer with none
of them that takes as long as all that the host does for the request. What is sent is the same, byte for byte.
"""
# ruff: noqa: SLF001 - aiohttp has no public way to send a response, or to ask whether it is out

from collections.abc import Callable
from typing import TypeGuard

from aiohttp import hdrs, web
from aiohttp.helpers import must_be_empty_body, rfc822_formatted_time
from aiohttp.http import HttpVersion11
from aiohttp.http_writer import StreamWriter, _serialize_headers
from aiohttp.web_request import BaseRequest

from nexus.http.canned_answer import CannedAnswer

Complete = Callable[[BaseRequest, web.StreamResponse], None]
"""Adds to an answer's head what every answer carries, just before it is sent."""


def is_whole(answer: object, request: BaseRequest) -> TypeGuard[web.Response]:
    """True where `answer` can go the short way."""
    if type(answer) is CannedAnswer:
        is_plain = answer.is_as_made
    elif type(answer) is web.Response and type(answer._body) is bytes:
        headers = answer._headers
        is_plain = (
            not answer.prepared
            and not (answer._chunked or answer._compression or answer._cookies)
            and answer._keep_alive is None
            and hdrs.CONTENT_LENGTH not in headers
            and hdrs.CONTENT_TYPE in headers
            and hdrs.CONNECTION not in headers
            and hdrs.TRANSFER_ENCODING not in headers
        )
    else:
        return False
    return (
        is_plain
        and request.version is HttpVersion11
        and request.keep_alive
        and request._post is None
        and not must_be_empty_body(request.method, answer._status)
        and type(request._payload_writer) is StreamWriter
    )


def send(request: BaseRequest, answer: web.Response, complete: Complete) -> None:
    """Writes a whole answer; its transport may want to be waited for.

    Raises:
        ConnectionError: the client has gone.
        ValueError: a header field cannot be sent; nothing was.
    """
    body, headers, writer = answer._body, answer._headers, request._payload_writer
    assert isinstance(body, bytes)
    assert isinstance(writer, StreamWriter)
    answer._keep_alive = True
    if type(answer) is CannedAnswer:
        complete(request, answer)
        writer._write(answer.canned.head(headers, len(body)) + body)
    else:
        headers[hdrs.CONTENT_LENGTH] = str(len(body))
        if hdrs.DATE not in headers:
            headers[hdrs.DATE] = rfc822_formatted_time()
        complete(request, answer)
        writer._writelines((_serialize_headers(f"HTTP/1.1 {answer._status} {answer._reason}", headers), body))
    answer._eof_sent = True
    answer._body_length = writer.output_size
