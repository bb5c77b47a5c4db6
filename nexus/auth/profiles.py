"""How the access tokens of different makes of issuers differ: type, audience, client, permissions.

| profile | `typ` | audience | client | permissions |
|---|---|---|---|---|
| `generic` | absent, JWT or at+jwt | `aud` | `client_id`, else `azp` | `scope`, `scp` and `permissions` together |
| `auth0` | as generic | `aud` | `azp`, else `client_id` | `permissions` where present (RBAC), else `scope` |
| `rfc9068` | at+jwt, and all claims of its section 2.2 | `aud` | `client_id` | `scope`, a text |
| `entra` | as generic | `aud` | `azp` (v2), else `appid` (v1) | `scp` where present, else `roles` |
| `cognito` | as generic | `aud` where present | `client_id` | `scope`, also without the prefix `<audience>/` |

Which tokens are no access tokens is told in `token_kinds`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from nexus.auth.claim_values import Claims, scopes, text, texts
from nexus.auth.refusal import Reason, Refusal
from nexus.auth.token_rules import TokenRules

_ACCESS_TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt"})  # RFC 9068, section 2.1; RFC 7515, section 4.1.9
_ANY_TYPES = _ACCESS_TOKEN_TYPES | {"jwt", "application/jwt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The rules of one make of issuer.

    Attributes:
        types: allowed values of the header's `typ`, in lower case.
        type_required: whether `typ` may be absent.
        required: claims that must be there besides `iss`, `sub` and `exp`.
        client_claims: claims that name the client, the first that is there counts.
        audience_optional: whether a token without `aud` is taken (its client is then what is checked).
        permissions: reads what the token permits.
    """

    types: frozenset[str] = _ANY_TYPES
    type_required: bool = False
    required: tuple[str, ...] = ()
    client_claims: tuple[str, ...] = ("client_id", "azp")
    audience_optional: bool = False
    permissions: Callable[[Claims, TokenRules], list[str]]

    def check_type(self, token_type: str | None) -> None:
        """Refuses a token whose header says that it is something else (RFC 8725, section 3.11).

        Raises:
            Refusal: the type is another, or is missing where it must be there.
        """
        if token_type is None:
            if self.type_required:
                raise Refusal(Reason.WRONG_TYPE, "typ")
        elif token_type.lower() not in self.types:
            raise Refusal(Reason.WRONG_TYPE, "typ")

    def client(self, claims: Claims, rules: TokenRules) -> str | None:
        """The client that the token was issued to.

        Raises:
            Refusal: a claim that names it is malformed, or names a client that is not taken.
        """
        most = rules.max_text_length
        named = [client for name in self.client_claims if (client := text(claims, name, most)) is not None]
        if rules.clients and not (named and rules.clients.issuperset(named)):
            raise Refusal(Reason.WRONG_CLIENT)
        return named[0] if named else None


def _generic(claims: Claims, _rules: TokenRules) -> list[str]:
    return [*(scopes(claims, "scope") or ()), *(scopes(claims, "scp") or ()), *(texts(claims, "permissions") or ())]


def _auth0(claims: Claims, _rules: TokenRules) -> list[str]:
    # An API with RBAC puts into `permissions` what the user may do; `scope` still lists what the client asked for.
    scope = scopes(claims, "scope")
    permissions = texts(claims, "permissions")
    return scope or [] if permissions is None else permissions


def _rfc9068(claims: Claims, _rules: TokenRules) -> list[str]:
    return scopes(claims, "scope", lists=False) or []


def _entra(claims: Claims, _rules: TokenRules) -> list[str]:
    # A user's token has `scp`: what the client may do for the user. Adding the user's roles would lend them to every
    # client that may do anything for the user. An application's own token has only `roles`.
    delegated = scopes(claims, "scp")
    roles = texts(claims, "roles")
    return roles or [] if delegated is None else delegated


def _cognito(claims: Claims, rules: TokenRules) -> list[str]:
    # A custom scope is always `<identifier of the resource server>/<name>`.
    granted = scopes(claims, "scope") or []
    prefix = f"{rules.audience}/"
    return granted + [scope.removeprefix(prefix) for scope in granted if scope.startswith(prefix)]


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "generic": Profile(permissions=_generic),
        "auth0": Profile(client_claims=("azp", "client_id"), permissions=_auth0),
        "rfc9068": Profile(
            types=_ACCESS_TOKEN_TYPES,
            type_required=True,
            required=("iat", "jti", "client_id"),
            client_claims=("client_id",),
            permissions=_rfc9068,
        ),
        "entra": Profile(client_claims=("azp", "appid"), permissions=_entra),
        "cognito": Profile(
            required=("client_id", "token_use"),
            client_claims=("client_id",),
            audience_optional=True,
            permissions=_cognito,
        ),
    }
)
