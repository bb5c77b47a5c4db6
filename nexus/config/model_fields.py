"""Looking into pydantic models: which keys a table may have, and which models lie below them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, is_dataclass
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import AliasChoices, AliasPath, BaseModel, JsonValue, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from nexus.config.origin import Path
from nexus.config.secret import Secret

Model = type[BaseModel]

_ARRAYS: Final = (list, tuple, set, frozenset, Sequence, AbstractSet, Iterable)


def spellings(name: str, field: FieldInfo) -> tuple[str, ...]:
    """Gives the keys that set a field: its name, where that is taken, and its aliases."""
    return tuple(dict.fromkeys((name, *_aliases(field))))


def _aliases(field: FieldInfo) -> Iterator[str]:
    given = field.alias if field.validation_alias is None else field.validation_alias
    for choice in given.choices if isinstance(given, AliasChoices) else [given]:
        first = choice.path[0] if isinstance(choice, AliasPath) else choice
        if isinstance(first, str):
            yield first


@lru_cache(maxsize=256)  # a table is looked at several times, and there may be a thousand
def accepted_keys(model: Model) -> dict[str, str]:
    """Gives every key that a table of `model` may have, with the name of its field."""
    by_name = bool(model.model_config.get("populate_by_name") or model.model_config.get("validate_by_name"))
    keys = {}
    for name, field in model.model_fields.items():
        has_alias = any(_aliases(field))
        for key in spellings(name, field):
            if key != name or by_name or not has_alias or name in _aliases(field):
                keys[key] = name
    return keys


def _options(annotation: object) -> Iterator[object]:
    """Gives the members of a union, and what a named or rooted type stands for."""
    if hasattr(annotation, "__value__"):  # a type alias, of Python or of typing_extensions
        yield from _options(annotation.__value__)
    elif get_origin(annotation) is Annotated:
        yield from _options(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for option in get_args(annotation):
            yield from _options(option)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation.__pydantic_root_model__:
        yield from _options(annotation.model_fields["root"].annotation)
    else:
        yield annotation


def models_below(annotation: object) -> tuple[tuple[str, Model], ...]:
    """Gives the models an annotation leads to, each with the way: `table`, `array` or `map`."""
    return tuple(_models_below(annotation, "table"))


def _models_below(annotation: object, way: str) -> Iterator[tuple[str, Model]]:
    for option in _options(annotation):
        if isinstance(option, type) and issubclass(option, BaseModel):
            yield way, option
        elif _is_table(option) and len(get_args(option)) == 2:
            yield from _models_below(get_args(option)[1], "map")
        elif get_origin(option) in _ARRAYS:
            for inner in get_args(option):
                yield from _models_below(inner, "array")


def is_secret(annotation: object) -> bool:
    """True where an annotation names a type that keeps its value to itself, at any depth."""
    if annotation in (Secret, SecretStr, SecretBytes):
        return True
    return any(is_secret(option) for option in get_args(annotation))


@dataclass(frozen=True, slots=True)
class Place:
    """A key that stands in a table, and what the table's model says of it.

    Attributes:
        path: below the table that was looked at first.
        value: what stands there.
        field: None where the model does not know the key.
        known: every key that the table may have; where it is of a union of models, those of all.
    """

    path: Path
    value: object
    field: FieldInfo | None
    known: dict[str, str]


def places(data: object, model: Model, path: Path = ()) -> Iterator[Place]:
    """Gives every key of a table and of the tables below it that have a model, parents first.

    A table of a union of models is all of them at once: it gives a key once for each that knows it.
    """
    return _places(data, (model,), path)


def _places(data: object, annotations: Iterable[object], path: Path) -> Iterator[Place]:
    if not isinstance(data, dict | list):
        return
    options = [option for annotation in annotations for option in _options(annotation)]
    if isinstance(data, dict):
        models = [option for option in options if isinstance(option, type) and issubclass(option, BaseModel)]
        if models:
            yield from _keys(data, models, path, is_open=len(models) < sum(map(_is_table, options)))
        else:
            inner = [get_args(option)[1] for option in options if len(get_args(option)) == 2 and _is_table(option)]
            for key, value in data.items():
                yield from _places(value, inner, (*path, key))
    else:
        inner = [each for option in options if get_origin(option) in _ARRAYS for each in get_args(option)]
        for index, value in enumerate(data):
            yield from _places(value, inner, (*path, index))


def _keys(data: dict[str, object], models: list[Model], path: Path, *, is_open: bool) -> Iterator[Place]:
    is_open = is_open or any(model.model_config.get("extra") == "allow" for model in models)
    accepted = [(model, accepted_keys(model)) for model in models]
    known = {key: name for _, keys in accepted for key, name in keys.items()}
    for key, value in data.items():
        fields = [model.model_fields[keys[key]] for model, keys in accepted if key in keys]
        for field in fields:
            yield Place((*path, key), value, field, known)
        if not fields and not is_open:
            yield Place((*path, key), value, None, known)
        yield from _places(value, [field.annotation for field in fields], (*path, key))


def _is_table(option: object) -> bool:
    """True for what takes a table; of what is no model it is not known which keys that may have."""
    kind = get_origin(option) or option
    if isinstance(kind, type):
        return issubclass(kind, BaseModel | Mapping) or is_dataclass(kind) or kind is object
    return kind is Any


def is_untyped(annotation: object) -> bool:
    """True where an annotation says nothing of what a value holds, so that it may hold a secret."""
    if annotation in (Any, object, dict, list, tuple, set, frozenset, JsonValue):
        return True
    if isinstance(annotation, type) and (is_dataclass(annotation) or hasattr(annotation, "__total__")):
        return any(is_untyped(inner) for inner in annotation.__annotations__.values())
    return any(is_untyped(option) for option in get_args(annotation) if not isinstance(option, str))
