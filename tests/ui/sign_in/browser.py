"""A browser without a screen: keeps cookies as browsers do, tells where a request comes from, follows redirects."""

import html
import re
from dataclasses import dataclass, field
from http.cookies import Morsel, SimpleCookie
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import aiohttp
from multidict import CIMultiDictProxy

_MOST_REDIRECTS: Final = 10


@dataclass(frozen=True)
class Page:
    """What a browser got."""

    url: str
    status: int
    headers: "CIMultiDictProxy[str]"
    text: str

    @property
    def location(self) -> str:
        return urljoin(self.url, self.headers["Location"])

    @property
    def cookies(self) -> "dict[str, Morsel[str]]":
        """The cookies that this answer sets."""
        found = SimpleCookie()
        for value in self.headers.getall("Set-Cookie", ()):
            found.load(value)
        return dict(found)

    def field(self, name: str) -> str:
        """The value of a hidden field of the page's forms."""
        for tag in re.findall(r"<input\b[^>]*>", self.text):
            if f'name="{name}"' in tag:
                return html.unescape(re.search(r'value="([^"]*)"', tag)[1])
        raise AssertionError(f"no field {name} in {self.text}")

    def link(self, text: str) -> str:
        """The address of the link that reads `text`."""
        found = re.search(rf'<a\b[^>]*href="([^"]*)"[^>]*>\s*{re.escape(text)}', self.text)
        assert found, f"no link {text!r} in {self.text}"
        return urljoin(self.url, html.unescape(found[1]))

    def action(self) -> str:
        """Where the page's last form goes."""
        found = re.findall(r'<form\b[^>]*action="([^"]*)"', self.text)
        return urljoin(self.url, html.unescape(found[-1]))


@dataclass
class Browser:
    """Somebody's browser; it holds cookies by host, as all ports of a host share them."""

    session: aiohttp.ClientSession
    jar: dict[str, dict[str, str]] = field(default_factory=dict)

    def cookies_of(self, url: str) -> dict[str, str]:
        return self.jar.setdefault(urlsplit(url).hostname or "", {})

    async def get(self, url: str, *, follow: bool = True, headers: dict[str, str] | None = None) -> Page:
        return await self.send("GET", url, follow=follow, headers=headers)

    async def submit(self, page: Page, url: str | None = None, *, follow: bool = True, **fields: str) -> Page:
        """Sends a form of `page`, as a press on its button does."""
        return await self.send("POST", url or page.action(), fields=fields, sender=page.url, follow=follow)

    async def send(
        self,
        method: str,
        url: str,
        *,
        fields: dict[str, str] | None = None,
        sender: str | None = None,
        headers: dict[str, str] | None = None,
        follow: bool = True,
    ) -> Page:
        for _ in range(_MOST_REDIRECTS):
            page = await self._send(method, url, fields, {**_metadata(method, url, sender), **(headers or {})})
            if not follow or page.status not in (301, 302, 303, 307):
                return page
            method, url, fields, sender = "GET", page.location, None, page.url
        raise AssertionError(f"redirected for ever, at last to {url}")

    async def _send(self, method: str, url: str, fields: dict[str, str] | None, headers: dict[str, Any]) -> Page:
        cookies = self.cookies_of(url)
        if cookies and "Cookie" not in headers:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        async with self.session.request(method, url, data=fields, headers=headers, allow_redirects=False) as answer:
            page = Page(str(url), answer.status, answer.headers, await answer.text())
        for name, morsel in page.cookies.items():
            if morsel["max-age"] == "0" or not morsel.value:
                cookies.pop(name, None)
            else:
                cookies[name] = morsel.value
        return page


def _metadata(method: str, url: str, sender: str | None) -> dict[str, str]:
    """What a browser tells of a navigation (Fetch Metadata); pages without referrer send `Origin: null`."""
    told = {"Accept": "text/html,application/xhtml+xml", "User-Agent": "Test/1.0"}
    here, there = urlsplit(url), urlsplit(sender or url)
    is_same = (here.scheme, here.netloc) == (there.scheme, there.netloc)
    told["Sec-Fetch-Site"] = "none" if sender is None else "same-origin" if is_same else "cross-site"
    if method == "POST":
        told["Origin"] = "null"
    return told
