"""What comes before a start: the configuration read and bound, the modules found and imported. Nothing starts here.

`nexus serve` goes on from here; the commands that need no running host end here.
"""

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nexus.config.binding import bind
from nexus.config.host_binding import bind_host
from nexus.config.loading import Loaded, load
from nexus.config.problem import Problem
from nexus.config.scrubber import Scrubber
from nexus.config.settings import HostSettings, ModuleEntry
from nexus.config.tree import Tree
from nexus.discovery.candidate import Kind
from nexus.discovery.catalog import Catalog, ModuleRecord, discover
from nexus.discovery.finder import find, shipped_directory
from nexus.spec.state import ModuleState


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What the command line says of a start.

    Attributes:
        files: configuration files, lowest first; empty: `config.toml`, where it is there.
        environment: names the one environment; None: what `NEXUS_ENV` says.
        host: address to listen on; None: what the configuration says.
        port: likewise; 0 takes a free one.
        only: modules to run; None: all that are configured.
        safe_mode: run no module.
        strict: any module's failure ends the host.
    """

    files: tuple[Path, ...] = ()
    environment: str | None = None
    host: str | None = None
    port: int | None = None
    only: frozenset[str] | None = None
    safe_mode: bool = False
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Everything that can be known without a start.

    Attributes:
        loaded: the configuration as it was read.
        settings: None where the host itself cannot start with it.
        catalog: every module; there also where `settings` is None, so that all mistakes can be told at once.
        scrubber: knows every secret met so far.
        problems: of the files, the variables, the host's settings and the modules' tables; what is in a module's own
            settings is found where these are bound.
    """

    loaded: Loaded
    settings: HostSettings | None
    catalog: Catalog
    scrubber: Scrubber
    problems: tuple[Problem, ...]


def prepare(
    options: ServeOptions,
    environ: Mapping[str, str] = os.environ,
    *,
    scrubber: Scrubber | None = None,
    directory: Path | None = None,
    shipped: Path | None = None,
    reuse: Catalog | None = None,
) -> Prepared:
    """Reads the configuration, finds the modules and imports those that are to run.

    Without any configuration file the shipped modules that need no settings run, as if each had an empty table.

    Args:
        options: what the command line says.
        environ: the environment variables.
        scrubber: learns every secret; a new one where None.
        directory: where `config.toml` is looked for; the working directory where None.
        shipped: the folder of shipped modules; the host's own where None.
        reuse: an earlier catalog, whose modules are not imported again.

    Returns:
        What was found. Content that is wrong is in its problems; nothing is raised for it.
    """
    scrubber = scrubber or Scrubber()
    loaded = load(
        options.files,
        environment=options.environment,
        environ=environ,
        flags=_flags(options),
        directory=directory,
        scrubber=scrubber,
    )
    bound = bind_host(loaded, scrubber)
    found = _Search(options, loaded, scrubber, shipped or shipped_directory())
    modules = found.tables() if bound.value is None else bound.value
    if bound.value is not None and not loaded.files:
        modules, reuse = found.with_shipped(modules, reuse)
    catalog = found.catalog(modules, reuse)
    problems = tuple(dict.fromkeys((*loaded.problems, *bound.problems)))
    return Prepared(
        loaded=loaded,
        settings=modules if bound.value is not None else None,
        catalog=catalog,
        scrubber=scrubber,
        problems=problems,
    )


def _flags(options: ServeOptions) -> dict[str, object]:
    flags: dict[str, object] = {"global.server.host": options.host, "global.server.port": options.port}
    return {key: value for key, value in flags.items() if value is not None}


@dataclass(frozen=True, slots=True)
class _Search:
    options: ServeOptions
    loaded: Loaded
    scrubber: Scrubber
    shipped: Path

    def tables(self) -> HostSettings:
        """The modules' tables alone, for a host whose own settings cannot be used."""
        tree = Tree()
        tree.merge({"modules": self.loaded.tree.get(("modules",), {})}, {})
        alone = dataclasses.replace(self.loaded, tree=tree, problems=())
        return bind_host(alone, Scrubber()).value or HostSettings()

    def catalog(self, settings: HostSettings, reuse: Catalog | None) -> Catalog:
        return discover(
            settings,
            directory=self.loaded.directory,
            only=self.options.only,
            safe_mode=self.options.safe_mode,
            shipped=self.shipped,
            reuse=reuse,
        )

    def with_shipped(self, settings: HostSettings, reuse: Catalog | None) -> tuple[HostSettings, Catalog]:
        """Adds an empty table for each shipped module that runs with one, and gives what was imported to find out."""
        found = find(settings.modules, directory=self.loaded.directory, shipped=self.shipped)
        names = [each.name for each in found if each.kind is Kind.SHIPPED and not each.clash]
        added = {name: ModuleEntry() for name in names if name not in settings.modules}
        catalog = self.catalog(_with_modules(settings, added), reuse)
        usable = {name: entry for name, entry in added.items() if self._needs_nothing(catalog.records[name])}
        return _with_modules(settings, usable), catalog

    def _needs_nothing(self, record: ModuleRecord) -> bool:
        if record.state is ModuleState.DISABLED:
            return True
        if record.state is not ModuleState.STARTING or record.manifest is None:
            return False
        model = record.manifest.settings
        at = ("modules", record.name, "config")
        try:
            return model is None or bind(self.loaded.tree, at, model, scrubber=self.scrubber).value is not None
        except Exception:  # noqa: BLE001 - validators are the module's own code; one that raises needs attention
            return False


def _with_modules(settings: HostSettings, added: Mapping[str, ModuleEntry]) -> HostSettings:
    return settings.model_copy(update={"modules": {**settings.modules, **added}})
