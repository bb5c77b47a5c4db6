"""The configuration as one tree of plain values, in which every value knows where it comes from."""

from collections.abc import Iterator, Mapping
from typing import Final

from nexus.config.origin import DEFAULT, Origin, Path, plain_key

_ABSENT: Final = object()
_TWO_SPELLINGS: Final = ("global", "auth")


class EnvText(str):
    """A text out of an environment variable: what it means is decided by the type of the setting it is bound to."""

    __slots__ = ()


class Tree:
    """Nested dictionaries and lists, with the origin of each place.

    Attributes:
        data: the plain values; do not change them.
    """

    def __init__(self) -> None:
        self.data: dict[str, object] = {}
        self._origins: dict[Path, Origin] = {}
        self._sources: dict[Path, str] = {}

    def get(self, path: Path, default: object = None) -> object:
        """Gives the value at `path`, `default` where there is none."""
        found: object = self.data
        for part in path:
            if (found := _child(found, part)) is _ABSENT:
                return default
        return found

    def origin(self, path: Path) -> Origin:
        """Gives the place of the value at `path`, or of the nearest table that would hold it.

        Here and in the other questions about a path, a key may be spelt as another case or separator has it.
        """
        path = self._as_spelt(path)
        for length in range(len(path), 0, -1):
            if (origin := self._origins.get(path[:length])) is not None:
                return origin
        return DEFAULT

    def source(self, path: Path) -> str | None:
        """Gives `env:NAME` or `file:PATH` where the value at `path`, or what holds it, came by reference."""
        path = self._as_spelt(path)
        for length in range(len(path), 0, -1):
            if (source := self._sources.get(path[:length])) is not None:
                return source
        return None

    def has(self, path: Path) -> bool:
        """True where something stands at `path`, also inside of a text that stands for a table."""
        found: object = self.data
        for part in self._as_spelt(path):
            if isinstance(found, EnvText):
                return True
            if (found := _child(found, part)) is _ABSENT:
                return False
        return True

    def sources_below(self, path: Path) -> tuple[Path, ...]:
        """Gives the places at `path` and below it whose values came by reference."""
        path = self._as_spelt(path)
        return tuple(place for place in self._sources if place[: len(path)] == path)

    def sourced_texts(self, path: Path) -> tuple[str, ...]:
        """Gives the texts at `path` and below it that came by reference, whole as their sources hold them."""
        found = (self.get(place) for place in self.sources_below(path))
        return tuple(text for text in found if isinstance(text, str))

    def merge(self, layer: Mapping[str, object], origins: Mapping[Path, Origin]) -> None:
        """Lays `layer` over the tree: tables merge deeply, anything else replaces."""
        self._merge((), self.data, layer, origins)

    def put(self, path: Path, value: object, origin: Origin, source: str | None = None) -> bool:
        """Sets one value, making the tables above it; False where something else than a table stands in the way."""
        target: object = self.data
        for position, part in enumerate(path[:-1]):
            if isinstance(target, dict) and part not in target:
                target[part] = {}
                self._origins.setdefault(path[: position + 1], origin)
            if (target := _child(target, part)) is _ABSENT:
                return False
        if not isinstance(target, dict) and _child(target, path[-1]) is _ABSENT:
            return False
        self._forget(path, _child(target, path[-1]))
        target[path[-1]] = value  # type: ignore[index]  # a table, or an array that has this element
        self._origins[path] = origin
        if source is not None:
            self._sources[path] = source
        return True

    def leaves(self) -> Iterator[tuple[Path, object]]:
        """Gives every place that is no table or array, and every empty one, depth first."""
        yield from _leaves((), self.data)

    def _as_spelt(self, path: Path) -> Path:
        found: object = self.data
        spelt: Path = ()
        for part in path:
            if isinstance(found, dict) and part not in found:
                part = next((key for key in found if plain_key(key) == plain_key(str(part))), part)  # noqa: PLW2901
            spelt = (*spelt, part)
            found = _child(found, part)
        return spelt

    def _merge(
        self, at: Path, target: dict[str, object], layer: Mapping[str, object], origins: Mapping[Path, Origin]
    ) -> None:
        for key, value in layer.items():
            path = (*at, key)
            if at[:2] == _TWO_SPELLINGS and key not in target:
                self._drop_other_spelling(at, target, key, layer)
            old = target.get(key)
            if isinstance(old, dict) and isinstance(value, dict):
                self._merge(path, old, value, origins)
                continue
            if key in target:
                self._forget(path, old)
            target[key] = value
            for place in _places(path, value):
                if place in origins:
                    self._origins[place] = origins[place]

    def _drop_other_spelling(self, at: Path, target: dict[str, object], key: str, layer: Mapping[str, object]) -> None:
        """A higher layer may spell a key otherwise; one layer with both spellings is a mistake that binding tells."""
        for other in [each for each in target if plain_key(each) == plain_key(key) and each not in layer]:
            if not isinstance(target[other], dict):
                self._forget((*at, other), target[other])
                del target[other]

    def _forget(self, path: Path, value: object) -> None:
        for place in _places(path, value):
            self._origins.pop(place, None)
            self._sources.pop(place, None)


def _leaves(path: Path, value: object) -> Iterator[tuple[Path, object]]:
    if isinstance(value, dict) and (value or not path):
        for key, inner in value.items():
            yield from _leaves((*path, key), inner)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves((*path, index), inner)
    else:
        yield path, value


def _places(path: Path, value: object) -> Iterator[Path]:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places((*path, key), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places((*path, index), inner)


def _child(container: object, part: str | int) -> object:
    is_there = (isinstance(container, dict) and part in container) or (
        isinstance(container, list) and isinstance(part, int) and 0 <= part < len(container)
    )
    return container[part] if is_there else _ABSENT  # type: ignore[index]  # just looked
