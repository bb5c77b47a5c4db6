"""A token by client credentials (RFC 6749, section 4.4), asked for as each make of issuer wants it."""

import base64
import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote_plus

import aiohttp
from yarl import URL

from nexus.auth.document_fetch import FetchLimits, exchange_json
from nexus.spec.errors import NexusError

_REFUSED = frozenset({400, 401, 403})
_ERROR_CODE = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")


class TokenNotGranted(NexusError):
    """The issuer gave no usable token.

    Attributes:
        error: the issuer's error code (RFC 6749, section 5.2), or None.
    """

    def __init__(self, message: str, *, error: str | None = None) -> None:
        super().__init__(message)
        self.error = error


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
    form = _form(request)
    headers: dict[str, str] = {}
    # Basic is what every server must support (RFC 6749, section 2.3.1) and what holds where metadata is silent.
    if not request.auth_methods or "client_secret_basic" in request.auth_methods:
        credentials = f"{quote_plus(request.client_id)}:{quote_plus(request.client_secret)}"
        headers["Authorization"] = "Basic " + base64.b64encode(credentials.encode()).decode()
    else:
        form |= {"client_id": request.client_id, "client_secret": request.client_secret}
    answer = await exchange_json(
        session, "POST", request.endpoint, limits, form=form, headers=headers, statuses=_REFUSED | {200}
    )
    members = answer.value if isinstance(answer.value, dict) else {}
    if answer.status != 200:
        raise _refused(members.get("error"), answer.status)
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
    form["audience"] = request.audience  # Auth0
    target = URL(request.audience)
    if target.scheme and not target.fragment:
        form["resource"] = request.audience  # RFC 8707, section 2: an absolute URI without a fragment
    return _with_scope(form, list(request.permissions))


def _with_scope(form: dict[str, str], scopes: list[str]) -> dict[str, str]:
    return form | {"scope": " ".join(scopes)} if scopes else form


def _refused(error: object, status: int) -> TokenNotGranted:
    code = error if isinstance(error, str) and _ERROR_CODE.fullmatch(error) else None
    return TokenNotGranted(
        f"the issuer gave no token ({code or 'no error code'}, status {status}): check the client's id and secret, and"
        " that it may ask for this audience and these permissions",
        error=code,
    )
