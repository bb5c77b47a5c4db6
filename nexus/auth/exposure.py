"""What an operator is told at the start about who can get at tokens; none of it keeps the host from serving."""

import logging
from collections.abc import Iterator

from nexus.auth.document_fetch import is_loopback
from nexus.auth.local_issuer import local_issuer_serves
from nexus.config.settings import GlobalSettings

_log = logging.getLogger("nexus.auth")


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
