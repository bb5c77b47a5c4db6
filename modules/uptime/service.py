"""Probes targets, keeps what is found, and tells what has changed; knows of no routes."""

import asyncio
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from pydantic import JsonValue, ValidationError

import nexus

from .history import MEMORY, Change, History, State
from .probing import probe
from .settings import Settings

NO_TARGETS: Final = "no targets are configured: add [[modules.uptime.config.targets]]"

_CACHED: Final = 604_800.0
"""Seconds, a week: what was found before a longer outage of the host says nothing of today."""

_NAMED: Final = 10
"""Targets that the check names; the route has them all."""

Context = nexus.ModuleContext[Settings]


class UnknownTarget(nexus.NexusError):
    """Somebody names a target that is not configured."""


class Board:
    """The histories of all targets, for one start of the module.

    Args:
        settings: the module's.
    """

    def __init__(self, settings: Settings) -> None:
        self.histories: Mapping[str, History] = {
            target.name: History(target, keep=settings.keep, failures_before_down=settings.failures_before_down)
            for target in settings.targets
        }
        self._places = asyncio.Semaphore(settings.concurrency)

    def get(self, name: str) -> History:
        """Gives the history of a target.

        Raises:
            UnknownTarget: there is none of this name.
        """
        if name not in self.histories:
            known = ", ".join(sorted(self.histories)) or "none"
            raise UnknownTarget(f"there is no target {name!r}: the configured ones are {known}")
        return self.histories[name]

    def names(self, state: State) -> list[str]:
        """Gives the names of the targets in a state."""
        return [name for name, history in self.histories.items() if history.state is state]

    async def refresh(self, cache: nexus.Cache) -> None:
        """Learns what was found before this start, or by other replicas."""
        await asyncio.gather(*(_recall(history, cache) for history in self.histories.values()))

    async def probe(
        self, names: Iterable[str], context: Context, *, on_done: Callable[[int], None] = lambda _: None
    ) -> list[Change]:
        """Probes the targets, as many at once as `concurrency` says, and gives the changes, which it publishes.

        Raises:
            UnknownTarget: a name is no target's; nothing was probed.
        """
        chosen = [self.get(name) for name in dict.fromkeys(names)]
        changes: list[Change] = []
        done = 0

        async def one(history: History) -> None:
            nonlocal done
            # Held over all runs: two jobs at once ask no more than one.
            async with self._places:
                change = await _probe(history, context)
            changes.extend([change] if change else [])
            done += 1
            on_done(done)

        async with asyncio.TaskGroup() as group:
            for history in chosen:
                group.create_task(one(history), name=f"uptime {history.target.name}")
        return changes


# The host gives a module no place for what belongs to one start of it. The registry lives exactly that long, and a
# run that a reload has overtaken still finds its own board by it.
_BOARDS: Final[weakref.WeakKeyDictionary[Any, Board]] = weakref.WeakKeyDictionary()


async def open_board(context: Context) -> Board:
    """Gives the board of this start, up to date."""
    board = _BOARDS.get(context.registry)
    if board is None:
        board = _BOARDS[context.registry] = Board(context.settings)
    await board.refresh(context.cache)
    return board


async def targets_are_up(context: Context) -> dict[str, JsonValue]:
    """Fail while a target is down, and name it."""
    board = await open_board(context)
    down, unknown = board.names(State.DOWN), board.names(State.UNKNOWN)
    if down:
        more = f" and {len(down) - _NAMED} more" if len(down) > _NAMED else ""
        raise RuntimeError(f"down: {', '.join(down[:_NAMED])}{more}")
    told: dict[str, JsonValue] = {"targets": len(board.histories), "unknown": len(unknown)}
    return told if board.histories else {**told, "note": NO_TARGETS}


async def _probe(history: History, context: Context) -> Change | None:
    change = history.record(await probe(context.http, history.target))
    await context.cache.set(_key(history), MEMORY.dump_python(history.memory(), mode="json"), ttl=_CACHED)
    if change is not None:
        context.logger.info(
            "target %s is %s%s",
            change.name,
            change.after,
            f": {change.reason}" if change.reason else "",
            extra={"event": "uptime.target.changed", "target": change.name},
        )
        told = {"name": change.name, "from": str(change.before), "to": str(change.after), "reason": change.reason}
        context.events.publish("target.changed", told)
    return change


async def _recall(history: History, cache: nexus.Cache) -> None:
    found = await cache.get(_key(history))
    if found is None:
        return
    try:
        history.recall(MEMORY.validate_python(found))
    except ValidationError:
        return  # another version of this module has written it; the next probe writes it anew


def _key(history: History) -> str:
    return f"target:{history.target.name}"
