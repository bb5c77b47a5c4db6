"""Registers what was imported with pluggy and asks it what it declares; a manager of its own for each module.

With one manager a module no call can reach two modules, so nothing one raises takes another's answer, and dropping
the manager drops every hook of the module.
"""

import contextlib
import functools
import inspect
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any, Final, TypeVar

import pluggy
from pydantic import BaseModel

from nexus.discovery.faults import ModuleFault, run_guarded
from nexus.discovery.importing import Imported
from nexus.spec import hooks
from nexus.spec.check import Check
from nexus.spec.context import ModuleContext
from nexus.spec.errors import InvalidDeclaration
from nexus.spec.event import ModuleEvent
from nexus.spec.job import Job, RunFinished
from nexus.spec.manifest import Manifest
from nexus.spec.module import Module
from nexus.spec.names import nearest
from nexus.spec.panel import Panel
from nexus.spec.route import Route
from nexus.spec.state import ModuleStateChanged

T = TypeVar("T")

_MARK: Final = f"{hooks.PROJECT}_impl"
"""The attribute by which pluggy knows an implementation."""

_HOOKS: Final = frozenset(name for name, value in vars(hooks).items() if hasattr(value, f"{hooks.PROJECT}_spec"))

_MAX_PARTS: Final = 10_000
"""Routes, checks or jobs of one module; an endless generator must end somewhere."""


logger = logging.getLogger("nexus.discovery")


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """A module's hooks after registration; what upper layers call later.

    Attributes:
        name: the module's.
        manager: knows this module alone.
        root: the file or folder of its code, to name lines at fault.
    """

    name: str
    manager: pluggy.PluginManager
    root: Path | None = None

    def lifespan(self, context: ModuleContext[Any]) -> AbstractAsyncContextManager[object] | None:
        """Gives what to enter at a start and to leave at the stop, None where the module has nothing of the kind.

        Raises:
            InvalidDeclaration: a hook gave something that cannot be entered, or called `sys.exit`.
            Exception: whatever else a hook raised, `NotReady` and its like included.
        """
        try:
            given = self.manager.hook.nexus_lifespan(context=context)
        except SystemExit as error:
            raise InvalidDeclaration("hook nexus_lifespan calls sys.exit: take the call out of the module") from error
        for lifespan in given:
            if not isinstance(lifespan, AbstractAsyncContextManager):
                raise InvalidDeclaration(f"hook nexus_lifespan gave {_kind(lifespan)}: give an async context manager")
        return _in_turn(given) if given else None

    def state_changed(self, event: ModuleStateChanged) -> None:
        """Tells the module of `event`; what its hook raises is logged and nothing else."""
        with contextlib.suppress(ModuleFault):
            caller = self.manager.hook.nexus_module_state_changed
            _call(self, functools.partial(caller, event=event), f"hook {caller.name}")

    def run_finished(self, event: RunFinished) -> None:
        """Tells the module of a run that has ended; what its hook raises is logged and nothing else."""
        with contextlib.suppress(ModuleFault):
            caller = self.manager.hook.nexus_run_finished
            _call(self, functools.partial(caller, event=event), f"hook {caller.name}")

    def module_event(self, event: ModuleEvent) -> None:
        """Tells the module of what one has published; what its hook raises is logged and nothing else."""
        with contextlib.suppress(ModuleFault):
            caller = self.manager.hook.nexus_module_event
            _call(self, functools.partial(caller, event=event), f"hook {caller.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """All that one module declares, typed and free of clashes within the module."""

    manifest: Manifest
    routes: tuple[Route, ...]
    checks: tuple[Check, ...]
    jobs: tuple[Job, ...]
    panels: tuple[Panel, ...]
    plugin: LoadedPlugin


def read_declarations(name: str, imported: Imported) -> Declared:
    """Registers what was imported for the module `name` and gives what it declares.

    Raises:
        ModuleFault: no or several modules in it, another name, a hook that is misspelt, async, raises or gives
            nonsense, two parts of one name.
    """
    return run_guarded(
        lambda: _read(name, imported),
        module=name,
        doing="its declaration",
        code="invalid_declaration",
        root=imported.root,
    )


def _read(name: str, imported: Imported) -> Declared:
    plugin = LoadedPlugin(name, _register(name, imported), imported.root)
    manifest = _manifest(plugin)
    routes = _parts(plugin, "nexus_routes", Route)
    checks = _parts(plugin, "nexus_checks", Check)
    jobs = _parts(plugin, "nexus_jobs", Job)
    panels = _parts(plugin, "nexus_panels", Panel)
    _refuse_twins("route", (f"{route.method} {route.path}" for route in routes))
    _refuse_twins("check", (check.name for check in checks))
    _refuse_twins("job", (job.type for job in jobs))
    _refuse_twins("panel", (panel.name for panel in panels))
    return Declared(manifest=manifest, routes=routes, checks=checks, jobs=jobs, panels=panels, plugin=plugin)


def _register(name: str, imported: Imported) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    functions = _hook_functions(imported.namespace)
    _point_out_unmarked(imported.namespace)
    module = _find_module(name, imported)
    if module is None and not functions:
        raise InvalidDeclaration(f"it declares no module: write '{name.replace('-', '_')} = nexus.Module({name!r}, …)'")
    # pluggy calls the last registered first: the module's own parts come before those of its functions
    for plugin in (SimpleNamespace(**functions) if functions else None, module):
        if plugin is None:
            continue
        try:
            manager.register(plugin)
        except pluggy.PluginValidationError as error:
            raise InvalidDeclaration(f"a hook does not fit: {str(error).splitlines()[-1]}") from error
    _check_implementations(manager)
    return manager


def _hook_functions(namespace: ModuleType) -> dict[str, Callable[..., object]]:
    """Only marked functions go to pluggy: it would look into every object of the Python module, properties included."""
    return {
        name: value for name, value in vars(namespace).items() if type(value) is FunctionType and hasattr(value, _MARK)
    }


def _point_out_unmarked(namespace: ModuleType) -> None:
    for name in _HOOKS & vars(namespace).keys():
        if type(value := vars(namespace)[name]) is FunctionType and not hasattr(value, _MARK):
            logger.warning(
                "%s: %s is no hook: mark it with nexus.hookimpl",
                Path(value.__code__.co_filename).name,
                name,
                extra={"event": "discovery.hook.unmarked"},
            )


def _find_module(name: str, imported: Imported) -> Module[Any] | None:
    value = imported.value
    if isinstance(value, Module):
        return value
    if not isinstance(value, ModuleType):
        raise InvalidDeclaration(f"its entry point names {_kind(value)}: name a nexus.Module or a Python module")
    # the type is asked, not the object: a proxy among the globals runs code when isinstance asks for its class
    by_attribute: dict[str, Module[Any]] = {
        key: item for key, item in vars(value).items() if issubclass(type(item), Module)
    }
    modules = {id(module): module for module in by_attribute.values()}
    if named := by_attribute.get(name.replace("-", "_")):
        return named
    if len(modules) > 1:
        modules = {key: module for key, module in modules.items() if module.name == name} or modules
    if len(modules) > 1:
        named_ones = ", ".join(sorted(repr(module.name) for module in modules.values()))
        raise InvalidDeclaration(f"it holds several modules ({named_ones}): name one of them '{name}', the file's name")
    return next(iter(modules.values()), None)


def _check_implementations(manager: pluggy.PluginManager) -> None:
    for _, plugin in manager.list_name_plugin():
        for caller in manager.get_hookcallers(plugin) or ():
            for implementation in caller.get_hookimpls():
                if not caller.has_spec() and not implementation.optionalhook:
                    near = nearest(caller.name, _HOOKS)
                    remedy = f"did you mean {near!r}?" if near else f"use one of {', '.join(sorted(_HOOKS))}"
                    raise InvalidDeclaration(f"there is no hook {caller.name!r}: {remedy}")
                function = implementation.function
                if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
                    raise InvalidDeclaration(f"hook {caller.name} is async: write 'def', a hook only declares")
    manager.check_pending()


def _manifest(plugin: LoadedPlugin) -> Manifest:
    if len(plugin.manager.hook.nexus_manifest.get_hookimpls()) > 1:
        raise InvalidDeclaration("it has a nexus.Module and a hook nexus_manifest: keep one of them")
    given = _call(plugin, plugin.manager.hook.nexus_manifest, "hook nexus_manifest")
    if not isinstance(given, Manifest):
        raise InvalidDeclaration(f"hook nexus_manifest gave {_kind(given)}: give a nexus.Manifest")
    if given.name != plugin.name:
        raise InvalidDeclaration(
            f"it calls itself {given.name!r} and is configured as {plugin.name!r}: use one name for both"
        )
    texts: dict[str, object] = {"version": given.version, "description": given.description}
    for field, text in texts.items():  # authors need not run a type checker
        if not isinstance(text, str):
            raise InvalidDeclaration(f"its {field} is {_kind(text)}: give a string")
    model: object = given.settings
    if model is not None and not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise InvalidDeclaration(f"its settings are {_kind(model)}: give a subclass of pydantic.BaseModel")
    return given


def _parts(plugin: LoadedPlugin, hook: str, kind: type[T]) -> tuple[T, ...]:
    caller = getattr(plugin.manager.hook, hook)
    parts: list[T] = []
    for given in _call(plugin, caller, f"hook {hook}"):
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise InvalidDeclaration(f"hook {hook} gave {_kind(given)}: give a list of nexus.{kind.__name__}")
        head = itertools.islice(
            _call(plugin, functools.partial(iter, given), f"hook {hook}"), _MAX_PARTS + 1 - len(parts)
        )
        for part in _call(plugin, functools.partial(list[object], head), f"hook {hook}"):
            if not isinstance(part, kind):
                raise InvalidDeclaration(f"hook {hook} gave {_kind(part)} in its list: give nexus.{kind.__name__}")
            parts.append(part)
    if len(parts) > _MAX_PARTS:
        raise InvalidDeclaration(f"hook {hook} gave more than {_MAX_PARTS} parts: declare fewer")
    return tuple(parts)


def _refuse_twins(kind: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidDeclaration(f"it declares the {kind} {name!r} twice: keep one of them")
        seen.add(name)


def _call(plugin: LoadedPlugin, call: Callable[[], T], doing: str) -> T:
    return run_guarded(call, module=plugin.name, doing=doing, code="hook_error", root=plugin.root)


def _kind(value: object) -> str:
    return f"an object of type {type(value).__name__!r}" if value is not None else "None"


@contextlib.asynccontextmanager
async def _in_turn(lifespans: Iterable[AbstractAsyncContextManager[object]]) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        for lifespan in lifespans:
            await stack.enter_async_context(lifespan)
        yield
