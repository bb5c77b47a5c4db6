"""Why a token is taken or not, rule by rule, for the operator who holds it; the token itself is never shown."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from nexus.auth.authenticator import Authenticator
from nexus.auth.refusal import Reason, Refusal
from nexus.auth.token_rules import TokenRules
from nexus.spec.principal import Principal

_MAX_SHOWN = 200

# In the order in which the verifier looks; each reason belongs to one rule.
_RULES: tuple[tuple[str, frozenset[Reason]], ...] = (
    ("form", frozenset({Reason.TOO_LONG, Reason.NOT_COMPACT_JWS, Reason.MALFORMED_CLAIMS})),
    (
        "header",
        frozenset({
            Reason.MALFORMED_HEADER, Reason.CRITICAL_HEADER, Reason.ENCRYPTED, Reason.NESTED, Reason.MALFORMED_KID,
        }),
    ),
    ("issuer", frozenset({Reason.UNKNOWN_ISSUER})),
    ("algorithm", frozenset({Reason.WRONG_ALGORITHM})),
    ("key", frozenset({Reason.MISSING_KID, Reason.UNKNOWN_KID, Reason.WRONG_KEY})),
    ("signature", frozenset({Reason.BAD_SIGNATURE})),
    ("type", frozenset({Reason.WRONG_TYPE, Reason.ID_TOKEN, Reason.NOT_AN_ACCESS_TOKEN, Reason.BOUND_TOKEN})),
    ("claims", frozenset({Reason.MISSING_CLAIM, Reason.MALFORMED_CLAIM})),
    ("audience", frozenset({Reason.WRONG_AUDIENCE, Reason.WRONG_TENANT})),
    ("client", frozenset({Reason.WRONG_CLIENT})),
    (
        "time",
        frozenset({
            Reason.MALFORMED_TIME, Reason.EXPIRED, Reason.NOT_YET_VALID, Reason.ISSUED_IN_FUTURE, Reason.LIVES_TOO_LONG,
        }),
    ),
    ("permission", frozenset({Reason.LACKS_PERMISSION})),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What one rule says.

    Attributes:
        rule: its name.
        outcome: `not reached` after the first that fails.
        detail: what was found and what is expected; one line of ASCII.
    """

    rule: str
    outcome: Literal["holds", "fails", "not reached"]
    detail: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decision on a token: the principal, or None; and every rule in the order of looking."""

    principal: Principal | None
    rules: tuple[RuleOutcome, ...]

    @property
    def accepted(self) -> bool:
        """True where every rule holds, the permission included."""
        return all(rule.outcome == "holds" for rule in self.rules)


async def explain(authenticator: Authenticator, token: str, *, permission: str | None = None) -> Explanation:
    """What is decided of a token now, and by which rule.

    Args:
        authenticator: decides.
        token: of any form.
        permission: what is asked for; None: nothing.

    Raises:
        KeysUnavailable: the keys of its issuer are not to be had.
    """
    principal: Principal | None = None
    reason: Reason | None = None
    try:
        principal = await authenticator.authenticate(token)
    except Refusal as refusal:
        reason = refusal.reason
        what = f": {refusal.detail}" if refusal.detail else ""
        failure = f"{reason.value.replace('_', ' ')}{what}"
    else:
        failure = ""
        if permission is not None and not principal.has(permission):
            reason, failure = Reason.LACKS_PERMISSION, f"the token does not permit {_shown(permission)}"
    found = _Found(authenticator, token)
    outcomes: list[RuleOutcome] = []
    failed = False
    for name, reasons in _RULES:
        fails = reason in reasons or (reason is Reason.INTERNAL and not failed)
        outcome: Literal["holds", "fails", "not reached"] = "not reached" if failed else "fails" if fails else "holds"
        facts = found.about(name)
        detail = "; ".join(text for text in (failure if fails and not failed else "", facts) if text)
        outcomes.append(RuleOutcome(name, outcome, detail))
        failed = failed or fails
    return Explanation(principal, tuple(outcomes))


class _Found:
    """What a token says of itself, beside what is expected; all unverified."""

    def __init__(self, authenticator: Authenticator, token: str) -> None:
        self._rules_by_issuer: dict[str, TokenRules] = {
            name: issuer.rules for issuer in authenticator.trusted for name in issuer.rules.accepted_issuers
        }
        try:
            parts = authenticator.verifier.parse(token)
        except Refusal:
            self._claims: dict[str, object] = {}
            self._header: tuple[str, str | None, str | None] = ("", None, None)
        else:
            self._claims = parts.claims
            self._header = (parts.header.algorithm, parts.header.kid, parts.header.type)
        issuer = self._claims.get("iss")
        self._rules = self._rules_by_issuer.get(issuer) if isinstance(issuer, str) else None

    def about(self, rule: str) -> str:
        """One line on a rule; empty where there is nothing to say."""
        claims, rules = self._claims, self._rules
        if not claims:
            return ""
        if rule == "issuer":
            return f"iss is {_shown(claims.get('iss'))}, trusted are {_shown(sorted(self._rules_by_issuer))}"
        if rules is None:
            return ""
        lines = {
            "algorithm": f"alg is {_shown(self._header[0])}, allowed are {_shown(list(rules.algorithms))}",
            "key": f"kid is {_shown(self._header[1])}",
            "type": f"typ is {_shown(self._header[2])}, profile {rules.profile}",
            "audience": f"aud is {_shown(claims.get('aud'))}, expected {_shown(rules.audience)}",
            "client": f"allowed are {_shown(sorted(rules.clients) or 'all')}",
            "time": f"nbf {_instant(claims.get('nbf'))}, iat {_instant(claims.get('iat'))},"
            f" exp {_instant(claims.get('exp'))}, leeway {rules.leeway:g} s",
        }
        return lines.get(rule, "")


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."


def _instant(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "absent" if value is None else "malformed"
    try:
        return datetime.fromtimestamp(value, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return "malformed"
