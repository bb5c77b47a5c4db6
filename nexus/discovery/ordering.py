"""The order in which modules start, from what each requires and comes after. Pure: it looks at records only."""

import graphlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from nexus.discovery.catalog import ModuleRecord
from nexus.spec.state import ModuleState, Reason

_MAX_CHAIN: Final = 5
"""Modules that a reason names in one chain; a longer one is cut."""

_Graph = Mapping[str, frozenset[str]]


class StartOrder(NamedTuple):
    """Which modules start together and which do not start.

    Attributes:
        levels: names, sorted in each level; what a module requires or comes after lies in the levels before its own.
        blocked: why each of the others that could start otherwise must not.
    """

    levels: tuple[tuple[str, ...], ...]
    blocked: dict[str, Reason]


def levels(records: Mapping[str, ModuleRecord]) -> StartOrder:
    """Gives the start order of the records in state `STARTING`; read backwards, it is the order to stop in.

    A module is blocked by a required one that does not start and by a circle of `requires`. `after` blocks nothing:
    where it names a module that does not start, or closes a circle, it does not count.
    """
    manifests = {
        name: record.manifest
        for name, record in records.items()
        if record.state is ModuleState.STARTING and record.manifest is not None
    }
    required = {name: manifest.requires for name, manifest in manifests.items()}
    blocked = _blocked(records, required)
    going = manifests.keys() - blocked.keys()
    hard = {name: required[name] for name in going}
    both = {name: hard[name] | (manifests[name].after & going) for name in going}
    circles = _circles(both)
    graph = {
        name: frozenset(other for other in others if other in hard[name] or name not in circles.get(other, ()))
        for name, others in both.items()
    }
    return StartOrder(tuple(_layers(graph)), dict(sorted(blocked.items())))


def _layers(graph: _Graph) -> Iterator[tuple[str, ...]]:
    sorter = graphlib.TopologicalSorter(graph)
    sorter.prepare()
    while sorter.is_active():
        ready = sorter.get_ready()
        yield tuple(sorted(ready))
        sorter.done(*ready)


def _blocked(records: Mapping[str, ModuleRecord], required: _Graph) -> dict[str, Reason]:
    inner = {name: others & required.keys() for name, others in required.items()}
    blocked = {name: _in_circle(name, inner) for name in sorted(_circles(inner))}
    for name, others in sorted(required.items()):
        lacking = sorted(others - required.keys())
        if name not in blocked and lacking:
            blocked[name] = _without(lacking[0], records.get(lacking[0]))
    chains: dict[str, tuple[str, ...]] = {name: (name,) for name in blocked}
    fresh = frozenset(blocked)
    while fresh:
        reached = frozenset(name for name in inner.keys() - blocked.keys() if inner[name] & fresh)
        for name in reached:
            chains[name] = (name, *chains[min(inner[name] & fresh)])
            blocked[name] = _through(chains[name], blocked[chains[name][-1]])
        fresh = reached
    return blocked


def _circles(graph: _Graph) -> dict[str, frozenset[str]]:
    """Gives for each name that lies on a circle all it reaches among the names that may; most graphs have none."""
    left = _untangled(_untangled(graph), backwards=True)
    reached = {name: _reachable(name, left) for name in left}
    return {name: others for name, others in reached.items() if name in others}


def _untangled(graph: _Graph, *, backwards: bool = False) -> _Graph:
    """Drops, again and again, what has no edge out of it, or `backwards` into it: such names lie on no circle."""
    while True:
        targets = frozenset().union(*graph.values()) if backwards else graph.keys()
        kept = {name for name in graph if (name in targets if backwards else graph[name])}
        if len(kept) == len(graph):
            return graph
        graph = {name: graph[name] & kept for name in kept}


def _reachable(start: str, graph: _Graph) -> frozenset[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for other in graph[waiting.pop()] - seen:
            seen.add(other)
            waiting.append(other)
    return frozenset(seen)


def _in_circle(name: str, graph: _Graph) -> Reason:
    path = _shortest_circle(name, graph)
    return Reason("dependency_cycle", f"it requires itself ({_arrows(path)}): take one name out of 'requires'")


def _shortest_circle(name: str, graph: _Graph) -> tuple[str, ...]:
    paths: list[tuple[str, ...]] = [(name,)]
    seen = {name}
    for path in paths:  # grows while it is read: breadth first
        for other in sorted(graph[path[-1]]):
            if other == name:
                return (*path, name)
            if other not in seen:
                seen.add(other)
                paths.append((*path, other))
    return (name,)


def _without(name: str, record: ModuleRecord | None) -> Reason:
    remedy = f"add [modules.{name}] to the configuration"
    if record is None or record.state is ModuleState.NOT_FOUND:
        return Reason("dependency_missing", f"it requires {name!r}, which is not there: install it and {remedy}")
    if record.state is ModuleState.AVAILABLE:
        return Reason("dependency_missing", f"it requires {name!r}, which no table asks for: {remedy}")
    told = f": {record.reason.message}" if record.reason else ""
    return Reason("dependency_failed", f"it requires {name!r}, which {record.state.in_words}{told}")


def _through(chain: tuple[str, ...], root: Reason) -> Reason:
    return Reason(
        "dependency_failed",
        f"it requires {chain[1]!r}, which is blocked ({_arrows(chain)}); {chain[-1]!r} says: {root.message}",
    )


def _arrows(names: Iterable[str]) -> str:
    shown = list(names)
    if len(shown) > _MAX_CHAIN:
        shown = [*shown[: _MAX_CHAIN - 1], "…", shown[-1]]
    return " → ".join(shown)
