"""What answers as soon as the socket listens: the probes, and the public routes of modules.

Nothing that reads tokens, shows the host or makes pages is loaded for it: that follows, see `nexus.assembly`.
"""

from nexus.auth import resource_metadata
from nexus.auth.allowance import Allowance
from nexus.auth.audit import AuditLog
from nexus.auth.guard import Guard
from nexus.config.auth_settings import WITHOUT_TABLE
from nexus.config.settings import HostSettings
from nexus.config.state_dir import ensure
from nexus.host.host import Host
from nexus.http import application, probes
from nexus.http.host_routes import HostRoutes


class Front:
    """The application of one host, of which only this part serves until `complete` is called.

    Attributes:
        host: need not be entered yet.
        audit: where decisions on the introspection API are written.
        guard: lets nobody in before it has what verifies tokens.
        routes: of the host's own; the rest is added to it.
        app: what the server serves.

    Raises:
        StateDirectoryUnusable: the state directory cannot be made.
    """

    def __init__(self, host: Host, *, audit: AuditLog) -> None:
        settings = host.settings.global_
        ensure(host.state_dir)
        self.host = host
        self.audit = audit
        self.permission = (settings.auth or WITHOUT_TABLE).permission
        self.guard = Guard(
            resource_metadata=resource_metadata.address(settings),
            audit=audit,
            refusals=Allowance(logged_refusals(host.settings)),
        )
        self.routes = HostRoutes()
        probes.add(self.routes, host, lambda request: self.guard.allows(request, self.permission))
        self.app = application.build(host, routes=self.routes, guard=self.guard.middleware, is_whole=False)

    def complete(self) -> None:
        """Serves all that was added to the routes, and lets in the requests that waited for it."""
        application.complete(self.app, self.routes)


def logged_refusals(settings: HostSettings) -> int:
    """Gives how many refusals are logged in a minute."""
    return (settings.global_.auth or WITHOUT_TABLE).logged_refusals
