"""What a token permits, by profile: rows C22 to C27 and C29."""

from typing import Any

from nexus.auth.refusal import Reason
from nexus.testing.issuer import ABSENT

from .case import API, Case


def _case(id_, expected, settings=None, *, rbac: Any = ABSENT, header=None, **claims):
    """Expected are the permissions of an accepted token, or the reason of a refusal."""
    is_reason = isinstance(expected, Reason)
    # `permissions` is the name of an argument of `mint`, which goes into `scope`.
    return Case(
        id=id_,
        make=lambda issuer: issuer.mint(header=header or {}, claims={"permissions": rbac, **claims}),
        reasons=(expected,) if is_reason else (),
        settings=settings or {},
        permissions=None if is_reason else frozenset(expected),
    )


_SCOPES = [
    ("admin", {"admin"}),
    ("read admin", {"read", "admin"}),
    ("read  admin ", {"read", "admin"}),
    (["admin"], {"admin"}),
    (["read admin"], {"read admin"}),
    ("administrator", {"administrator"}),
    ("admin:read", {"admin:read"}),
    ("Admin", {"Admin"}),
    ("admin,read", {"admin,read"}),
    ("admin\tread", {"admin\tread"}),
    ("admin\u00a0read", {"admin\u00a0read"}),
    ("", set()),
    ([], set()),
    (ABSENT, set()),
    (None, Reason.MALFORMED_CLAIM),
    ({"admin": 1}, Reason.MALFORMED_CLAIM),
    (1, Reason.MALFORMED_CLAIM),
    (True, Reason.MALFORMED_CLAIM),
    (["admin", 1], Reason.MALFORMED_CLAIM),
    ([["admin"]], Reason.MALFORMED_CLAIM),
]
_PERMISSIONS = [
    (["admin"], {"admin"}),
    (["read", "admin"], {"read", "admin"}),
    ([], set()),
    ("admin", Reason.MALFORMED_CLAIM),
    ([["admin"]], Reason.MALFORMED_CLAIM),
    (["admin", 1], Reason.MALFORMED_CLAIM),
    ({}, Reason.MALFORMED_CLAIM),
    ({"admin": True}, Reason.MALFORMED_CLAIM),
    (None, Reason.MALFORMED_CLAIM),
]


def _shown(value):
    return "absent" if value is ABSENT else ascii(value)


FORMS = [
    *(
        _case(f"C25-{profile}-{_shown(scope)}", expected, {"profile": profile}, scope=scope)
        for scope, expected in _SCOPES
        for profile in ("generic", "auth0")
    ),
    *(
        _case(f"C26-{profile}-{value!r}", expected, {"profile": profile}, scope=ABSENT, rbac=value)
        for value, expected in _PERMISSIONS
        for profile in ("generic", "auth0")
    ),
]

_AUTH0 = {"profile": "auth0"}
_AUTH0_APP = {"profile": "auth0", "clients": ["app"]}
_USERINFO: dict[str, Any] = {"aud": [API, "https://tenant.eu.auth0.com/userinfo"], "scope": "openid admin"}
AUTH0 = [
    _case("C27-empty-permissions", set(), _AUTH0, scope="admin", rbac=[]),
    _case("C27-fewer-permissions", {"read"}, _AUTH0, scope="admin", rbac=["read"]),
    _case("C27-without-rbac", {"admin"}, _AUTH0, scope="admin"),
    _case("C27-malformed-scope", Reason.MALFORMED_CLAIM, _AUTH0, scope=1, rbac=["read"]),
    _case("C22-azp", {"openid", "admin"}, _AUTH0_APP, **_USERINFO, azp="app"),
    _case("C22-other-azp", Reason.WRONG_CLIENT, _AUTH0_APP, **_USERINFO, azp="other"),
    _case("C22-no-azp", Reason.WRONG_CLIENT, _AUTH0_APP, **_USERINFO),
    _case("C22-two-clients", Reason.WRONG_CLIENT, _AUTH0_APP, **_USERINFO, azp="app", client_id="other"),
    _case("C22-list-of-azp", Reason.MALFORMED_CLAIM, _AUTH0_APP, **_USERINFO, azp=["app"]),
]

_COGNITO = {"profile": "cognito", "clients": ["app"]}
_USE: dict[str, Any] = {"aud": ABSENT, "token_use": "access", "client_id": "app", "header": {"typ": ABSENT}}
COGNITO = [
    _case(
        "C23-access",
        {"admin", f"{API}/admin", "other/admin", "openid"},
        _COGNITO,
        **_USE,
        scope=f"{API}/admin other/admin openid",
    ),
    _case(
        "C23-scopes-of-others",
        {"aws.cognito.signin.user.admin", "other/admin"},
        _COGNITO,
        **_USE,
        scope="aws.cognito.signin.user.admin other/admin",
    ),
    _case("C23-other-client", Reason.WRONG_CLIENT, _COGNITO, **{**_USE, "client_id": "other"}),
    _case("C23-no-client", Reason.MISSING_CLAIM, _COGNITO, **{**_USE, "client_id": ABSENT}),
    _case("C23-id", Reason.ID_TOKEN, _COGNITO, **{**_USE, "token_use": "id"}),
    _case("C23-no-use", Reason.MISSING_CLAIM, _COGNITO, **{**_USE, "token_use": ABSENT}),
    _case("C23-other-audience", Reason.WRONG_AUDIENCE, _COGNITO, **{**_USE, "aud": "other"}),
    _case("C23-under-another-profile", Reason.MISSING_CLAIM, {"profile": "generic"}, **_USE),
]

_ENTRA = {"profile": "entra"}
_TENANT = {"profile": "entra", "tenants": ["t1"]}
_V2 = {"typ": "JWT", "nonce": "n", "x5t": "x"}
ENTRA = [
    _case("C24-scp", {"admin", "read"}, _ENTRA, header=_V2, scp="admin read", azp="app"),
    _case("C24-roles", {"admin"}, _ENTRA, header=_V2, roles=["admin"], appid="app"),
    _case("C24-scp-before-roles", {"read"}, _ENTRA, header=_V2, scp="read", roles=["admin"]),
    _case("C24-scope-is-not-read", set(), _ENTRA, header=_V2, scope="admin"),
    _case("C24-roles-as-text", Reason.MALFORMED_CLAIM, _ENTRA, header=_V2, roles="admin"),
    _case("C24-tenant", set(), _TENANT, tid="t1"),
    _case("C24-other-tenant", Reason.WRONG_TENANT, _TENANT, tid="t2"),
    _case("C24-list-of-tenants", Reason.MALFORMED_CLAIM, _TENANT, tid=["t1"]),
    _case("C24-no-tenant", Reason.WRONG_TENANT, _TENANT),
]

DELEGATED = [
    _case("C29-actor", {"read"}, scope="read", act={"sub": "robot", "scope": "admin", "permissions": ["admin"]}),
]

GRANT_CASES: list[Case] = [*FORMS, *AUTH0, *COGNITO, *ENTRA, *DELEGATED]
