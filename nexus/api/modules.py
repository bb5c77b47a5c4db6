"""`GET /api/modules` and below: all modules, also those that do not run, with the reason why."""

from aiohttp import web
from pydantic import JsonValue

from nexus.api.answers import Answers
from nexus.api.module_view import ModuleView, checks_by_module, module_view
from nexus.api.read_model import ReadModel
from nexus.api.resource import Resource
from nexus.checks.board import CheckResult
from nexus.config.effective import SettingView
from nexus.config.schema import settings_schema
from nexus.host.host import Host, HostedModule
from nexus.spec.errors import Problem


class SettingOriginView(ReadModel):
    """One setting with the place its value comes from."""

    path: str
    value: JsonValue
    secret: bool
    set: bool
    source: str | None
    origin: str


class Modules:
    """Reads modules out of the host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def views(self) -> list[ModuleView]:
        """Gives every module, ordered by name."""
        checks = checks_by_module(self._host.health.results())
        return [self._view(module, checks) for module in self._host.modules.values()]

    def view(self, name: str) -> ModuleView:
        """Gives one module.

        Raises:
            Problem: 404, no module of this name is known.
        """
        return self._view(self.module(name), checks_by_module(self._host.health.results()))

    def module(self, name: str) -> HostedModule:
        """Gives the hosted module itself.

        Raises:
            Problem: 404, no module of this name is known.
        """
        try:
            return self._host.modules[name]
        except KeyError:
            raise Problem(404, "there is no module of this name: GET /api/modules lists all") from None

    def _view(self, module: HostedModule, checks: dict[str, list[CheckResult]]) -> ModuleView:
        return module_view(module, f"/m/{module.name}", checks.get(module.name, []))


def resources(host: Host, answers: Answers) -> tuple[Resource, ...]:
    """Gives the resources of this file."""
    modules = Modules(host)

    async def every(_request: web.Request) -> web.Response:
        """List all modules, also those that do not run."""
        return answers.many(modules.views())

    async def one(request: web.Request) -> web.Response:
        """Show one module."""
        return answers.one(modules.view(request.match_info["module"]))

    async def config(request: web.Request) -> web.Response:
        """Show a module's settings with the origin of each; secrets are masked."""
        module = modules.module(request.match_info["module"])
        return answers.many([_origin_view(view) for view in module.settings_views])

    async def schema(request: web.Request) -> web.Response:
        """Show the JSON Schema (2020-12) of a module's settings."""
        manifest = modules.module(request.match_info["module"]).record.manifest
        if manifest is None:
            raise Problem(404, "this module's code is not loaded, so its schema is not known")
        return answers.document(settings_schema(manifest.settings))

    return (
        Resource(method="GET", path="/api/modules", handler=every, answer=ModuleView, many=True),
        Resource(method="GET", path="/api/modules/{module}", handler=one, answer=ModuleView),
        Resource(
            method="GET", path="/api/modules/{module}/config", handler=config, answer=SettingOriginView, many=True
        ),
        Resource(method="GET", path="/api/modules/{module}/schema", handler=schema, answer=None),
    )


def _origin_view(view: SettingView) -> SettingOriginView:
    return SettingOriginView(
        path=view.path,
        value=view.value,
        secret=view.secret,
        set=view.set,
        source=view.source,
        origin=str(view.origin),
    )
