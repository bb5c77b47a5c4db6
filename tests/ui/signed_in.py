"""Somebody who is signed in, over HTTP alone: real pages behind the real gate, with a session put into the store."""

import re
import time
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlencode, urlsplit

from nexus.testing.running_host import Answer, RunningHost
from nexus.ui.sign_in import session as sessions
from nexus.ui.sign_in.database import open_database
from nexus.ui.sign_in.session import Person


@dataclass(frozen=True)
class SignedIn:
    """Somebody with a session.

    Attributes:
        host: where.
        cookie: the session's, as a browser sends it.
        csrf: goes into forms.
        name: of the session, in lists.
    """

    host: RunningHost
    cookie: dict[str, str]
    csrf: str
    name: str

    async def get(self, path: str) -> Answer:
        """Opens a page below the mount point."""
        return await self.host.request("GET", path, headers={"Cookie": self._header})

    async def post(self, path: str, *, csrf: str | None = None, **fields: str) -> Answer:
        """Sends a form as a page of the host would; `csrf` stands in for the session's own token."""
        sent = urlencode({"csrf": self.csrf if csrf is None else csrf, **fields})
        headers = {
            "Cookie": self._header,
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Site": "same-origin",
        }
        return await self.host.request("POST", path, headers=headers, data=sent)

    @property
    def _header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookie.items())


def signed_in(host: RunningHost, *, subject: str = "ada", name: str = "Ada", may_act: bool = True) -> SignedIn:
    """Gives somebody a session; admin, unless `may_act` is False."""
    store, state_dir = host.host.settings.global_.store, host.host.state_dir
    database = open_database(store, state_dir)
    try:
        person = Person(subject=subject, issuer="urn:nexus:local", name=name, may_act=may_act)
        secret, session = sessions.begin(
            database, person, now=time.time(), idle=3600, lifetime=7200, user_agent="test browser"
        )
    finally:
        database.close()
    cookie = {f"nexus_session_{urlsplit(host.url).port}": secret}
    return SignedIn(host, cookie, session.csrf_token, session.name)


def text_of(answer: Answer) -> str:
    """Gives what a page says, without its marks."""
    body = answer.text.partition("<body")[2]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())
