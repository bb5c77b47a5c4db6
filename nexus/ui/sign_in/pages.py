"""Where sign-in begins, the one-time link, and the ways out."""

import time
from functools import partial
from urllib.parse import quote, urlsplit

from aiohttp import web
from yarl import URL

from nexus.auth.refusal import Reason
from nexus.spec.errors import Problem
from nexus.ui.flash import redirect
from nexus.ui.rendering import render
from nexus.ui.sign_in import link as links
from nexus.ui.sign_in.desk import SessionDesk
from nexus.ui.sign_in.form import form_values
from nexus.ui.sign_in.gate import SessionGate
from nexus.ui.sign_in.issuer import IssuerSignIn
from nexus.ui.sign_in.return_path import safe_return_path
from nexus.ui.sign_in.same_origin import is_same_origin
from nexus.ui.viewer import Viewer

_OLD_LINK = "It has been used, or is older than ten minutes. Make another with 'nexus dashboard link'."


class SignInPages:
    """The handlers of sign-in.

    Args:
        desk: gives and takes sessions.
        gate: knows who is signed in.
        base: path of all pages.
        base_url: how the outside reaches the host.
        issuer: where people sign in; None where there is none.
        with_link: True where one-time links let people in.
    """

    def __init__(
        self,
        desk: SessionDesk,
        gate: SessionGate,
        *,
        base: str,
        base_url: str,
        issuer: IssuerSignIn | None,
        with_link: bool,
    ) -> None:
        self._desk = desk
        self._gate = gate
        self._base = base
        self._base_url = base_url
        self._issuer = issuer
        self._with_link = with_link

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """Show the ways to sign in."""
        to = safe_return_path(request.query.get("to"), self._base)
        if await self._gate.viewer(request) is not None:
            return redirect(to, base=self._base)
        data = {
            "issuer": URL(self._issuer.name).host if self._issuer else None,
            "sign_out": await self._sign_out_address(request),
            "with_link": self._with_link,
            "needs_https": self._needs_https(request),
            "start": f"{self._base}/sign-in/start?to={quote(to, safe='/')}",
            "told": "You are signed out." if "out" in request.query else "",
        }
        return render(request, "sign_in/sign_in.html", data)

    async def show_link(self, request: web.Request) -> web.StreamResponse:
        """Show the button of a one-time link; whoever only looks at the address uses nothing up."""
        self._check_links_are_taken()
        return render(request, "sign_in/link.html", {"code": request.query.get("code", "")})

    async def use_link(self, request: web.Request) -> web.StreamResponse:
        """Sign in by a one-time link."""
        self._check_links_are_taken()
        if not is_same_origin(request, self._base_url):
            # Else another site could sign somebody in as somebody else, and watch what they do.
            self._desk.refuse(request, Reason.FORGED_REQUEST, way="link")
            raise Problem(403, "this was not sent by a page of this host: open the link itself")
        codes = await form_values(request, "code")
        consume = partial(links.consume, code=codes[0] if len(codes) == 1 else "", now=time.time())
        person = await self._desk.store(consume)
        if person is None:
            self._desk.refuse(request, Reason.UNUSABLE_LINK, way="link")
            data = {
                "status": 403,
                "title": "This link lets nobody in",
                "detail": _OLD_LINK,
                "again": f"{self._base}/sign-in",
            }
            return render(request, "sign_in/refused.html", data, status=403)
        return await self._desk.sign_in(request, person, way="link", to=self._base)

    async def sign_out(self, request: web.Request, viewer: Viewer) -> web.StreamResponse:
        """End the session."""
        out = "out=issuer" if self._issuer is not None and self._issuer.is_of(viewer) else "out"
        return await self._desk.sign_out(request, viewer, to=f"{self._base}/sign-in?{out}")

    async def revoke(self, request: web.Request, viewer: Viewer) -> web.StreamResponse:
        """End another session of the viewer's, or any for an admin.

        Raises:
            Problem: 404, the viewer may see no such session.
        """
        name = request.match_info["session"]
        if name == viewer.session_id:
            return await self.sign_out(request, viewer)
        if not await self._desk.revoke(request, viewer, name):
            raise Problem(404, "there is no such session: it may have ended already")
        return redirect(f"{self._base}/me", base=self._base, flash="session_revoked")

    async def _sign_out_address(self, request: web.Request) -> str | None:
        """Where who has just left can sign out at the issuer, too."""
        if self._issuer is None or request.query.get("out") != "issuer":
            return None
        return await self._issuer.sign_out_address()

    def _needs_https(self, request: web.Request) -> bool:
        """Whether no browser would keep a session that it is given here."""
        return urlsplit(self._base_url).scheme == "http" and not self._desk.cookies.is_plain(request)

    def _check_links_are_taken(self) -> None:
        if not self._with_link:
            raise Problem(404, "people sign in at the configured issuer here, and not by links")
