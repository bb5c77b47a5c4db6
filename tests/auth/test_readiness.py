"""What an operator is told of the issuers' keys by the readiness probe."""

from types import SimpleNamespace

import pytest

from nexus.auth.keys import IssuerStatus
from nexus.auth.readiness import keys_readiness


def issuer(name, level):
    return IssuerStatus(issuer=name, level=level, reason=f"{level} because")


@pytest.mark.parametrize(
    ("levels", "status", "codes"),
    [
        ([], "pass", []),
        (["pass"], "pass", []),
        (["pass", "warn"], "warn", ["keys_stale"]),
        (["fail", "pass"], "fail", ["keys_unavailable"]),
        (["warn", "fail"], "fail", ["keys_unavailable", "keys_stale"]),
    ],
)
def test_missing_keys_hold_readiness_and_old_ones_warn(levels, status, codes):
    authenticator = SimpleNamespace(status=lambda: [issuer(f"https://{n}/", level) for n, level in enumerate(levels)])

    told = keys_readiness(authenticator)

    assert (told.status, [reason.code for reason in told.reasons]) == (status, codes)
    assert all("because" in reason.message for reason in told.reasons)
