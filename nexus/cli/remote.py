"""The client of a running host's API: where the host is, with which token, and what its answers mean as exit codes."""

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from yarl import URL

from nexus.auth.exposure import local_issuer_serves
from nexus.auth.loopback import is_loopback
from nexus.cli.addresses import local_url
from nexus.cli.console import plain, say
from nexus.cli.failure import ExitCode, Failed
from nexus.cli.local import open_local_issuer
from nexus.cli.options import Target
from nexus.config.host_binding import bind_host
from nexus.config.loading import Loaded, load
from nexus.config.problem import InvalidConfig, Problem
from nexus.config.scrubber import Scrubber
from nexus.config.secret_file import read_secret_file
from nexus.config.settings import HostSettings

_TIMEOUT_S: Final = 30.0
_CONNECT_TIMEOUT_S: Final = 5.0
_MAX_BYTES: Final = 33_554_432
"""A thousand modules with long histories stay far below."""

_SAID: Final[dict[int, ExitCode]] = {
    HTTPStatus.BAD_REQUEST: ExitCode.USAGE,
    HTTPStatus.UNPROCESSABLE_ENTITY: ExitCode.USAGE,
    HTTPStatus.CONFLICT: ExitCode.FAILED,
    HTTPStatus.SERVICE_UNAVAILABLE: ExitCode.FAILED,
}
"""Answers whose detail says what to do, and what each means for a command."""

_SCOPE: Final = re.compile(r'\bscope="([\w.:-]{1,200})"')
"""RFC 6750, section 3: what an `insufficient_scope` challenge asks for."""

_MAX_TOKEN_CHARACTERS: Final = 65_536
_LOCAL_TTL: Final = 60.0  # seconds; for the requests that follow at once, and renewed where more follow later
_TOKEN_REMEDY: Final = "NEXUS_TOKEN=$(nexus token --permission {permission})"  # noqa: S105 - a hint, no token


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What is asked beside the path.

    Attributes:
        method: of the request.
        query: names and values; a name may stand several times.
        body: sent as JSON; None: none.
        headers: further ones.
        within_s: seconds that the whole answer may take.
    """

    method: str = "GET"
    query: Sequence[tuple[str, str]] = ()
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    within_s: float = _TIMEOUT_S


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host answered: the status, the JSON value, and the permission that it says is lacking."""

    status: int
    value: Any
    lacking: str | None = None


class HostClient:
    """Asks a running host, and has it act.

    Args:
        target: which one.
        anonymous: send no token; for what is public.

    Raises:
        InvalidConfig: address or token had to be found in a configuration that is invalid.
        Failed: there is no usable address or no token.
    """

    def __init__(self, target: Target, *, anonymous: bool = False) -> None:
        self._target = target
        self._configured: tuple[Loaded, HostSettings] | None = None
        self._renew_at: float | None = None
        url = target.url or os.environ.get("NEXUS_URL")
        self.url = checked_url(url) if url else self._configured_url()
        self._token = None if anonymous else self._found_token()

    def get(self, path: str, *, query: Sequence[tuple[str, str]] = (), missing: str = "") -> Any:
        """Gives the JSON value at `path`, below the mount point; `missing` is the sentence for what is not there.

        Raises:
            Failed: not reachable, not permitted, not there, or not a Nexus host.
        """
        return self.value_of(self.ask(path, Sent(query=query)), missing=missing)

    def post(
        self,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        body: object = None,
        headers: Mapping[str, str] | None = None,
        missing: str = "",
    ) -> Any:
        """Has the host act, and gives the JSON value that it answers with.

        Raises:
            Failed: as `get`, or the host refuses.
        """
        sent = Sent(method="POST", query=query, body=body, headers=headers or {})
        return self.value_of(self.ask(path, sent), missing=missing)

    def ask(self, path: str, sent: Sent | None = None) -> Answer:
        """Gives status and JSON value at `path`, also of an error.

        Raises:
            Failed: not reachable, or not a Nexus host.
        """
        return asyncio.run(self._ask(path, sent or Sent()))

    def value_of(self, answer: Answer, *, missing: str = "") -> Any:
        """Gives the value of an answer; `missing` is the sentence for what is not there.

        Raises:
            Failed: the answer is no good one.
        """
        if answer.status == HTTPStatus.NOT_FOUND and missing:
            raise Failed(missing, ExitCode.NOT_FOUND)
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise self._refused(answer)
        return answer.value

    async def _ask(self, path: str, sent: Sent) -> Answer:
        within_s = sent.within_s
        limits = aiohttp.ClientTimeout(total=within_s, sock_connect=min(within_s, _CONNECT_TIMEOUT_S))
        headers = {"Accept": "application/json", **sent.headers}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._fresh_token()}"
        data = None if sent.body is None else json.dumps(sent.body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with (
                aiohttp.ClientSession(timeout=limits, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False) as session,
                # A redirect would carry the token to wherever it points.
                session.request(
                    sent.method,
                    self.url + path,
                    params=list(sent.query),
                    data=data,
                    headers=headers,
                    allow_redirects=False,
                ) as response,
            ):
                body = bytearray()
                async for chunk in response.content.iter_chunked(65_536):
                    body += chunk
                    if len(body) > _MAX_BYTES:
                        raise Failed(f"{self.url} answers with more than {_MAX_BYTES} bytes: is it a Nexus host?")
        except TimeoutError:
            raise Failed(f"{self.url} does not answer in time: try again later", ExitCode.UNREACHABLE) from None
        except (aiohttp.ClientError, OSError) as error:
            why = os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else "no answer"
            raise Failed(
                f"no host is reached at {self.url} ({why}): start it with 'nexus serve', or say with --url or NEXUS_URL"
                " where it is",
                ExitCode.UNREACHABLE,
            ) from None
        scope = _SCOPE.search(response.headers.get("WWW-Authenticate", ""))
        return Answer(response.status, self._parsed(bytes(body), response.status), scope[1] if scope else None)

    def _parsed(self, body: bytes, status: int) -> Any:
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            if status >= HTTPStatus.MULTIPLE_CHOICES:
                return None
            raise Failed(f"{self.url} does not answer with JSON: is it a Nexus host, mounted there?") from None

    def _refused(self, answer: Answer) -> Failed:
        problem = answer.value if isinstance(answer.value, dict) else {}
        detail = plain(problem.get("detail") or problem.get("title") or "")
        said = f" ({detail})" if detail else ""
        if answer.status < HTTPStatus.BAD_REQUEST:
            return Failed(f"{self.url} redirects to another place: give the host's own address with --url")
        if answer.status == HTTPStatus.UNAUTHORIZED:
            remedy = "set " + _TOKEN_REMEDY.format(permission="admin") if self._token is None else "get a new one"
            return Failed(
                f"{self.url} does not take the token{said}: {remedy}; 'nexus auth check --token -' tells why",
                ExitCode.NOT_AUTHORISED,
            )
        if answer.status == HTTPStatus.FORBIDDEN:
            permission = answer.lacking or "…"
            return Failed(
                f"the token lacks the permission {permission!r}: ask for it with 'nexus token --permission"
                f" {permission}'",
                ExitCode.NOT_AUTHORISED,
            )
        if answer.status == HTTPStatus.NOT_FOUND:
            return Failed(detail or f"{self.url} knows nothing of this", ExitCode.NOT_FOUND)
        if detail and answer.status in _SAID:
            return Failed(detail, _SAID[answer.status])
        return Failed(f"{self.url} answers with status {answer.status}{said}: its log tells more")

    def _fresh_token(self) -> str | None:
        if self._renew_at is not None and time.monotonic() >= self._renew_at:
            self._token = self._local_token()
        return self._token

    def _found_token(self) -> str:
        given = self._target.token
        if given == "-":
            given = read_token()
        token = given or os.environ.get("NEXUS_TOKEN") or _token_from_file() or self._local_token()
        if not token.isascii() or not token.isprintable() or " " in token:
            raise Failed(
                "the token has spaces or characters that no token has: give it as it was issued", ExitCode.USAGE
            )
        if URL(self.url).scheme != "https" and not is_loopback(URL(self.url).host or ""):
            say(f"warning: the token goes to {self.url} unencrypted: use https")
        return token

    def _local_token(self) -> str:
        loaded, settings = self._configuration()
        auth = settings.global_.auth
        permission = auth.permission if auth else "admin"
        remedy = _TOKEN_REMEDY.format(permission=permission)
        if not local_issuer_serves(auth):
            raise Failed(
                f"a token of the configured issuer is needed: set {remedy}, or give --token", ExitCode.NOT_AUTHORISED
            )
        # A token of this installation is worth nothing elsewhere, and must not be shown there.
        if not is_loopback(URL(self.url).host or "") and self.url != _address(settings):
            raise Failed(f"a token for {self.url} is needed: set NEXUS_TOKEN, or give --token", ExitCode.NOT_AUTHORISED)
        self._renew_at = time.monotonic() + _LOCAL_TTL / 2
        return open_local_issuer(loaded).mint(subject="nexus-cli", permissions={permission}, ttl=_LOCAL_TTL)

    def _configured_url(self) -> str:
        return _address(self._configuration()[1])

    def _configuration(self) -> tuple[Loaded, HostSettings]:
        if self._configured is None:
            self._configured = read_host_settings(self._target.files, self._target.environment)
        return self._configured


def segment(name: str, *, missing: str) -> str:
    """Gives a name as one segment of a path.

    Raises:
        Failed: it would lead to another path, so nothing has this name; `missing` says so.
    """
    if name in ("", ".", ".."):
        raise Failed(missing, ExitCode.NOT_FOUND)
    return quote(name, safe="")


def read_host_settings(files: tuple[Path, ...], environment: str | None) -> tuple[Loaded, HostSettings]:
    """Gives the host's settings without looking at any module.

    Raises:
        InvalidConfig: the host could not start with them.
    """
    scrubber = Scrubber()
    loaded = load(files, environment=environment, scrubber=scrubber)
    bound = bind_host(loaded, scrubber)
    if bound.value is None:
        found = (*loaded.problems, *bound.problems)
        raise InvalidConfig(problem for problem in dict.fromkeys(found) if _is_host_error(problem))
    return loaded, bound.value


def _is_host_error(problem: Problem) -> bool:
    return problem.level == "error" and not problem.path.startswith("modules.")


def _address(settings: HostSettings) -> str:
    server = settings.global_.server
    return local_url(server.host, server.port, settings.global_.path)


def checked_url(url: str) -> str:
    """Gives the address of a host as it was given, without a slash at the end.

    Raises:
        Failed: it is none.
    """
    try:
        parsed = URL(url)
    except ValueError:
        parsed = URL()
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.user or parsed.query_string:
        raise Failed("--url or NEXUS_URL is no address: write for instance http://127.0.0.1:3001", ExitCode.USAGE)
    return url.rstrip("/")


def read_token() -> str:
    """Gives what stands on stdin, where `--token -` says that the token is there.

    Raises:
        Failed: nothing does, or far more than a token.
    """
    text = sys.stdin.read(_MAX_TOKEN_CHARACTERS + 1).strip()
    if not text or len(text) > _MAX_TOKEN_CHARACTERS:
        raise Failed("there is no token on stdin: write one token and nothing else to it", ExitCode.USAGE)
    return text


def _token_from_file() -> str | None:
    name = os.environ.get("NEXUS_TOKEN_FILE")
    if not name:
        return None
    text, finding = read_secret_file(name)
    if text is None:
        raise Failed(f"NEXUS_TOKEN_FILE: {finding[0] if finding else 'cannot be read'}", ExitCode.USAGE)
    return text.strip()
