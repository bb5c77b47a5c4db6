"""What a token must fulfil to be of an issuer: the settings of one issuer, resolved and frozen."""

from dataclasses import dataclass

from yarl import URL

from nexus.config.auth_settings import ALGORITHMS, AuthSettings, IssuerSettings
from nexus.spec.errors import NexusError

_ENTRA_ANY_TENANT = frozenset({"common", "organizations", "consumers"})
_ENTRA_TEMPLATE = "{tenantid}"


class ContradictoryIssuers(NexusError):
    """Two issuers of the configuration would claim the same tokens."""


class UnsafeAlgorithms(NexusError):
    """No algorithm is allowed, or one that anybody can sign with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """The rules for tokens of one issuer.

    Attributes:
        issuer: as configured; names the issuer in status and logs.
        accepted_issuers: exact values of `iss`; more than one only for many tenants of Entra.
        metadata_issuers: exact values of the `issuer` member of its metadata.
        audience: must be a member of `aud`.
        algorithms: allowed signature algorithms.
        profile: name of the profile, a key of `profiles.PROFILES`.
        leeway: seconds by which clocks may differ.
        max_lifetime: seconds that a token may live at most.
        max_text_length: characters of a subject, client, actor, tenant or token id.
        clients: clients whose tokens are taken; empty: of all.
        tenants: values of `tid` that are taken; empty: not looked at.
        jwks_uri: address of the key set; None: found by discovery.
        jwks_hosts: hosts besides the issuer's own that may hold its keys.
    """

    issuer: str
    accepted_issuers: tuple[str, ...]
    metadata_issuers: tuple[str, ...]
    audience: str
    algorithms: tuple[str, ...]
    profile: str
    leeway: float
    max_lifetime: float
    max_text_length: int = 255
    clients: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    jwks_uri: str | None = None
    jwks_hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # The settings refuse this too; here it holds for every way to the verifier, as joserfc takes an empty list for
        # its own choice, which has HS256 in it.
        if not self.algorithms or not ALGORITHMS.issuperset(self.algorithms):
            raise UnsafeAlgorithms(f"the algorithms for {self.issuer} are not all asymmetric, list some that are")


def rules_for(settings: IssuerSettings) -> TokenRules:
    """The rules that the settings of one issuer describe."""
    accepted, metadata = _issuer_names(settings)
    return TokenRules(
        issuer=settings.issuer,
        accepted_issuers=accepted,
        metadata_issuers=metadata,
        audience=settings.audience,
        algorithms=tuple(settings.algorithms),
        profile=str(settings.profile),
        leeway=float(settings.leeway),
        max_lifetime=float(settings.max_lifetime),
        max_text_length=settings.max_text_length,
        clients=frozenset(settings.clients),
        tenants=frozenset(settings.tenants),
        jwks_uri=settings.jwks_uri,
        jwks_hosts=tuple(settings.jwks_hosts),
    )


def all_rules(settings: AuthSettings) -> tuple[TokenRules, ...]:
    """The rules of every configured issuer.

    Raises:
        ContradictoryIssuers: two of them accept the same value of `iss`.
    """
    rules = tuple(rules_for(issuer) for issuer in settings.all_issuers())
    names = [name for rule in rules for name in rule.accepted_issuers]
    for name in names:
        if names.count(name) > 1:
            raise ContradictoryIssuers(f"issuer {name} is configured twice, keep one of them")
    return rules


def _issuer_names(settings: IssuerSettings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Accepted values of `iss`, and of the metadata's `issuer`.

    The shared endpoints of Entra issue no tokens under their own name: `iss` names the tenant, in the form of version 1
    or 2, and the metadata has a template. So the tenants that the configuration lists are filled in.
    """
    url = URL(settings.issuer)
    tenant = url.path.strip("/").split("/")[0]
    if settings.profile != "entra" or tenant not in _ENTRA_ANY_TENANT:
        return (settings.issuer,), (settings.issuer,)
    template = settings.issuer.replace(f"/{tenant}/", f"/{_ENTRA_TEMPLATE}/", 1)
    names: list[str] = []
    for each in settings.tenants:
        names += (template.replace(_ENTRA_TEMPLATE, each), f"https://sts.windows.net/{each}/")
    return tuple(names), (settings.issuer, template)
