"""The rules for the claims of a token whose signature is good: one function, in a fixed order, deciding without I/O."""

from dataclasses import dataclass

from nexus.auth.claim_values import Claims, text, time
from nexus.auth.profiles import Profile
from nexus.auth.refusal import Reason, Refusal
from nexus.auth.token_kinds import check_kind
from nexus.auth.token_rules import TokenRules


@dataclass(frozen=True, slots=True)
class Facts:
    """What the claims tell.

    Attributes:
        subject: `sub`.
        client: who the token was issued to, where the issuer tells.
        actor: `act.sub` (RFC 8693, section 4.1): who acts for the subject; it grants nothing.
        permissions: exact names.
        valid_from: first instant at which the token is good, leeway included.
        valid_until: first instant at which it is good no more, leeway included.
    """

    subject: str
    client: str | None
    actor: str | None
    permissions: frozenset[str]
    valid_from: float
    valid_until: float


def check_claims(claims: Claims, token_type: str | None, rules: TokenRules, profile: Profile, now: float) -> Facts:
    """What the claims tell, where every rule of the issuer holds at `now`.

    Raises:
        Refusal: a rule does not hold.
    """
    profile.check_type(token_type)
    check_kind(claims, is_marked=token_type is not None and token_type.lower().endswith("at+jwt"))
    for name in profile.required:
        if name not in claims:
            raise Refusal(Reason.MISSING_CLAIM, name)
    subject = text(claims, "sub", rules.max_text_length)
    if subject is None:
        raise Refusal(Reason.MISSING_CLAIM, "sub")
    text(claims, "jti", rules.max_text_length)
    _check_audience(claims, rules, profile)
    if rules.tenants and text(claims, "tid", rules.max_text_length) not in rules.tenants:
        raise Refusal(Reason.WRONG_TENANT, "tid")
    client = profile.client(claims, rules)
    valid_from, valid_until = validity(claims, rules, now)
    permissions = frozenset(profile.permissions(claims, rules))
    return Facts(subject, client, _actor(claims, rules), permissions, valid_from, valid_until)


def _check_audience(claims: Claims, rules: TokenRules, profile: Profile) -> None:
    audience = claims.get("aud")
    if audience == rules.audience:
        return
    if "aud" not in claims:
        if profile.audience_optional:
            return
        raise Refusal(Reason.MISSING_CLAIM, "aud")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or not all(isinstance(name, str) and name for name in named):
        raise Refusal(Reason.MALFORMED_CLAIM, "aud")
    if rules.audience not in named:
        raise Refusal(Reason.WRONG_AUDIENCE, "aud")


def validity(claims: Claims, rules: TokenRules, now: float) -> tuple[float, float]:
    """The span in which the token is good; the same numbers decide here and in the cache.

    Raises:
        Refusal: `now` lies outside, or a time claim is missing, malformed or contradicts another.
    """
    expires = time(claims, "exp")
    if expires is None:
        raise Refusal(Reason.MISSING_CLAIM, "exp")
    not_before = time(claims, "nbf")
    issued = time(claims, "iat")
    if (issued is not None and issued >= expires) or (not_before is not None and not_before >= expires):
        raise Refusal(Reason.MALFORMED_TIME, "exp")
    if issued is not None and expires - issued > rules.max_lifetime:
        raise Refusal(Reason.LIVES_TOO_LONG, "exp")
    until = expires + rules.leeway
    if now >= until:
        raise Refusal(Reason.EXPIRED, "exp")
    earliest = expires - rules.max_lifetime - rules.leeway
    if now < earliest:
        raise Refusal(Reason.LIVES_TOO_LONG, "exp")
    if not_before is not None:
        earliest = max(earliest, not_before - rules.leeway)
        if now < earliest:
            raise Refusal(Reason.NOT_YET_VALID, "nbf")
    if issued is not None:
        earliest = max(earliest, issued - rules.leeway)
        if now < earliest:
            raise Refusal(Reason.ISSUED_IN_FUTURE, "iat")
    return earliest, until


def _actor(claims: Claims, rules: TokenRules) -> str | None:
    actor = claims.get("act")
    return text(actor, "sub", rules.max_text_length) if isinstance(actor, dict) else None
