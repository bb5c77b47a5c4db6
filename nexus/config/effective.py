"""The settings in effect: every leaf with its origin, and no secret."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, JsonValue, SecretBytes, SecretStr

from nexus.config.model_fields import accepted_keys, is_untyped
from nexus.config.model_fields import is_secret as is_secret_type
from nexus.config.origin import DEFAULT, Origin, Path, dotted, undotted
from nexus.config.scrubber import Scrubber
from nexus.config.secret import SECRET_MASK, Secret
from nexus.config.tree import Tree

_USERINFO: Final = re.compile(r"(?<=://)[^/?#\s]*@")
_QUERY_SECRET: Final = re.compile(r"(?<=[?&]password=)[^&#\s]+")  # as PostgreSQL's URLs may have it


@dataclass(frozen=True, slots=True)
class SettingView:
    """One setting in effect.

    Attributes:
        path: below the table that was bound.
        value: None for a secret; user and password of a URL are masked.
        secret: whether the value is kept back: it is a `Secret`, came by reference, or nobody said what it holds.
        set: whether there is a value at all.
        source: `env:NAME` or `file:PATH` where it came by reference.
        origin: file and line, variable, flag or default.
    """

    path: str
    value: JsonValue
    secret: bool
    set: bool
    source: str | None
    origin: Origin


def views(value: BaseModel, tree: Tree, at: Path) -> tuple[SettingView, ...]:
    """Gives every leaf of a bound model, defaults included, in the order of the fields.

    Args:
        value: as `binding.bind` gave it.
        tree: what it was bound from.
        at: the table it was bound from.
    """
    # Pydantic warns of a value that is not of its field's type by quoting it; what it cannot dump is named by its type.
    dumped = value.model_dump(
        mode="json", by_alias=False, warnings=False, fallback=lambda other: f"({type(other).__name__})"
    )
    own = Scrubber()
    for text in (*tree.sourced_texts(at), *_revealed(value)):
        own.register(text)
    # A validator may have put a secret into another field, a connection string say.
    clean = own.scrub_data(dumped)
    return tuple(_Table(tree, at).of_model(value, clean, ()))


def _revealed(value: object) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, BaseModel):
        for _, inner in value:
            yield from _revealed(inner)
    elif isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _revealed(inner)


def as_config_json(settings: Sequence[SettingView]) -> dict[str, JsonValue]:
    """Gives the views as nested tables: a value, or `{"secret": true, "set": …, "source": …}`."""
    config: dict[str, JsonValue] = {}
    for view in settings:
        value = {"secret": True, "set": view.set, "source": view.source} if view.secret else view.value
        path = undotted(view.path)
        here: Any = config
        for part, following in zip(path, (*path[1:], None), strict=True):
            inner: Any = value if following is None else [] if isinstance(following, int) else {}
            if isinstance(here, list) and isinstance(part, int):
                here += [{} for _ in range(part - len(here))]  # elements without any setting
                here += [inner] if len(here) == part else []
            else:
                here.setdefault(part, inner)
            here = here[part]
    return config


@dataclass(frozen=True, slots=True)
class _Table:
    """The table that was bound, and the tree it is in."""

    tree: Tree
    at: Path

    def of_model(self, value: BaseModel, dumped: Any, below: Path) -> Iterator[SettingView]:
        for name, field in type(value).model_fields.items():
            path = (*below, _spelling(self.tree.get((*self.at, *below), {}), type(value), name))
            shown = dumped.get(name) if isinstance(dumped, Mapping) else None
            yield from self.of_value(getattr(value, name), shown, field.annotation, path)
        for name, extra in (value.model_extra or {}).items():
            yield from self.of_value(extra, None, Any, (*below, name))

    def of_value(self, value: object, shown: Any, annotation: object, path: Path) -> Iterator[SettingView]:
        """Goes into models, and into the arrays and tables that hold models; all else is a leaf."""
        if isinstance(value, BaseModel) and not value.__pydantic_root_model__:
            yield from self.of_model(value, shown, path)
        elif isinstance(value, list | tuple) and isinstance(shown, list) and any(map(_has_model, value)):
            for index, (element, each) in enumerate(zip(value, shown, strict=True)):
                yield from self.of_value(element, each, annotation, (*path, index))
        elif isinstance(value, dict) and isinstance(shown, dict) and any(map(_has_model, value.values())):
            for (key, element), each in zip(value.items(), shown.values(), strict=True):
                yield from self.of_value(element, each, annotation, (*path, str(key)))
        else:
            yield self._leaf(value, shown, annotation, path)

    def _leaf(self, value: object, shown: Any, annotation: object, path: Path) -> SettingView:
        whole = (*self.at, *path)
        source = self.tree.source(whole)
        # A value that is no model, a dataclass say, is one leaf, at whatever depth of it a secret stands.
        came_by_reference = source is not None or bool(self.tree.sources_below(whole))
        is_unknown = is_untyped(annotation) and value not in (None, {}, [])
        is_secret = came_by_reference or is_unknown or is_secret_type(annotation) or isinstance(value, Secret)
        origin = self.tree.origin(whole) if self.tree.has(whole) else DEFAULT
        if is_secret and source is None and origin.kind == "env":
            source = f"env:{origin.source}"
        return SettingView(
            path=dotted(path),
            value=None if is_secret else _masked(shown),
            secret=is_secret,
            set=value is not None and (bool(value) or not isinstance(value, str | Secret | SecretStr | SecretBytes)),
            source=source,
            origin=origin,
        )


def _has_model(value: object) -> bool:
    if isinstance(value, list | tuple | dict):
        return any(map(_has_model, value.values() if isinstance(value, dict) else value))
    return isinstance(value, BaseModel) and not value.__pydantic_root_model__


def _spelling(table: object, model: type[BaseModel], name: str) -> str:
    """The key as the configuration spells it; where it does not, as it could."""
    known = tuple(key for key, field in accepted_keys(model).items() if field == name)
    given = [key for key in known if isinstance(table, dict) and key in table]
    return next(iter([*given, *(() if name in known else known)]), name)


def _masked(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return _QUERY_SECRET.sub(SECRET_MASK, _USERINFO.sub(f"{SECRET_MASK}@", value))
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    if isinstance(value, dict):
        return {key: _masked(inner) for key, inner in value.items()}
    return [_masked(inner) for inner in value] if isinstance(value, list) else value
