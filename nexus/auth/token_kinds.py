"""Which tokens are no access tokens, though validly signed by the issuer: ID, refresh, logout, event and proof tokens.

They are told by what only they carry. An ID token for a client that has the API's own name, without any such claim,
looks like an access token without permissions; configure `clients`, or an audience that is no client's name.
"""

from nexus.auth.claim_values import Claims
from nexus.auth.refusal import Reason, Refusal

# OpenID Connect Core, sections 2 and 3.3.2.11: hashes bind an ID token to what came with it.
_ID_TOKEN_HASHES = ("at_hash", "c_hash", "s_hash")
# RFC 8417 (security events, so also logout tokens), RFC 9449 (DPoP proofs).
_OTHER_KINDS = ("events", "htm", "htu", "sub_jwk", "toe")
# Keycloak tells the kind in a claim.
_KINDS_OF_OTHER_TOKENS = frozenset({"id", "refresh", "offline", "logout", "serialized-id"})
_ACCESS_MARKS = ("scope", "scp", "permissions")


def check_kind(claims: Claims, *, is_marked: bool) -> None:
    """Refuses what is not an access token.

    Args:
        claims: of a token whose signature is good.
        is_marked: whether the header's `typ` says that it is an access token.

    Raises:
        Refusal: it is another kind of token, or bound to a key that the caller would have to prove.
    """
    if "cnf" in claims:  # RFC 7800; as a plain bearer token it would be worth nothing of what it promises
        raise Refusal(Reason.BOUND_TOKEN, "cnf")
    kind = claims.get("typ")
    if isinstance(kind, str) and kind.lower() in _KINDS_OF_OTHER_TOKENS:
        raise Refusal(Reason.ID_TOKEN if kind.lower() == "id" else Reason.NOT_AN_ACCESS_TOKEN, "typ")
    use = claims.get("token_use", "access")
    if use != "access":
        raise Refusal(Reason.ID_TOKEN if use == "id" else Reason.NOT_AN_ACCESS_TOKEN, "token_use")
    for name in _OTHER_KINDS:
        if name in claims:
            raise Refusal(Reason.NOT_AN_ACCESS_TOKEN, name)
    for name in _ID_TOKEN_HASHES:
        if name in claims:
            raise Refusal(Reason.ID_TOKEN, name)
    is_bearer = is_marked or (isinstance(kind, str) and kind.lower() == "bearer")
    # Keycloak used to repeat the nonce in access tokens, which it marks as such.
    if not is_bearer and "nonce" in claims:
        raise Refusal(Reason.ID_TOKEN, "nonce")
    if not is_bearer and "token_use" not in claims and _is_for_its_own_client(claims):
        raise Refusal(Reason.ID_TOKEN, "aud")


def _is_for_its_own_client(claims: Claims) -> bool:
    """True where the only audience is the client itself and nothing tells of access, as in any ID token."""
    audience = claims.get("aud")
    only = audience[0] if isinstance(audience, list) and len(audience) == 1 else audience
    client = claims.get("azp", claims.get("client_id"))
    return only is not None and only == client and not any(name in claims for name in _ACCESS_MARKS)
