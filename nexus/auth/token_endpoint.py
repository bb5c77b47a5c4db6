"""An issuer's token endpoint (RFC 6749, section 3.2): how a client says who it is there, and what it is answered."""

import base64
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus

import aiohttp

from nexus.auth.document_fetch import FetchLimits, exchange_json
from nexus.spec.errors import NexusError

_REFUSED: Final = frozenset({400, 401, 403})
_ERROR_CODE: Final = re.compile(r"[a-zA-Z0-9_.-]{1,64}")


class TokenNotGranted(NexusError):
    """The issuer gave no usable token.

    Attributes:
        error: the issuer's error code (RFC 6749, section 5.2), or None.
    """

    def __init__(self, message: str, *, error: str | None = None) -> None:
        super().__init__(message)
        self.error = error


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """What the issuer knows a client by; one without a secret is a public client."""

    client_id: str
    secret: str | None = field(repr=False)


async def ask_for_tokens(
    session: aiohttp.ClientSession,
    endpoint: str,
    client: ClientIdentity,
    form: Mapping[str, str],
    *,
    methods: Collection[str],
    limits: FetchLimits,
) -> dict[str, object]:
    """The members of the issuer's answer, whatever they are.

    Args:
        session: for the request.
        endpoint: the token endpoint.
        client: who asks.
        form: what is asked for.
        methods: `token_endpoint_auth_methods_supported`; empty where unknown.
        limits: bounds of the exchange.

    Raises:
        TokenNotGranted: the issuer refused.
        FetchFailed: it was not to be had.
    """
    sent, headers = dict(form), dict[str, str]()
    if client.secret is None:
        sent["client_id"] = client.client_id
    # Basic is what every server must support (RFC 6749, section 2.3.1) and what holds where metadata is silent.
    elif not methods or "client_secret_basic" in methods:
        credentials = f"{quote_plus(client.client_id)}:{quote_plus(client.secret)}"
        headers["Authorization"] = "Basic " + base64.b64encode(credentials.encode()).decode()
    else:
        sent |= {"client_id": client.client_id, "client_secret": client.secret}
    answer = await exchange_json(
        session, "POST", endpoint, limits, form=sent, headers=headers, statuses=_REFUSED | {200}
    )
    members = answer.value if isinstance(answer.value, dict) else {}
    if answer.status != 200:
        raise _refused(members.get("error"), answer.status)
    return members


def _refused(error: object, status: int) -> TokenNotGranted:
    code = error if isinstance(error, str) and _ERROR_CODE.fullmatch(error) else None
    return TokenNotGranted(
        f"the issuer gave no token ({code or 'no error code'}, status {status}): check the client's id and secret, and"
        " that it may ask for this audience and these permissions",
        error=code,
    )
