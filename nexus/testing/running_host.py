"""A real host in the test's own process: real sockets on a free port, real tokens, nothing mocked."""

import asyncio
import json as json_text
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import aiohttp
from multidict import CIMultiDictProxy

from nexus.assembly import assembled
from nexus.auth.local_issuer import LocalIssuer
from nexus.config import state_dir as state_directory
from nexus.config.host_binding import bind_host
from nexus.config.loading import Loaded
from nexus.config.problem import InvalidConfig
from nexus.config.references import resolve
from nexus.config.scrubber import Scrubber
from nexus.config.tree import Tree
from nexus.discovery.catalog import Catalog, ModuleRecord, discover
from nexus.discovery.importing import Imported
from nexus.discovery.plugin import read_declarations
from nexus.host.host import Host
from nexus.host.hosted_module import HostedModule
from nexus.http.server import HttpServer
from nexus.spec.module import Module
from nexus.spec.state import ModuleState

WAIT: Final = 30.0
"""Seconds after which a state that a test waits for is taken not to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON; its shape is the test's to know."""
        return json_text.loads(self.body)


class RunningHost:
    """A host that serves.

    Attributes:
        url: scheme, address, port and mount point, without a slash at the end.
        host: the host itself.
    """

    def __init__(self, host: Host, server: HttpServer, session: aiohttp.ClientSession) -> None:
        self.host = host
        self.url = f"http://127.0.0.1:{server.port}" + host.settings.global_.path.rstrip("/")
        self._session = session

    def token(self, *permissions: str, subject: str = "tester", ttl: float = 300) -> str:
        """Gives a token of the host's local issuer with the permissions, good for `ttl` seconds."""
        issuer = LocalIssuer.open(self.host.state_dir)
        return issuer.mint(subject=subject, permissions=permissions, ttl=ttl)

    async def request(
        self,
        method: str,
        path: str,
        *,
        permissions: Iterable[str] | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        data: bytes | str | None = None,
    ) -> Answer:
        """Sends a request and reads the answer; redirections are answers too.

        Args:
            method: HTTP method.
            path: below the mount point, such as `/m/hello/hi`; sent as it is.
            permissions: sends a token with these; empty for a token without any, None for none.
            token: sends this token instead.
            headers: further header fields.
            json: a body to send as JSON.
            data: a body to send as it is.
        """
        sent = dict(headers or {})
        if token is None and permissions is not None:
            token = self.token(*permissions)
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        async with self._session.request(
            method, self.url + path, headers=sent, json=json, data=data, allow_redirects=False
        ) as response:
            return Answer(status=response.status, headers=response.headers, body=await response.read())

    async def get(self, path: str, *, permissions: Iterable[str] | None = None, token: str | None = None) -> Answer:
        """Sends a `GET`; see `request`."""
        return await self.request("GET", path, permissions=permissions, token=token)

    async def post(self, path: str, *, permissions: Iterable[str] | None = None, json: object = None) -> Answer:
        """Sends a `POST` with a JSON body; see `request`."""
        return await self.request("POST", path, permissions=permissions, json=json)

    def module(self, name: str) -> HostedModule:
        """Gives a module of the host."""
        return self.host.modules[name]

    async def wait_for(self, module: str, *states: ModuleState | str, timeout: float = WAIT) -> HostedModule:  # noqa: ASYNC109
        """Waits until a module is in one of `states`, and gives it.

        Raises:
            TimeoutError: it did not get there; the message tells where it stands.
        """
        wanted = {ModuleState(state) for state in states}
        hosted = self.module(module)
        try:
            async with asyncio.timeout(timeout):
                while hosted.status.state not in wanted:
                    await hosted.changed()
        except TimeoutError:
            status = hosted.status
            raise TimeoutError(f"module {module!r} is {status.state} ({status.reason}), not {sorted(wanted)}") from None
        return hosted

    async def wait_until(self, condition: Callable[[], object], *, timeout: float = WAIT) -> None:  # noqa: ASYNC109
        """Waits until `condition()` is true.

        Raises:
            TimeoutError: it did not become true.
        """
        async with asyncio.timeout(timeout):
            # The condition is the test's own code; nothing tells when it changes.
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.005)


@asynccontextmanager
async def running_host(
    *modules: Module[Any],
    state_dir: Path,
    settings: Mapping[str, Mapping[str, object]] | None = None,
    config: Mapping[str, object] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> AsyncIterator[RunningHost]:
    """Runs a host until the block is left; it is stopped as a signal would stop it.

    Args:
        modules: the modules under test; every one runs.
        state_dir: for keys and such; a new directory for each test.
        settings: what `[modules.<name>.config]` says, by module.
        config: the rest of the configuration as nested tables; its `modules` may name folders and shipped modules too.
        environ: the environment variables that references read.

    Raises:
        InvalidConfig: the host as a whole cannot start with this configuration.
    """
    loaded, scrubber = _loaded(modules, state_dir, settings or {}, config or {}, environ)
    bound = bind_host(loaded, scrubber)
    if bound.value is None:
        raise InvalidConfig((*loaded.problems, *bound.problems))
    catalog = _catalog(modules, discover(bound.value, directory=loaded.directory))
    host = Host(
        loaded, bound.value, catalog, scrubber=scrubber, environ={**environ, state_directory.VARIABLE: str(state_dir)}
    )
    async with assembled(host) as app, HttpServer(app, bound.value.global_.server) as server:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            await host.start()
            yield RunningHost(host, server, session)
        host.begin_drain()
        await server.drain(delay=0, grace=1, idle_chance=0)
        await host.stop(bound.value.global_.server.shutdown_grace)


def _loaded(
    modules: Iterable[Module[Any]],
    directory: Path,
    settings: Mapping[str, Mapping[str, object]],
    config: Mapping[str, object],
    environ: Mapping[str, str],
) -> tuple[Loaded, Scrubber]:
    tree = Tree()
    tree.merge({"global": {"server": {"host": "127.0.0.1", "port": 0}}}, {})
    tree.merge(config, {})
    tree.merge({"modules": {module.name: {} for module in modules}}, {})
    tree.merge({"modules": {name: {"config": dict(table)} for name, table in settings.items()}}, {})
    problems = tuple(resolve(tree, environ, directory))
    return Loaded(tree, problems, (), directory), Scrubber()


def _catalog(modules: Iterable[Module[Any]], found: Catalog) -> Catalog:
    records = dict(found.records)
    for module in modules:
        records[module.name] = _record(module, records[module.name])
    return Catalog(records, found.loaded)


def _record(module: Module[Any], found: ModuleRecord) -> ModuleRecord:
    namespace = ModuleType(module.name)
    namespace.module = module  # type: ignore[attr-defined]  # what an import would have put there
    declared = read_declarations(
        module.name, Imported(value=module, namespace=namespace, package=module.name, root=None, seconds=0.0)
    )
    return ModuleRecord(
        name=module.name,
        source="test",
        version=declared.manifest.version,
        description=declared.manifest.description,
        entry=found.entry,
        state=ModuleState.STARTING,
        manifest=declared.manifest,
        routes=declared.routes,
        checks=declared.checks,
        jobs=declared.jobs,
        panels=declared.panels,
        plugin=declared.plugin,
    )
