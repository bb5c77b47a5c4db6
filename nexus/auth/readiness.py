"""What the state of the issuers' keys means for the host's readiness."""

from nexus.auth.authenticator import Authenticator
from nexus.host.readiness import Readiness, judge
from nexus.spec.state import Reason


def keys_readiness(authenticator: Authenticator) -> Readiness:
    """Fails where tokens of an issuer cannot be verified, warns where its last good keys serve while it is down."""
    failures, warnings = list[Reason](), list[Reason]()
    for status in authenticator.status():
        if not status.ok:
            failures.append(Reason("keys_unavailable", f"{status.issuer}: {status.reason}"))
        elif status.level == "warn":
            warnings.append(Reason("keys_stale", f"{status.issuer}: {status.reason}"))
    return judge(failures, warnings)
