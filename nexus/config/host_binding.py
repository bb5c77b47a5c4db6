"""Binding the whole configuration: what is wrong in one module's tables is that module's matter, not the host's."""

from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from nexus.config.binding import Bound, bind
from nexus.config.loading import Loaded
from nexus.config.origin import Path, dotted, undotted
from nexus.config.problem import Problem
from nexus.config.scrubber import Scrubber
from nexus.config.settings import GlobalSettings, HostSettings, ModuleEntry
from nexus.config.tree import Tree
from nexus.spec.names import MODULE_NAME, nearest

_TABLES = ("global", "modules")


def bind_host(loaded: Loaded, scrubber: Scrubber) -> Bound[HostSettings]:
    """Binds `[global]` and every `[modules.<name>]`; the modules' own `config` tables stay as they are.

    The value is None where `[global]` itself cannot be used. A module whose table is wrong is still in it, with what of
    its table can be used, so that it is shown with its problems instead of missing.
    """
    tree = loaded.tree
    problems = list(_wrong_tables(tree))
    bound = bind(tree, ("global",), GlobalSettings, scrubber=scrubber)
    problems += bound.problems
    entries = {}
    for name in _module_names(tree):
        at: Path = ("modules", name)
        entry = bind(tree, at, ModuleEntry, scrubber=scrubber)
        problems += entry.problems
        entries[name] = entry.value or _salvaged(tree, at, entry.problems)
    if bound.value is None or any(problem.level == "error" for problem in host_problems((*loaded.problems, *problems))):
        return Bound(None, tuple(problems))
    return Bound(HostSettings.model_construct(global_=bound.value, modules=entries), tuple(problems))


def host_problems(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Gives the problems that keep the host as a whole from starting."""
    return tuple(problem for problem in problems if not problem.path.startswith("modules."))


def module_problems(problems: Iterable[Problem], name: str) -> tuple[Problem, ...]:
    """Gives the problems that are about one module."""
    own = dotted(("modules", name))
    return tuple(each for each in problems if each.path == own or each.path.startswith((f"{own}.", f"{own}[")))


def _wrong_tables(tree: Tree) -> Iterator[Problem]:
    for key, value in tree.data.items():
        if key not in _TABLES:
            near = nearest(key, _TABLES)
            hint = f"did you mean '{near}'?" if near else "known are [global] and [modules.<name>]"
            yield Problem(tree.origin((key,)), key, f"is not known here: {hint}")
        elif key == "modules" and not isinstance(value, dict):  # [global] is bound as a whole, and told there
            yield Problem(tree.origin((key,)), key, "is no table: write [modules.<name>]")
    modules = tree.get(("modules",), {})
    for name, value in modules.items() if isinstance(modules, dict) else ():
        path: Path = ("modules", name)
        if not isinstance(value, dict):
            yield Problem(tree.origin(path), dotted(path), f"is no table: write [modules.{name}]")
        elif not MODULE_NAME.fullmatch(name):
            message = "is no name for a module: use up to 64 of a-z, 0-9, '-' and '_', a letter first"
            yield Problem(tree.origin(path), dotted(path), message)


def _module_names(tree: Tree) -> tuple[str, ...]:
    modules = tree.get(("modules",), {})
    if not isinstance(modules, dict):
        return ()
    return tuple(name for name, value in modules.items() if isinstance(value, dict) and MODULE_NAME.fullmatch(name))


def _salvaged(tree: Tree, at: Path, problems: Iterable[Problem]) -> ModuleEntry:
    """Gives what of a module's table can be used, above all where it lies and whether the host needs it."""
    table = tree.get(at, {})
    wrong = {undotted(problem.path)[: len(at) + 1][-1:] for problem in problems if problem.level == "error"}
    usable = {key: value for key, value in table.items() if (key,) not in wrong} if isinstance(table, dict) else {}
    try:
        return ModuleEntry.model_validate(
            {key: value for key, value in usable.items() if key in ModuleEntry.model_fields}
        )
    except ValidationError:
        return ModuleEntry()
