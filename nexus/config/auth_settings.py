"""`[global.auth]`: whose tokens open the host, and every bound of their verification."""

from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from nexus.spec.access import PERMISSION, PERMISSION_RULE

ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
"""Asymmetric signature algorithms (RFC 7518, section 3.1; RFC 8037; RFC 9864); no other is ever accepted."""

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
Profile = Literal["auth0", "rfc9068", "entra", "cognito", "generic"]
Seconds = Annotated[float, Field(gt=0, le=31_536_000, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1, max_length=2048)]


class AuthTable(BaseModel):
    """A table of the authentication settings: snake_case, or the camelCase of Nexus Switchboard."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, defer_build=True
    )


class KeySettings(AuthTable):
    """`[global.auth.keys]`: how an issuer's keys are fetched and kept; the defaults suit every issuer known to us."""

    ttl: Seconds = Field(600, description="Seconds a key set is fresh where the issuer's cache headers say nothing.")
    min_ttl: Seconds = Field(60, description="Seconds below which the issuer's cache headers are not followed.")
    max_ttl: Seconds = Field(
        3600, validate_default=True, description="Seconds above which the issuer's cache headers are not followed."
    )
    max_stale: Seconds = Field(86_400, description="Seconds the last good keys serve while the issuer is down.")
    cooldown: Seconds = Field(30, description="Seconds between two fetches that an unknown key id may force.")
    timeout: Seconds = Field(5, description="Seconds one fetch may take in all, so that a slow issuer cannot hang it.")
    connect_timeout: Seconds = Field(2, description="Seconds until the connection must stand.")
    max_bytes: int = Field(262_144, ge=1024, le=16_777_216, description="Bytes of one document, after decoding.")
    max_keys: int = Field(100, ge=1, le=10_000, description="Keys of one set; a longer set is refused.")
    negative_entries: int = Field(1024, ge=1, le=1_000_000, description="Unknown key ids remembered.")
    negative_ttl: Seconds = Field(60, description="Seconds that an unknown key id is remembered as unknown.")
    first_retry: Seconds = Field(1, description="Seconds after a failed fetch until the next; doubled with each.")
    last_retry: Seconds = Field(
        60, validate_default=True, description="Seconds between two fetches of an issuer that stays down, at most."
    )
    min_rsa_bits: int = Field(2048, ge=2048, le=16_384, description="Bits of an RSA key below which it is not used.")
    max_rsa_bits: int = Field(
        8192, ge=2048, le=16_384, validate_default=True, description="Bits of an RSA key above which it is not used."
    )
    max_exponent_bits: int = Field(32, ge=17, le=256, description="Bits of an RSA exponent above which its key is not.")

    # Rules between keys stand at the last of them and not with the whole model, so that each is told beside other
    # mistakes; a key that is wrong itself is not in `data`.
    @field_validator("max_ttl")
    @classmethod
    def _encloses(cls, value: float, info: ValidationInfo) -> float:
        if {"min_ttl", "ttl"} <= info.data.keys() and not info.data["min_ttl"] <= info.data["ttl"] <= value:
            raise ValueError("'ttl' lies outside 'min_ttl' to 'max_ttl': bring the three into order")
        return value

    @field_validator("last_retry", "max_rsa_bits")
    @classmethod
    def _is_not_below(cls, value: float, info: ValidationInfo) -> float:
        least = {"last_retry": "first_retry", "max_rsa_bits": "min_rsa_bits"}[info.field_name or ""]
        if info.data.get(least, value) > value:
            raise ValueError(f"'{least}' is above '{info.field_name}': bring the two into order")
        return value


class IssuerRules(AuthTable):
    """What may be said of every issuer, whether it stands alone or in a list."""

    jwks_uri: Text | None = Field(None, description="Where its keys are; found by discovery where absent.")
    algorithms: tuple[str, ...] = Field(("RS256",), min_length=1, description="Signature algorithms accepted of it.")
    profile: Profile = Field("generic", description="How its tokens name type, client and permissions.")
    leeway: float = Field(30, ge=0, le=300, description="Seconds its clock and ours may differ.")
    max_lifetime: Seconds = Field(86_400, description="Seconds a token may live; a longer one is refused.")
    max_text_length: int = Field(
        255, ge=1, le=2048, description="Characters of a subject, client, actor, tenant or token id."
    )
    clients: tuple[Text, ...] = Field((), description="Clients (`azp`, `client_id`) accepted; empty: every client.")
    tenants: tuple[Text, ...] = Field((), description="Tenant ids accepted of a multi-tenant Entra issuer.")
    token_endpoint: Text | None = Field(None, description="Where `nexus token` asks; found by discovery where absent.")
    jwks_hosts: tuple[Text, ...] = Field((), description="Hosts besides the issuer's own that may serve its keys.")

    @field_validator("jwks_uri", "token_endpoint")
    @classmethod
    def _is_safe(cls, value: str | None) -> str | None:
        return value if value is None else _safe_url(value)

    @field_validator("algorithms")
    @classmethod
    def _are_asymmetric(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not ALGORITHMS.issuperset(value):
            raise ValueError(f"only asymmetric algorithms are accepted: use some of {', '.join(sorted(ALGORITHMS))}")
        return value

    @field_validator("issuer", check_fields=False)
    @classmethod
    def _issuer_is_safe_and_fits_its_profile(cls, value: str | None, info: ValidationInfo) -> str | None:
        # As with keys; the tables below have the issuer, behind all that it has to fit.
        if value is None:
            return None
        issuer, profile = _safe_url(value), info.data.get("profile")
        multi_tenant = any(f"/{name}/" in f"{issuer}/" for name in ("common", "organizations", "consumers"))
        if profile == "entra" and multi_tenant and info.data.get("tenants") == ():
            raise ValueError("a multi-tenant Entra issuer takes tokens of every tenant: list yours in 'tenants'")
        if profile == "cognito" and info.data.get("clients") == ():
            raise ValueError("Cognito's tokens name no audience: list the accepted app clients in 'clients'")
        return issuer


class IssuerSettings(IssuerRules):
    """One issuer whose tokens are taken."""

    issuer: Text = Field(description="The exact `iss` of its tokens (RFC 7519, 4.1.1); https unless on loopback.")
    audience: Text = Field(description="The exact `aud` that names this host (RFC 7519, 4.1.3).")


class AuthSettings(IssuerRules):
    """`[global.auth]`: one issuer at the top level, or several `issuers`; with neither, the local one."""

    issuer: Text | None = Field(None, description="The exact `iss` of the one issuer's tokens.")
    audience: Text | None = Field(None, validate_default=True, description="The exact `aud` that names this host.")
    issuers: tuple[IssuerSettings, ...] = Field((), max_length=32, description="Several issuers, in place of one.")
    permission: Text = Field("admin", description="What the introspection API asks of a token.")
    max_token_bytes: int = Field(8192, ge=512, le=65_536, description="Bytes of a token; a longer one is refused.")
    max_header_bytes: int = Field(2048, ge=128, le=16_384, description="Bytes of a token's encoded header.")
    max_json_depth: int = Field(16, ge=2, le=64, description="Levels to which the JSON of a token may be nested.")
    max_integer_digits: int = Field(20, ge=10, le=300, description="Characters of an integer in the JSON of a token.")
    max_kid_length: int = Field(256, ge=1, le=1024, description="Characters of a key id, in tokens and in key sets.")
    local: bool = Field(False, description="Also take the local issuer's tokens while an issuer is configured.")
    allow_remote_local: bool = Field(False, description="Let the local issuer serve on an address beyond loopback.")
    cache_entries: int = Field(1024, ge=0, le=1_000_000, description="Verified tokens remembered; 0: none.")
    logged_refusals: int = Field(120, ge=1, le=60_000, description="Refusals logged in a minute; the rest are counted.")
    keys: KeySettings = Field(default_factory=KeySettings.model_construct, description="How keys are fetched and kept.")

    @field_validator("permission")
    @classmethod
    def _can_be_in_a_token(cls, value: str) -> str:
        if not PERMISSION.fullmatch(value):
            raise ValueError(f"is no permission: {PERMISSION_RULE}")
        return value

    @field_validator("audience")
    @classmethod
    def _comes_with_its_issuer(cls, value: str | None, info: ValidationInfo) -> str | None:
        # A wrong issuer has left `data`.
        is_with_issuer = info.data.get("issuer", "") is not None
        if is_with_issuer != (value is not None):
            missing = "audience" if is_with_issuer else "issuer"
            raise ValueError(f"'{missing}' is missing: an issuer's tokens are checked for both 'issuer' and 'audience'")
        return value

    @field_validator("issuers")
    @classmethod
    def _are_the_one_form(cls, value: tuple[IssuerSettings, ...], info: ValidationInfo) -> tuple[IssuerSettings, ...]:
        if value and info.data.get("issuer") is not None:
            raise ValueError("'issuer' and 'issuers' are both given: keep one of the two forms")
        if len({each.issuer for each in value}) != len(value):
            raise ValueError("an issuer is listed twice: keep one table for each")
        return value

    def all_issuers(self) -> tuple[IssuerSettings, ...]:
        """Gives every configured issuer; empty where the local issuer alone serves."""
        if self.issuer is None:
            return self.issuers
        return (IssuerSettings.model_construct(**{name: getattr(self, name) for name in IssuerSettings.model_fields}),)


WITHOUT_TABLE: Final = AuthSettings.model_construct()
"""What holds where there is no `[global.auth]`; like every default not validated, which would cost a model's schema."""


def _safe_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not a URL: write for instance 'https://tenant.eu.auth0.com/'") from None
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("is not a plain URL: write scheme, host and path, without user, query or fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise ValueError("does not use https: only a loopback address may use http")
    return value
