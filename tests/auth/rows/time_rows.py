"""Attacks by the times of a token, all validly signed: rows C9 to C13."""

import json

from nexus.auth.refusal import Reason
from nexus.testing.issuer import ABSENT

from .case import DAY, Case, accepted, claims_text, header_of, now, refused


def _raw(name, text):
    """Claims in which one value is written as the given text."""

    def make(issuer):
        claims = {**json.loads(claims_text(issuer)), name: "@@"}
        return issuer.sign(header_of(issuer), json.dumps(claims).replace('"@@"', text).encode())

    return make


_EXPIRIES = {
    "C9-null": ("null", Reason.MALFORMED_TIME),
    "C9-text": ('"9999999999"', Reason.MALFORMED_TIME),
    "C9-true": ("true", Reason.MALFORMED_TIME),
    "C9-list": ("[]", Reason.MALFORMED_TIME),
    "C9-object": ("{}", Reason.MALFORMED_TIME),
    "C9-NaN": ("NaN", Reason.MALFORMED_CLAIMS),
    "C9-Infinity": ("Infinity", Reason.MALFORMED_CLAIMS),
    "C9-1e400": ("1e400", Reason.MALFORMED_CLAIMS),
    "C9-negative": ("-1", Reason.MALFORMED_TIME),
    "C9-zero": ("0", Reason.MALFORMED_TIME),
    "C10-1e308": ("1e308", Reason.MALFORMED_TIME),
    "C10-10^18": ("1" + "0" * 18, Reason.MALFORMED_TIME),
    "C10-2^53": (str(2**53), Reason.MALFORMED_TIME),
    "C10-400-digits": ("9" * 400, Reason.MALFORMED_CLAIMS),
    "C10-5000-digits": ("9" * 5000, Reason.MALFORMED_CLAIMS),
    "C10-year-9998": ("253370764800", Reason.LIVES_TOO_LONG),
}

_TIMES_AGO = {-31: False, -30: False, -29: True, 0: True}
EXPIRIES = [
    *(refused(name, _raw("exp", text), reason) for name, (text, reason) in _EXPIRIES.items()),
    refused("C9-missing", lambda issuer: issuer.mint(exp=ABSENT), Reason.MISSING_CLAIM),
    accepted("C9-fraction", lambda issuer: issuer.mint(exp=now(issuer) + 0.5)),
    accepted("C10-a-day", lambda issuer: issuer.mint(ttl=DAY)),
    refused("C10-more-than-a-day", lambda issuer: issuer.mint(ttl=DAY + 1), Reason.LIVES_TOO_LONG),
    accepted("C10-a-day-from-now", lambda issuer: issuer.mint(ttl=DAY + 30, iat=ABSENT)),
    refused(
        "C10-more-than-a-day-from-now", lambda issuer: issuer.mint(ttl=DAY + 31, iat=ABSENT), Reason.LIVES_TOO_LONG
    ),
    refused("C10-a-day-since-issue", lambda issuer: issuer.mint(iat=now(issuer) - DAY, ttl=60), Reason.LIVES_TOO_LONG),
    *(
        Case(
            id=f"C11-{offset}",
            make=lambda issuer, offset=offset: issuer.mint(exp=now(issuer) + offset, iat=ABSENT),
            reasons=() if good else (Reason.EXPIRED,),
        )
        for offset, good in _TIMES_AGO.items()
    ),
]


def _ahead(claim, offset):
    return lambda issuer: issuer.mint(**{claim: now(issuer) + offset})


_NOT_TIMES = [None, "1", True, [], {}, -1, 1e300, 2**53]
STARTS = [
    accepted("C12-in-skew", _ahead("nbf", 30)),
    refused("C12-future", _ahead("nbf", 31), Reason.NOT_YET_VALID),
    refused("C12-after-exp", _ahead("nbf", 300), Reason.MALFORMED_TIME),
    accepted("C13-in-skew", _ahead("iat", 30)),
    refused("C13-future", _ahead("iat", 31), Reason.ISSUED_IN_FUTURE),
    refused("C13-after-exp", _ahead("iat", 300), Reason.MALFORMED_TIME),
    *(
        refused(
            f"{row}-{claim}-{value}",
            lambda issuer, claim=claim, value=value: issuer.mint(**{claim: value}),
            Reason.MALFORMED_TIME,
        )
        for row, claim in (("C12", "nbf"), ("C13", "iat"))
        for value in _NOT_TIMES
    ),
    *(
        refused(
            f"C13-rfc9068-without-{claim}",
            lambda issuer, claim=claim: issuer.mint(**{"client_id": "app", claim: ABSENT}),
            Reason.MISSING_CLAIM,
            profile="rfc9068",
        )
        for claim in ("iat", "jti", "client_id")
    ),
    accepted("C13-rfc9068", lambda issuer: issuer.mint(client_id="app"), profile="rfc9068"),
]

TIME_CASES: list[Case] = [*EXPIRIES, *STARTS]
