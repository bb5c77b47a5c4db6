"""One HTTP exchange on a connection of its own, closed when it is over whatever happened."""

import http.client
import json
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass


class Refused(Exception):
    """The answer was an error.

    Attributes:
        status: the answer's status code.
    """

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}: {body[:500]!r}")
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back with a status below 400."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> dict:
        return json.loads(self.body)


def exchange(method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Answer:
    """Asks an http URL and reads the answer whole.

    Raises:
        Refused: the status was 400 or above.
        OSError: nobody listens, or nobody answered within 30 seconds.
    """
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        connection.request(method, target, body=body, headers={"Connection": "close", **(headers or {})})
        response = connection.getresponse()
        answer = Answer(status=response.status, headers=response.headers, body=response.read())
    finally:
        connection.close()
    if answer.status >= 400:
        raise Refused(answer.status, answer.body)
    return answer
