"""What an operator is told at the start about who can get at tokens; none of it keeps the host from serving."""

import logging
from collections.abc import Iterator

from nexus.auth.loopback import is_loopback
from nexus.config.auth_settings import AuthSettings
from nexus.config.settings import GlobalSettings
from nexus.spec.errors import NexusError

_log = logging.getLogger("nexus.auth")


class LocalIssuerExposed(NexusError):
    """The local issuer would serve on an address that others reach, and nobody allowed that."""


def local_issuer_serves(settings: AuthSettings | None) -> bool:
    """True where the local issuer's tokens are taken: no other issuer is configured, or `local` asks for it."""
    return settings is None or settings.local or not settings.all_issuers()


def check_bind_address(settings: AuthSettings | None, host: str) -> None:
    """Refuses to let the local issuer serve where others reach the host, unless `allow_remote_local` says so.

    Raises:
        LocalIssuerExposed: it would.
    """
    allowed = settings is not None and settings.allow_remote_local
    if local_issuer_serves(settings) and not allowed and not is_loopback(host):
        raise LocalIssuerExposed(
            f"the local issuer serves on this machine only but the host binds {host}: configure an issuer in"
            " [global.auth], set 'global.server.host' or --host to 127.0.0.1, or let others reach it with"
            " 'global.auth.allow_remote_local = true'"
        )


def log_exposures(settings: GlobalSettings) -> None:
    """Logs each as a warning."""
    for warning in exposures(settings):
        _log.warning(warning, extra={"event": "auth.exposed"})


def exposures(settings: GlobalSettings) -> Iterator[str]:
    """Gives a sentence for each way in that the settings open on purpose, or by mistake."""
    auth, host = settings.auth, settings.server.host
    if not is_loopback(host):
        if not settings.base_url.startswith("https://"):
            yield (
                f"the host binds {host} and speaks plain HTTP, so tokens can be read on their way: put a proxy with TLS"
                " before it, and the https address of that into base_url"
            )
        if local_issuer_serves(auth):
            yield f"the local issuer serves on {host}: whoever reads its file can make tokens"
    if auth is not None and auth.local and auth.all_issuers():
        yield "the local issuer serves beside the configured one: whoever reads its file can make tokens"
