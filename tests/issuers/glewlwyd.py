"""Glewlwyd, a single sign-on server in C from Debian, as an issuer for tests: another make in another language."""

import json
import sqlite3
import urllib.parse

from tests import debian

from .exchange import Answer, exchange
from .foreign_issuer import AUDIENCE, OTHER_AUDIENCE, ForeignIssuer
from .signing_keys import key_set

SCOPES = ("admin", "read:secret")
REDIRECT = "http://127.0.0.1/"


def missing() -> str | None:
    """What is not installed, None when all is there."""
    return None if (debian.UNPACKED / "usr/bin/glewlwyd").exists() else "Debian's package glewlwyd"


class GlewlwydIssuer(ForeignIssuer):
    """Glewlwyd with its OpenID Connect plugin, set up through its own administration API."""

    @property
    def url(self) -> str:
        return f"{self._base}/oidc"

    @property
    def _base(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def command(self) -> tuple[list[str], dict[str, str]]:
        if not (self.folder / "glewlwyd.db").exists():
            self._create_database()
        settings = self.folder / "glewlwyd.conf"
        settings.write_text(self._settings())
        return [str(debian.UNPACKED / "usr/bin/glewlwyd"), "-c", str(settings)], debian.environment()

    def configure(self) -> None:
        session = self._sign_in()
        for scope in SCOPES:
            names = {"name": scope, "display_name": scope, "description": scope}
            self._call(session, "POST", "/scope/", {**names, "password_required": False, "scheme": {}})
        self._call(session, "POST", "/mod/plugin/", self._plugin())
        self._call(session, "POST", "/client/", self._client())
        person = {"username": "admin", "enabled": True, "scope": ["g_admin", "g_profile", "openid"]}
        self._call(session, "PUT", "/user/admin", person)

    def use_keys(self) -> None:
        session = self._sign_in()
        self._call(session, "PUT", "/mod/plugin/oidc", self._plugin())
        self._call(session, "PUT", "/mod/plugin/oidc/reset")

    def id_token(self) -> str:
        """An ID token for the client, as a person's browser gets it (OpenID Connect Core 1.0, section 3.2)."""
        session = self._sign_in()
        self._call(session, "PUT", f"/auth/grant/{self.client_id}", {"scope": "openid"})
        wanted = {"response_type": "id_token", "scope": "openid", "nonce": "nonce", "state": "state", "g_continue": ""}
        query = urllib.parse.urlencode({**wanted, "client_id": self.client_id, "redirect_uri": REDIRECT})
        back = self._call(session, "GET", f"/oidc/auth?{query}").headers["Location"]
        return urllib.parse.parse_qs(urllib.parse.urlsplit(back).fragment)["id_token"][0]

    def _create_database(self) -> None:
        database = sqlite3.connect(self.folder / "glewlwyd.db")
        database.executescript(
            (debian.UNPACKED / "usr/share/dbconfig-common/data/glewlwyd/install/sqlite3").read_text()
        )
        database.close()

    def _settings(self) -> str:
        code = debian.UNPACKED / "usr/lib/glewlwyd"
        values = {
            "port": self.port,
            "bind_address": "127.0.0.1",
            "external_url": f"http://127.0.0.1:{self.port}",
            "login_url": "login.html",
            "api_prefix": "api",
            "cookie_domain": "127.0.0.1",
            "cookie_secure": 0,
            "session_key": "GLEWLWYD2_SESSION_ID",
            "admin_scope": "g_admin",
            "profile_scope": "g_profile",
            "log_mode": "console",
            "log_level": "WARNING",
            "hash_algorithm": "SHA512",
            "user_module_path": f"{code}/user",
            "user_middleware_module_path": f"{code}/user_middleware",
            "client_module_path": f"{code}/client",
            "user_auth_scheme_module_path": f"{code}/scheme",
            "plugin_module_path": f"{code}/plugin",
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        lines.append(f'database = {{ type = "sqlite3"; path = "{self.folder}/glewlwyd.db"; }};')
        return "\n".join(lines)

    def _plugin(self) -> dict[str, object]:
        grants = {f"auth-type-{name}-enabled": False for name in ("token", "none", "password", "device")}
        parameters = {
            **grants,
            "iss": self.url,
            "jwt-type": "rsa",
            "jwt-key-size": "256",
            "jwks-private": key_set(*self.keys),
            "default-kid": self.keys[0]["kid"],
            "jwks-show": True,
            "subject-type": "public",
            "access-token-duration": 600,
            "refresh-token-duration": 3600,
            "code-duration": 60,
            "allow-non-oidc": True,
            "auth-type-client-enabled": True,
            "auth-type-implicit-enabled": True,
            "auth-type-code-enabled": True,
            "auth-type-refresh-enabled": True,
            "allowed-scope": ["openid", *SCOPES],
            "resource-allowed": True,
            "resource-scope": {scope: [AUDIENCE, OTHER_AUDIENCE] for scope in SCOPES},
            "resource-scope-and-client-property": False,
        }
        names = {"module": "oidc", "name": "oidc", "display_name": "OpenID Connect"}
        return {**names, "parameters": parameters, "order_rank": 0, "readonly": False}

    def _client(self) -> dict[str, object]:
        return {
            "client_id": self.client_id,
            "password": self.client_secret,
            "name": "Nexus's tests",
            "enabled": True,
            "confidential": True,
            "authorization_type": ["client_credentials", "id_token"],
            "token_endpoint_auth_method": ["client_secret_basic"],
            "redirect_uri": [REDIRECT],
            "scope": ["openid", *SCOPES],
        }

    def _sign_in(self) -> str:
        """The session cookie of the administrator that a new database holds."""
        answer = self._call("", "POST", "/auth/", {"username": "admin", "password": "password"})
        return answer.headers["Set-Cookie"].partition(";")[0]

    def _call(self, session: str, method: str, path: str, body: dict[str, object] | None = None) -> Answer:
        headers = {"Cookie": session, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        return exchange(method, self._base + path, headers=headers, body=data)
