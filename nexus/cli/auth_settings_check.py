"""What only the authentication can tell of its settings: the host refuses to start for these, so `check` tells them."""

from collections.abc import Iterator

from nexus.auth.exposure import LocalIssuerExposed, check_bind_address
from nexus.auth.token_rules import ContradictoryIssuers, all_rules
from nexus.cli.offline import Outlook
from nexus.config.problem import Problem


def auth_problems(outlook: Outlook) -> Iterator[Problem]:
    """Gives what keeps the host from serving with these issuers at this address."""
    settings, tree = outlook.prepared.settings, outlook.prepared.loaded.tree
    if settings is None:
        return
    try:
        check_bind_address(settings.global_.auth, settings.global_.server.host)
    except LocalIssuerExposed as error:
        yield Problem(tree.origin(("global", "server", "host")), "global.server.host", str(error))
    try:
        all_rules(settings.global_.auth) if settings.global_.auth else None
    except ContradictoryIssuers as error:
        yield Problem(tree.origin(("global", "auth")), "global.auth.issuers", str(error))
