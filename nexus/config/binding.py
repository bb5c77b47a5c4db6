"""Binding a table of the tree to a model: one frozen value, or everything that is wrong with it in one list."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from urllib.parse import unquote

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError

from nexus.config.explaining import Explainer, resolve, value_at
from nexus.config.model_fields import Place, is_secret, places
from nexus.config.origin import Path, dotted, plain_key
from nexus.config.problem import Problem
from nexus.config.scrubber import Scrubber
from nexus.config.secret import Secret
from nexus.config.secret_forms import MIN_LENGTH
from nexus.config.tree import EnvText, Tree

M = TypeVar("M", bound=BaseModel)

_NOT_A_TEXT: Final = frozenset(
    {"list_type", "tuple_type", "set_type", "frozen_set_type", "dict_type", "mapping_type", "model_type"}
    | {"model_attributes_type", "dataclass_type", "is_instance_of"}
    | {"int_type", "float_type", "bool_type", "date_type", "datetime_type", "time_type"}
)
"""What pydantic says of a text where something else is meant; of the scalars, strict models alone say it."""

_URL_PASSWORD: Final = re.compile(r"://[^:/?#\s]*:([^/?#\s]+)@|[?&]password=([^&#\s]+)")
_MIN_CONFIDENTIAL: Final = 3
"""Shorter texts are in every sentence by chance."""


@dataclass(frozen=True, slots=True)
class Bound(Generic[M]):
    """The outcome of binding.

    Attributes:
        value: None where there are errors.
        problems: errors and warnings, in the order of the keys.
    """

    value: M | None
    problems: tuple[Problem, ...]


def bind(tree: Tree, at: Path, model: type[M], *, scrubber: Scrubber) -> Bound[M]:
    """Binds the table at `at` (an absent one is an empty one) to `model`.

    Every secret in the table is registered with the scrubber, whether it binds or not. Problems name file and line, the
    key, what was found and what is needed; they never hold the value of a secret.

    Raises:
        Exception: whatever a validator of the model raises besides `ValueError` and `AssertionError`.
    """
    found = written(tree, at)
    data = {} if found is None else _copied(found)
    _respell(tree, at, data, model)
    keys = tuple(places(data, model))
    # Before validating, since a validator may raise, and again, since texts of the environment may have become tables.
    confidential = _registered(tree, at, data, keys, scrubber)
    value, error, has_changed = _validated(data, model)
    if has_changed:
        keys = tuple(places(data, model))
        confidential |= _registered(tree, at, data, keys, scrubber)
    said = {text for text in confidential if len(text) >= _MIN_CONFIDENTIAL}
    is_ours = model.__module__.startswith("nexus.config.")
    explainer = Explainer(tree, at, data, keys, confidential=said, is_ours=is_ours)
    problems = {problem.path: problem for problem in explainer.unknown_keys()}
    for problem in explainer.explain(error) if error else ():
        problems.setdefault(problem.path, problem)
    for path, secret in _secrets(at, value):
        is_known = scrubber.register(secret)
        for problem in _warnings(tree, path, is_long_enough=is_known or not secret):
            problems.setdefault(problem.path, problem)
    has_errors = any(problem.level == "error" for problem in problems.values())
    return Bound(None if has_errors else value, tuple(problems.values()))


def written(tree: Tree, at: Path) -> object:
    """Gives what stands at `at`, None where nothing does; a variable's text is read where it stands for more."""
    for length in range(1, len(at) + 1):
        text = tree.get(at[:length])
        if isinstance(text, EnvText):
            read = value_at(_read(text), at[length:])
            return text if length == len(at) and isinstance(read, str) else read
    return tree.get(at)


def _validated(data: object, model: type[M]) -> tuple[M | None, ValidationError | None, bool]:
    """Validates; a text out of the environment that stands for something else is read as TOML first."""
    try:
        return model.model_validate(data), None, False
    except ValidationError as error:
        # Each round reads at least one such text; those inside of what it read are no such texts any more.
        return (*_validated(data, model)[:2], True) if _read_texts(data, error) else (None, error, False)


def _read_texts(data: object, error: ValidationError) -> bool:
    has_changed = False
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        path = resolve(data, detail)
        text = value_at(data, path)
        if detail["type"] in _NOT_A_TEXT and isinstance(text, EnvText) and path:
            read = _read(text)
            if not isinstance(read, str):
                value_at(data, path[:-1])[path[-1]] = read
                has_changed = True
    return has_changed


def _read(text: str) -> object:
    """Reads a text as a value of TOML or, as other tools write tables, of JSON; gives the text where it is neither."""
    try:
        read: dict[str, object] = tomllib.loads(f"value = {text}")
        return read["value"] if read.keys() == {"value"} else text
    except (ValueError, RecursionError):
        pass
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if value is None else value


def _respell(tree: Tree, at: Path, data: object, model: type[BaseModel]) -> None:
    """Spells the keys of variables as the model does: the environment knows neither case nor hyphens."""
    for place in places(data, model):
        if place.field is None and tree.origin((*at, *place.path)).kind == "env":
            table, key = value_at(data, place.path[:-1]), place.path[-1]
            alike = [known for known in place.known if plain_key(known) == plain_key(str(key))]
            if alike and alike[0] not in table:
                table[alike[0]] = table.pop(key)
                _respell(tree, at, data, model)  # what lies below has a model now
                return


def _registered(tree: Tree, at: Path, data: object, keys: tuple[Place, ...], scrubber: Scrubber) -> set[str]:
    confidential = set(_confidential(tree, at, data, keys))
    for text in confidential:
        scrubber.register(text)
    return confidential


def _confidential(tree: Tree, at: Path, data: object, keys: tuple[Place, ...]) -> Iterator[str]:
    """Gives what no message may hold: what came by reference, what is bound to a secret, passwords within URLs."""
    for path, text in _texts(at, data):
        if text and tree.source(path) is not None:
            yield text
        for found in _URL_PASSWORD.finditer(text):
            password = found[1] or found[2]
            yield from (password, unquote(password))
    for place in keys:
        if place.field and is_secret(place.field.annotation):
            yield from (text for _, text in _texts((), place.value) if text)


def _texts(path: Path, value: object) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts((*path, key), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts((*path, index), inner)
    elif not isinstance(value, bool):
        yield path, str(value)


def _secrets(path: Path, value: object) -> Iterator[tuple[Path, str]]:
    if isinstance(value, Secret):
        yield path, value.reveal()
    elif isinstance(value, SecretStr):
        yield path, value.get_secret_value()
    elif isinstance(value, SecretBytes):
        yield path, value.get_secret_value().decode(errors="surrogateescape")
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets((*path, name), getattr(value, name))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _secrets((*path, key), inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for index, inner in enumerate(value):
            yield from _secrets((*path, index), inner)


def _warnings(tree: Tree, path: Path, *, is_long_enough: bool) -> Iterator[Problem]:
    origin = tree.origin(path)
    is_written = tree.get(path, tree) is not tree
    if origin.kind == "file" and tree.source(path) is None and is_written:
        message = 'is a secret written into the file: use { env = "NAME" } or { file = "/run/secrets/name" }'
        yield Problem(origin, dotted(path), message, "warning")
    if not is_long_enough:
        message = f"has fewer than {MIN_LENGTH} characters, too few to be found and masked in logs: use a longer secret"
        yield Problem(origin, dotted(path), message, "warning")


def _copied(value: object) -> object:
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value
