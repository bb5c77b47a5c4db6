"""Where an issuer keeps its keys and its token endpoint: OpenID Connect Discovery 1.0 and RFC 8414.

What the document says is believed only about the issuer that was asked (section 4.3 and section 3.3 of them), and keys
only come from the issuer's own host or from one that the configuration names.
"""

from collections.abc import Collection
from dataclasses import dataclass

import aiohttp
from yarl import URL

from nexus.auth.document_fetch import Document, FetchFailed, FetchLimits, check_address, fetch_json
from nexus.spec.errors import NexusError


class DiscoveryFailed(NexusError):
    """The issuer's metadata is missing, about another issuer, or points where keys must not come from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerMetadata:
    """What was found.

    Attributes:
        issuer: who was asked.
        jwks_uri: where its keys are.
        authorization_endpoint: where people sign in.
        token_endpoint: where tokens are asked for.
        end_session_endpoint: where people sign out (OpenID Connect RP-Initiated Logout 1.0).
        token_endpoint_auth_methods: how a client may say who it is there; empty where unknown.
        names_itself: True where its answers to sign-ins name it (RFC 9207, section 3).
        server_time: its clock, where it told.
    """

    issuer: str
    jwks_uri: str
    authorization_endpoint: str | None
    token_endpoint: str | None
    end_session_endpoint: str | None
    token_endpoint_auth_methods: tuple[str, ...]
    names_itself: bool
    server_time: float | None


def metadata_addresses(issuer: str) -> tuple[str, str]:
    """The two well-known addresses of an issuer: appended (OpenID Connect) and inserted before the path (RFC 8414)."""
    base = URL(issuer)
    path = base.raw_path.rstrip("/")
    origin = str(base.origin())
    return (
        f"{origin}{path}/.well-known/openid-configuration",
        f"{origin}/.well-known/oauth-authorization-server{path}",
    )


async def discover(
    session: aiohttp.ClientSession,
    issuer: str,
    *,
    accepted: Collection[str] | None = None,
    jwks_hosts: Collection[str] = (),
    limits: FetchLimits,
) -> IssuerMetadata:
    """The metadata of an issuer.

    Args:
        session: for the requests.
        issuer: the configured issuer.
        accepted: values of the `issuer` member that are as good; default is the issuer itself and nothing else.
        jwks_hosts: hosts, or hosts with port, that may hold the keys besides the issuer's own.
        limits: bounds of each of at most two requests.

    Raises:
        DiscoveryFailed: neither address gave usable metadata; the message tells of the first.
    """
    first: NexusError | None = None
    for address in metadata_addresses(issuer):
        try:
            document = await fetch_json(session, address, limits)
        except FetchFailed as error:
            first = first or error
            continue
        return _read_metadata(document, issuer, accepted or (issuer,), jwks_hosts)
    raise DiscoveryFailed(str(first))


def _read_metadata(
    document: Document, issuer: str, accepted: Collection[str], jwks_hosts: Collection[str]
) -> IssuerMetadata:
    metadata = document.value if isinstance(document.value, dict) else {}
    if metadata.get("issuer") not in accepted:
        raise DiscoveryFailed(f"the metadata of {issuer} is about another issuer")
    jwks_uri = metadata.get("jwks_uri")
    if not isinstance(jwks_uri, str):
        raise DiscoveryFailed(f"the metadata of {issuer} has no jwks_uri")
    _check_keys_address(jwks_uri, issuer, jwks_hosts)
    methods = metadata.get("token_endpoint_auth_methods_supported")
    return IssuerMetadata(
        issuer=issuer,
        jwks_uri=jwks_uri,
        authorization_endpoint=_text(metadata, "authorization_endpoint"),
        token_endpoint=_text(metadata, "token_endpoint"),
        end_session_endpoint=_text(metadata, "end_session_endpoint"),
        token_endpoint_auth_methods=tuple(m for m in methods if isinstance(m, str))
        if isinstance(methods, list)
        else (),
        names_itself=metadata.get("authorization_response_iss_parameter_supported") is True,
        server_time=document.server_time,
    )


def _text(metadata: dict[str, object], name: str) -> str | None:
    value = metadata.get(name)
    return value if isinstance(value, str) else None


def _check_keys_address(jwks_uri: str, issuer: str, jwks_hosts: Collection[str]) -> None:
    try:
        keys = check_address(jwks_uri)
    except FetchFailed as error:
        raise DiscoveryFailed(f"the jwks_uri in the metadata of {issuer} is not usable ({error})") from None
    home = URL(issuer)
    own = (keys.scheme, keys.host, keys.port) == (home.scheme, home.host, home.port)
    if not own and keys.host not in jwks_hosts and f"{keys.host}:{keys.port}" not in jwks_hosts:
        raise DiscoveryFailed(
            f"the metadata of {issuer} points to keys on host {keys.host}, name it in jwks_hosts if that is right"
        )
