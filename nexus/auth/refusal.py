"""The two ways a request fails to be authenticated: it is refused, or nobody can tell because keys are missing.

The client is told the code only; the reason is for the log, the counters and the operator.
"""

from enum import StrEnum

from nexus.spec.errors import NexusError


class Code(StrEnum):
    """What a client is told (RFC 6750, section 3.1); `MISSING` has no error code on the wire."""

    MISSING = "missing"
    INVALID_REQUEST = "invalid_request"
    INVALID_TOKEN = "invalid_token"  # noqa: S105 - the error code of RFC 6750, not a secret
    INSUFFICIENT_SCOPE = "insufficient_scope"


class Reason(StrEnum):
    """Why a token was refused: a closed set, so that counters by reason are bounded."""

    NO_CREDENTIAL = "no_credential"
    SEVERAL_CREDENTIALS = "several_credentials"
    MALFORMED_CREDENTIAL = "malformed_credential"
    TOO_LONG = "too_long"
    NOT_COMPACT_JWS = "not_compact_jws"
    MALFORMED_HEADER = "malformed_header"
    MALFORMED_CLAIMS = "malformed_claims"
    CRITICAL_HEADER = "critical_header"
    ENCRYPTED = "encrypted"
    NESTED = "nested"
    WRONG_ALGORITHM = "wrong_algorithm"
    UNKNOWN_ISSUER = "unknown_issuer"
    MALFORMED_KID = "malformed_kid"
    MISSING_KID = "missing_kid"
    UNKNOWN_KID = "unknown_kid"
    WRONG_KEY = "wrong_key"
    BAD_SIGNATURE = "bad_signature"
    WRONG_TYPE = "wrong_type"
    ID_TOKEN = "id_token"  # noqa: S105 - a kind of token, not a secret
    NOT_AN_ACCESS_TOKEN = "not_an_access_token"  # noqa: S105 - as above
    BOUND_TOKEN = "bound_token"  # noqa: S105 - as above
    MISSING_CLAIM = "missing_claim"
    MALFORMED_CLAIM = "malformed_claim"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_TENANT = "wrong_tenant"
    WRONG_CLIENT = "wrong_client"
    MALFORMED_TIME = "malformed_time"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    ISSUED_IN_FUTURE = "issued_in_future"
    LIVES_TOO_LONG = "lives_too_long"
    LACKS_PERMISSION = "lacks_permission"
    # Of sign-in to the pages alone:
    FORGED_REQUEST = "forged_request"
    UNUSABLE_LINK = "unusable_link"
    UNKNOWN_ATTEMPT = "unknown_attempt"
    ISSUER_DECLINED = "issuer_declined"
    WRONG_NONCE = "wrong_nonce"
    INTERNAL = "internal"


class Refusal(NexusError):
    """A credential that is not accepted, and why.

    Attributes:
        code: what the client is told.
        reason: what the log and the counters are told.
        detail: which claim or member it is about; never a value that the client sent.
    """

    def __init__(self, reason: Reason, detail: str = "", *, code: Code = Code.INVALID_TOKEN) -> None:
        # The base class has nothing to add, and asking it takes as long as all this: refusals come in floods.
        self.code = code
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        # Not built before somebody reads it: a flood of refusals reads none.
        return f"the credential is refused ({self.reason}{': ' + self.detail if self.detail else ''})"


class KeysUnavailable(NexusError):
    """The issuer's keys are not to be had, so nothing can be decided; the answer is 503, never 401.

    Attributes:
        retry_after: whole seconds, at least 1, until another attempt makes sense.
    """

    def __init__(self, issuer: str, retry_after: int) -> None:
        super().__init__(f"the keys of issuer {issuer} are not available, retry in {retry_after} s")
        self.issuer = issuer
        self.retry_after = retry_after
