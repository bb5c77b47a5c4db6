"""`nexus token`: one bearer token on stdout and nothing else."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from nexus.cli.console import say
from nexus.cli.failure import ExitCode, Failed
from nexus.cli.options import Duration, configured

if TYPE_CHECKING:
    from nexus.config.auth_settings import AuthSettings, IssuerSettings
    from nexus.config.loading import Loaded

_HOUR_S: Final = 3600.0
_DAY_S: Final = 86_400.0
_SUBJECT: Final = "nexus-cli"


@click.command()
@configured
@click.option("--permission", "permissions", multiple=True, metavar="P", help="One it shall hold; may be repeated.")
@click.option("--ttl", type=Duration(), default=_HOUR_S, help="How long it lives; 1h unless given, at most 24h.")
@click.option("--subject", default=_SUBJECT, metavar="S", help=f"Who it is for; {_SUBJECT} unless given.")
@click.option("--issuer", metavar="URL", help="Which of several configured issuers to ask.")
@click.pass_context
def token(
    context: click.Context,
    /,
    *,
    files: tuple[Path, ...],
    environment: str | None,
    permissions: tuple[str, ...],
    ttl: float,
    subject: str,
    issuer: str | None,
) -> None:
    """Print one bearer token, with the permissions that are asked for and no other.

    The local issuer gives it; where the configuration names an issuer, that one does, by client credentials:
    NEXUS_CLIENT_ID and NEXUS_CLIENT_SECRET, or their _FILE forms.
    """
    from nexus.cli.remote import read_host_settings

    if not 0 < ttl <= _DAY_S:
        raise Failed("--ttl is out of bounds: a token lives more than 0 s and at most 24h", ExitCode.USAGE)
    loaded, settings = read_host_settings(files, environment)
    auth = settings.global_.auth
    if auth is not None and auth.all_issuers():
        for name in ("ttl", "subject"):
            if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
                say(f"warning: --{name} has no effect: a configured issuer decides it")
        given = _from_issuer(auth, _chosen(auth, issuer), permissions)
    else:
        if issuer is not None:
            raise Failed("--issuer has no choice: [global.auth] configures no issuer", ExitCode.USAGE)
        given = _from_local_issuer(loaded, permissions, ttl, subject)
    if not permissions:
        example = auth.permission if auth else "admin"
        say(f"warning: no permission was asked for, so the token has none of its own: add --permission {example}")
    click.echo(given)


def _from_local_issuer(loaded: "Loaded", permissions: tuple[str, ...], ttl: float, subject: str) -> str:
    from nexus.auth.local_issuer import CannotMint
    from nexus.cli.local import open_local_issuer

    try:
        return open_local_issuer(loaded).mint(subject=subject, permissions=permissions, ttl=ttl)
    except CannotMint as error:
        raise Failed(str(error), ExitCode.USAGE) from None


def _chosen(auth: "AuthSettings", wanted: str | None) -> "IssuerSettings":
    issuers = auth.all_issuers()
    matching = [each for each in issuers if wanted in (None, each.issuer)]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(each.issuer for each in issuers)
    problem = "several issuers are configured" if wanted is None else f"no issuer {wanted!r} is configured"
    raise Failed(f"{problem}: choose one with --issuer: {names}", ExitCode.USAGE)


def _from_issuer(auth: "AuthSettings", issuer: "IssuerSettings", permissions: tuple[str, ...]) -> str:
    import asyncio

    from nexus.auth.client_credentials import TokenNotGranted
    from nexus.auth.discovery import DiscoveryFailed
    from nexus.auth.document_fetch import FetchFailed

    client, secret = _credential("NEXUS_CLIENT_ID"), _credential("NEXUS_CLIENT_SECRET")
    try:
        return asyncio.run(_request(auth, issuer, permissions, client, secret))
    except TokenNotGranted as error:
        raise Failed(str(error), ExitCode.NOT_AUTHORISED) from None
    except (DiscoveryFailed, FetchFailed) as error:
        raise Failed(f"no token was had: {error}; 'nexus auth check' looks closer", ExitCode.UNREACHABLE) from None


def _credential(name: str) -> str:
    from nexus.config.secret_file import read_secret_file

    value, file = os.environ.get(name), os.environ.get(f"{name}_FILE")
    if value and file:
        raise Failed(f"{name} and {name}_FILE are both set: keep one of the two variables", ExitCode.USAGE)
    if file:
        text, finding = read_secret_file(file)
        if finding is not None and text is not None:
            say(f"warning: {name}_FILE: {finding[0]}")
        if text is None:
            raise Failed(f"{name}_FILE: {finding[0] if finding else 'cannot be read'}", ExitCode.USAGE)
        return text
    if not value:
        raise Failed(
            f"{name} is not set: the configured issuer gives tokens to a client that it knows, so set {name} or"
            f" {name}_FILE",
            ExitCode.USAGE,
        )
    return value


async def _request(
    auth: "AuthSettings", issuer: "IssuerSettings", permissions: tuple[str, ...], client: str, secret: str
) -> str:
    import aiohttp

    from nexus.auth.client_credentials import TokenRequest, request_token
    from nexus.auth.discovery import discover
    from nexus.auth.document_fetch import FetchLimits
    from nexus.auth.token_rules import rules_for

    limits = FetchLimits(auth.keys.timeout, auth.keys.connect_timeout, auth.keys.max_bytes)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False) as session:
        endpoint, methods = issuer.token_endpoint, tuple[str, ...]()
        if endpoint is None:
            rules = rules_for(issuer)
            metadata = await discover(
                session, rules.issuer, accepted=rules.metadata_issuers, jwks_hosts=rules.jwks_hosts, limits=limits
            )
            endpoint, methods = metadata.token_endpoint, metadata.token_endpoint_auth_methods
        if endpoint is None:
            raise Failed(
                f"the metadata of {issuer.issuer} has no token endpoint: set 'token_endpoint' in [global.auth]"
            )
        request = TokenRequest(
            endpoint=endpoint,
            client_id=client,
            client_secret=secret,
            audience=issuer.audience,
            permissions=permissions,
            profile=issuer.profile,
            auth_methods=methods,
        )
        return await request_token(session, request, limits)
