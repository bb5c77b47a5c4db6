"""Sign-in at a configured issuer: OpenID Connect's authorization code flow with PKCE.

What is sent away and what comes back are tied to one another and to the browser by an attempt that the host keeps:
state, nonce and PKCE verifier are made anew for each, are used once, and none of them comes from the request.
No token is kept: what they say of the person goes into the session, and they are forgotten.
"""

import base64
import hashlib
import time
from datetime import UTC, datetime
from functools import partial
from typing import Final
from urllib.parse import quote

import aiohttp
from aiohttp import web
from yarl import URL

from nexus.auth.authenticator import Authenticator
from nexus.auth.client_credentials import names_of_api
from nexus.auth.discovery import IssuerMetadata
from nexus.auth.document_fetch import FetchFailed, FetchLimits, check_address
from nexus.auth.id_token import SignedInPerson, check_same_person, verify_id_token
from nexus.auth.refusal import KeysUnavailable, Reason, Refusal
from nexus.auth.token_endpoint import ClientIdentity, TokenNotGranted, ask_for_tokens
from nexus.auth.verifier import TrustedIssuer
from nexus.config.settings import GlobalSettings
from nexus.spec.errors import Problem
from nexus.spec.principal import Principal
from nexus.ui.flash import redirect
from nexus.ui.rendering import render
from nexus.ui.sign_in import attempt as attempts
from nexus.ui.sign_in.attempt import Attempt
from nexus.ui.sign_in.authority import authority_of
from nexus.ui.sign_in.desk import SessionDesk
from nexus.ui.sign_in.metadata import MetadataSource
from nexus.ui.sign_in.principal import principal_of
from nexus.ui.sign_in.return_path import safe_return_path
from nexus.ui.sign_in.session import Person, hash_of, new_secret
from nexus.ui.sign_in.sign_out import sign_out_address
from nexus.ui.viewer import Viewer

_WAY: Final = "issuer"
_MAX_CODE: Final = 4096

_TOLD: Final = {
    Reason.UNKNOWN_ATTEMPT: (
        "This sign-in has ended already, took longer than ten minutes, or was begun in another browser."
    ),
    Reason.ISSUER_DECLINED: "The issuer did not let you in.",
}
_NOT_BELIEVED: Final = "What the issuer says of you cannot be believed; the log of the host has the reason."


class IssuerSignIn:
    """The two handlers of sign-in at an issuer.

    Args:
        settings: of the host; `ui.client_id` is there.
        issuer: where people sign in.
        keys: verify access tokens.
        desk: gives sessions.
        session: for requests to the issuer.
        base: path of all pages.
    """

    def __init__(
        self,
        settings: GlobalSettings,
        issuer: TrustedIssuer,
        keys: Authenticator,
        *,
        desk: SessionDesk,
        session: aiohttp.ClientSession,
        base: str,
    ) -> None:
        ui, secret = settings.ui, settings.ui.client_secret
        self._ui = ui
        self._admin = ui.admin_permission or keys.permission
        self._client = ClientIdentity(ui.client_id or "", secret.reveal() if secret else None)
        self._issuer = issuer
        self._keys = keys
        self._desk = desk
        self._session = session
        self._base = base
        self._base_url = settings.base_url.rstrip("/")
        bounds = settings.auth.keys if settings.auth else None
        self._limits = (
            FetchLimits(bounds.timeout, bounds.connect_timeout, bounds.max_bytes) if bounds else FetchLimits()
        )
        self._metadata = MetadataSource(session, issuer.rules, self._limits)

    @property
    def name(self) -> str:
        """The issuer's own name, a URL."""
        return self._issuer.rules.issuer

    def is_of(self, viewer: Viewer) -> bool:
        """True where the issuer has vouched for somebody, and not a link."""
        return viewer.issuer in self._issuer.rules.accepted_issuers

    @property
    def redirect_uri(self) -> str:
        """Where the issuer sends people back to: from the configuration alone, whatever a request says."""
        return f"{self._base_url}{self._base}/callback"

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """Send the browser to the issuer.

        Raises:
            Problem: 503, the issuer cannot be asked now.
        """
        to = safe_return_path(request.query.get("to"), self._base)
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            return redirect(f"{self._base}/sign-in?to={quote(to, safe='/')}", base=self._base)
        if self._is_elsewhere(request):
            return redirect(
                f"{self._base_url}{self._base}/sign-in/start?moved&to={quote(to, safe='/')}", base=self._base
            )
        metadata = await self._metadata.get()
        browser = self._desk.cookies.attempt(request)
        if browser is None or hash_of(browser) is None:
            browser = new_secret()
        begin = partial(attempts.begin, browser=browser, return_path=to, now=time.time())
        state, attempt = await self._desk.store(begin)
        response = redirect(self._address(metadata, state, attempt, anew="again" in request.query), base=self._base)
        self._desk.cookies.set_attempt(request, response, browser, int(attempts.LIFETIME))
        return response

    async def end(self, request: web.Request) -> web.StreamResponse:
        """Take the browser back from the issuer, and sign in who it says.

        Raises:
            Problem: 503, the issuer or the store cannot be asked now.
        """
        try:
            attempt = await self._attempt(request)
            person = await self._person(request, attempt)
        except Refusal as refusal:
            self._desk.refuse(request, refusal.reason, way=_WAY)
            detail = _TOLD.get(refusal.reason, _NOT_BELIEVED)
            return self._refused(request, 400, "You are not signed in", detail)
        except KeysUnavailable as error:
            raise Problem(
                503, "the issuer's keys are not to be had now", headers={"Retry-After": str(error.retry_after)}
            ) from None
        role = self._role(person)
        if role is None:
            self._desk.refuse(request, Reason.LACKS_PERMISSION, way=_WAY, principal=_nobody(person))
            detail = f"The issuer knows you as {person.name}, and lists no permission of yours for these pages."
            return self._refused(request, 403, "You may not look at this host", detail, anew=True)
        return await self._desk.sign_in(request, role, way=_WAY, to=attempt.return_path)

    async def sign_out_address(self) -> str | None:
        """Gives where people sign out at the issuer; None where it tells no such place, or cannot be asked."""
        try:
            metadata = await self._metadata.get()
        except Problem:
            return None
        back = f"{self._base_url}{self._base}/sign-in"
        return sign_out_address(metadata, client_id=self._client.client_id, back=back)

    async def _attempt(self, request: web.Request) -> Attempt:
        state = _only(request, "state")
        browser = self._desk.cookies.attempt(request)
        take = partial(attempts.take, state=state or "", browser=browser, now=time.time())
        attempt = await self._desk.store(take)
        if attempt is None:
            raise Refusal(Reason.UNKNOWN_ATTEMPT, "state")
        metadata = await self._metadata.get()
        named = request.query.getall("iss", [])
        if named != [self._issuer.rules.issuer] and (named or metadata.names_itself):
            # RFC 9207: the answer of another issuer must not be taken for this one's.
            raise Refusal(Reason.UNKNOWN_ISSUER, "iss")
        return attempt

    async def _person(self, request: web.Request, attempt: Attempt) -> SignedInPerson:
        code = _only(request, "code")
        if "error" in request.query or code is None:
            raise Refusal(Reason.ISSUER_DECLINED, "error" if "error" in request.query else "code")
        tokens = await self._exchange(code, attempt)
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str):
            raise Refusal(Reason.ISSUER_DECLINED, "id_token")
        access_token = access_token if isinstance(access_token, str) else None
        person = await verify_id_token(
            self._keys.verifier.parse(id_token),
            self._issuer,
            client_id=self._client.client_id,
            nonce=attempt.nonce,
            access_token=access_token,
            wall=time.time,
        )
        return await self._with_permissions(person, access_token)

    async def _exchange(self, code: str, attempt: Attempt) -> dict[str, object]:
        metadata = await self._metadata.get()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": attempt.verifier,
            **self._api(),
        }
        methods = metadata.token_endpoint_auth_methods
        try:
            return await ask_for_tokens(
                self._session, metadata.token_endpoint or "", self._client, form, methods=methods, limits=self._limits
            )
        except TokenNotGranted as error:
            raise Refusal(Reason.ISSUER_DECLINED, error.error or "token_endpoint") from None
        except FetchFailed as error:
            raise Problem(503, f"the issuer cannot be asked now: {error}", headers={"Retry-After": "5"}) from None

    async def _with_permissions(self, person: SignedInPerson, access_token: str | None) -> SignedInPerson:
        """What the person may do, as an access token for this host says; where there is none, as the ID token does."""
        if access_token is None or access_token.count(".") != 2:
            return person
        try:
            principal = (await self._keys.verifier.verify(access_token)).principal
        except Refusal:
            return person  # it is for another API
        check_same_person(person, principal.issuer, principal.subject, self._issuer.rules)
        return SignedInPerson(
            issuer=person.issuer, subject=person.subject, name=person.name, permissions=principal.permissions
        )

    def _role(self, person: SignedInPerson) -> Person | None:
        may_act = self._admin in person.permissions
        if not may_act and self._ui.viewer_permission not in person.permissions:
            return None
        return Person(subject=person.subject, issuer=person.issuer, name=person.name, may_act=may_act)

    def _address(self, metadata: IssuerMetadata, state: str, attempt: Attempt, *, anew: bool) -> str:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(self._ui.scopes),
            "state": state,
            "nonce": attempt.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        asked |= self._api()
        if anew:
            asked["prompt"] = "login"
        return str(check_address(metadata.authorization_endpoint or "").update_query(asked))

    def _api(self) -> dict[str, str]:
        """What the access token is to be for, said with both requests (RFC 8707, section 2.2)."""
        rules = self._issuer.rules
        # Entra and Cognito know an API by its scopes alone, and refuse the rest.
        return {} if rules.profile in ("entra", "cognito") else names_of_api(rules.audience)

    def _is_elsewhere(self, request: web.Request) -> bool:
        """Whether the way back would lead to another name of this machine, which would not get the browser's cookie."""
        may_move = self._desk.cookies.is_plain(request) and "moved" not in request.query
        return may_move and authority_of(request).text != URL(self._base_url).authority

    def _refused(
        self, request: web.Request, status: int, title: str, detail: str, *, anew: bool = False
    ) -> web.Response:
        again = f"{self._base}/sign-in/start?again" if anew else f"{self._base}/sign-in"
        data = {"status": status, "title": title, "detail": detail, "again": again}
        return render(request, "sign_in/refused.html", data, status=status)


def _only(request: web.Request, name: str) -> str | None:
    found = request.query.getall(name, [])
    return found[0] if len(found) == 1 and 0 < len(found[0]) <= _MAX_CODE else None


def _nobody(person: SignedInPerson) -> Principal:
    return principal_of(person, datetime.now(UTC))
