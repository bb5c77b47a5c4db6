"""HTTP by hand: what no client library would send, and answers read to their last byte."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer.

    Attributes:
        status: of the last answer on the connection.
        fields: name in lower case, and value, in order.
        body: after the head, as sent.
        raw: everything that came, interim answers included.
    """

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes
    raw: bytes

    def all(self, name: str) -> list[str]:
        return [value for field, value in self.fields if field == name.lower()]

    def one(self, name: str) -> str:
        (value,) = self.all(name)
        return value

    def json(self) -> Any:
        return json.loads(self.body)


async def converse(url: str, request: bytes, *, seconds: float = PATIENCE) -> bytes:
    """Sends the bytes and gives what comes back until the other side closes."""
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        came = b""
        try:
            writer.write(request)
            while chunk := await reader.read(65_536):
                came += chunk
        except ConnectionError:
            pass  # it answers and closes before it has read everything, which the system calls a reset
        finally:
            writer.close()
        return came


def head(target: str, *fields: tuple[str, str | bytes], method: str = "GET", close: bool = True) -> bytes:
    """A request without a body; a field's value is sent byte for byte (text: UTF-8, lone surrogates as their byte)."""
    lines = [f"{method} {target} HTTP/1.1".encode("utf-8", "surrogateescape"), b"Host: localhost"]
    if close:
        lines.append(b"Connection: close")
    for name, value in fields:
        content = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
        lines.append(name.encode() + b": " + content)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def parse(raw: bytes) -> Reply:
    """The last answer in `raw`, after any interim ones."""
    rest = raw
    while True:
        text, _, body = rest.partition(b"\r\n\r\n")
        status_line, *lines = text.decode("latin-1").split("\r\n")
        status = int(status_line.split()[1])
        if status >= 200 or status == 101:
            break
        rest = body
    fields = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
    return Reply(status, fields, body, raw)
