"""The cookies of sign-in: their names, what they ask of a browser, and how they are read."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web
from yarl import URL

from nexus.auth.loopback import is_loopback
from nexus.ui.sign_in.authority import authority_of

_SESSION: Final = "nexus_session"
_ATTEMPT: Final = "nexus_sign_in"


@dataclass(frozen=True, slots=True)
class Cookies:
    """Reads and writes the two cookies: of a session, and of the browser that has begun to sign in.

    Over https alone and under `__Host-` names, which no other host or path can set (RFC 6265bis, section 4.1.3). On a
    loopback address without https, where Safari keeps no secure cookie, under plain names with the port in them, as
    the cookies of all ports of a machine are one heap.

    Attributes:
        may_be_plain: True where `base_url` is a loopback address without https.
    """

    may_be_plain: bool

    @classmethod
    def below(cls, base_url: str) -> "Cookies":
        """Gives the cookies of a host that the outside reaches at `base_url`."""
        url = URL(base_url)
        return cls(may_be_plain=url.scheme == "http" and is_loopback(url.host or ""))

    def is_plain(self, request: web.Request) -> bool:
        """True where the browser that asks may have cookies without https: `base_url` is left at its default often."""
        return self.may_be_plain and authority_of(request).is_loopback

    def session(self, request: web.Request) -> str | None:
        """Gives the session's secret, None where the browser sent none or several."""
        return _only(request, self._name(_SESSION, request))

    def attempt(self, request: web.Request) -> str | None:
        """Gives the secret of a browser that signs in, None where it sent none or several."""
        return _only(request, self._name(_ATTEMPT, request))

    def set_session(self, request: web.Request, response: web.StreamResponse, secret: str) -> None:
        """Gives the browser a session; until the browser is closed, or the host ends it."""
        self._set(request, response, _SESSION, secret)

    def set_attempt(self, request: web.Request, response: web.StreamResponse, secret: str, max_age: int) -> None:
        """Marks the browser that signs in, for `max_age` seconds."""
        self._set(request, response, _ATTEMPT, secret, max_age)

    def clear_session(self, request: web.Request, response: web.StreamResponse) -> None:
        """Takes the session from the browser."""
        self._set(request, response, _SESSION, "", 0)

    def clear_attempt(self, request: web.Request, response: web.StreamResponse) -> None:
        """Takes the mark from the browser."""
        self._set(request, response, _ATTEMPT, "", 0)

    def _name(self, name: str, request: web.Request) -> str:
        return f"{name}_{authority_of(request).port}" if self.is_plain(request) else f"__Host-{name}"

    def _set(
        self, request: web.Request, response: web.StreamResponse, name: str, value: str, max_age: int | None = None
    ) -> None:
        response.set_cookie(
            self._name(name, request),
            value,
            path="/",
            max_age=max_age,
            secure=not self.is_plain(request),
            httponly=True,
            samesite="Lax",
        )


def _only(request: web.Request, name: str) -> str | None:
    # By hand: aiohttp's reader lets one of two cookies of a name win, and which one is not ours to choose.
    pairs = (pair.partition("=") for field in request.headers.getall("Cookie", ()) for pair in field.split(";"))
    found = [value.strip() for key, _, value in pairs if key.strip() == name]
    return found[0] if len(found) == 1 else None
