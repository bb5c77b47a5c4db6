"""A token by client credentials (RFC 6749, section 4.4), asked for as each make of issuer wants it."""

import re
from collections.abc import Collection
from dataclasses import dataclass

import aiohttp
from yarl import URL

from nexus.auth.document_fetch import FetchLimits
from nexus.auth.token_endpoint import ClientIdentity, TokenNotGranted, ask_for_tokens

__all__ = ["TokenNotGranted", "TokenRequest", "request_token"]

_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """What is asked for.

    Attributes:
        endpoint: the token endpoint.
        client_id: of the client.
        client_secret: of the client; shown nowhere.
        audience: the API that the token is for.
        permissions: scopes that are asked for; empty: what the issuer gives by itself.
        profile: the make of the issuer.
        auth_methods: `token_endpoint_auth_methods_supported`; empty where unknown.
    """

    endpoint: str
    client_id: str
    client_secret: str
    audience: str
    permissions: Collection[str] = ()
    profile: str = "generic"
    auth_methods: Collection[str] = ()

    def __repr__(self) -> str:
        return f"TokenRequest(endpoint={self.endpoint!r}, client_id={self.client_id!r})"


async def request_token(session: aiohttp.ClientSession, request: TokenRequest, limits: FetchLimits) -> str:
    """The access token.

    Raises:
        TokenNotGranted: the issuer refused, or answered without a bearer token.
        FetchFailed: the issuer was not to be had.
    """
    client = ClientIdentity(request.client_id, request.client_secret)
    members = await ask_for_tokens(
        session, request.endpoint, client, _form(request), methods=request.auth_methods, limits=limits
    )
    token, kind = members.get("access_token"), members.get("token_type")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or str(kind).lower() != "bearer":
        raise TokenNotGranted("the issuer's answer has no bearer token, check that the address is its token endpoint")
    return token


def _form(request: TokenRequest) -> dict[str, str]:
    form = {"grant_type": "client_credentials"}
    if request.profile == "entra":  # refuses `resource`, and takes permissions only as a whole
        return form | {"scope": f"{request.audience}/.default"}
    if request.profile == "cognito":  # knows an API only as the prefix of its scopes
        return _with_scope(form, [f"{request.audience}/{name}" for name in request.permissions])
    form |= names_of_api(request.audience)
    return _with_scope(form, list(request.permissions))


def names_of_api(audience: str) -> dict[str, str]:
    """Gives the parameters by which issuers are told which API a token is for."""
    named = {"audience": audience}  # Auth0
    target = URL(audience)
    if target.scheme and not target.fragment:
        named["resource"] = audience  # RFC 8707, section 2: an absolute URI without a fragment
    return named


def _with_scope(form: dict[str, str], scopes: list[str]) -> dict[str, str]:
    return form | {"scope": " ".join(scopes)} if scopes else form
