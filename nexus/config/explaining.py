"""Saying what is wrong with a table in plain sentences: what stands there, what is needed, and never a secret."""

from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nexus.config.model_fields import Place, is_secret
from nexus.config.origin import Path, dotted, plain_key
from nexus.config.problem import Problem
from nexus.config.tree import Tree
from nexus.spec.names import nearest

_SENTENCES: Final = ("value_error", "assertion_error", "secret_type")
"""Errors whose text a validator wrote, as a sentence of its own."""

_SHAPES: Final = {
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type", "mapping_type"), "be a table"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), "be an array"),
    "json_type": "be a text that holds JSON",
}
"""What TOML calls what pydantic calls by Python's names."""


class Explainer:
    """Turns what pydantic found in one table into problems with places.

    Args:
        tree: where the table stands.
        at: the path of the table.
        data: the table, as it was validated.
        places: its keys.
        confidential: texts that no message may hold.
        is_ours: the model is Nexus' own, whose validators quote nothing.
    """

    def __init__(
        self,
        tree: Tree,
        at: Path,
        data: object,
        places: tuple[Place, ...],
        *,
        confidential: set[str],
        is_ours: bool,
    ) -> None:
        self._tree = tree
        self._at = at
        self._data = data
        self._places = places
        self._known_paths = {place.path for place in places if place.field}
        self._secret_paths = {place.path for place in places if place.field and is_secret(place.field.annotation)}
        self._confidential = confidential
        self._is_ours = is_ours

    def unknown_keys(self) -> Iterator[Problem]:
        """Gives each key that its table's model does not know, with the nearest that it does."""
        for place in self._places:
            if place.field is None:
                yield self.problem(place.path, f"is not known here{_nearest(place.path[-1], place.known)}")

    def explain(self, error: ValidationError) -> Iterator[Problem]:
        """Gives one problem for each place that pydantic names."""
        messages: dict[Path, dict[str, None]] = {}
        strangers: dict[Path, dict[str, None]] = {}
        for detail in error.errors(include_url=False, include_input=False):
            path = resolve(self._data, detail)
            # What one model of a union does not know, another may: then it is told where nothing else is wrong.
            is_known = detail["type"] == "extra_forbidden" and path in self._known_paths
            message = self._twin(path) or self._message(path, detail) if is_known else self._message(path, detail)
            if message:
                (strangers if is_known and not self._twin(path) else messages).setdefault(path, {})[message] = None
        for path, found in (messages or strangers).items():
            yield self.problem(path, ", or ".join(found))

    def _twin(self, path: Path) -> str | None:
        """Says so where another key of the same table is a second spelling of this one."""
        here = {place.path[-1]: place.field for place in self._places if place.path[:-1] == path[:-1]}
        twins = [key for key, field in here.items() if key != path[-1] and field is here[path[-1]]]
        return f"is given twice, also as '{twins[0]}': keep one of the two" if twins else None

    def problem(self, path: Path, message: str) -> Problem:
        """Gives an error at a path below the table."""
        whole = (*self._at, *path)
        return Problem(self._tree.origin(whole), dotted(whole), message)

    def _message(self, path: Path, detail: ErrorDetails) -> str | None:
        kind, found = detail["type"], value_at(self._data, path)
        source = self._tree.source((*self._at, *path))
        if source is not None and found == "":
            return None  # the reference itself was reported
        if kind == "missing":
            return "is missing: give it a value"
        if kind == "extra_forbidden":
            return "is not known here: take it out"
        text = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        if kind.endswith("_parsing"):
            text = text.partition(", ")[0]  # what follows may quote what it could not parse
        if kind != "secret_type" and self._may_tell(path, source, text, is_written=kind in _SENTENCES):
            where = f", as it came from {source}: correct the value there" if source else ": correct the value"
            return f"is not accepted{where}"
        if kind in _SENTENCES:
            return text  # as its author wrote it: it may begin with a proper name
        given = f"{_kind(found)}{f' from {source}' if source else ''}"
        _, should, wanted = text.partition(" should ")
        wanted = _SHAPES.get(kind, wanted)
        if kind == "url_scheme":
            wanted = f"have the scheme {wanted.removeprefix('be ')}"
        return f"is {given} and should {_lower(wanted)}" if should else f"is {given}: {_lower(text)}"

    def _may_tell(self, path: Path, source: str | None, text: str, *, is_written: bool) -> bool:
        """True where the text may quote a secret; a validator writes what it likes, and may look at a whole table."""
        if any(secret in text for secret in self._confidential):
            return True
        if self._is_ours or (" should " in text and not is_written):
            return False
        return source is not None or any(path[: len(secret)] == secret for secret in self._secret_paths)


def resolve(data: object, detail: ErrorDetails) -> Path:
    """Gives the place an error is about: pydantic's own, without the names of the union members on the way."""
    path: Path = ()
    here = data
    parts = detail["loc"]
    for position, part in enumerate(parts):
        if isinstance(here, dict):
            matching = [key for key in here if plain_key(str(key)) == plain_key(str(part))]
            is_last = position == len(parts) - 1
            if not matching and not (detail["type"] == "missing" and is_last):
                continue
            path = (*path, part if part in here or not matching else matching[0])
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            path = (*path, part)
        else:
            continue
        here = value_at(data, path)
    return path


def value_at(data: object, path: Path) -> Any:
    """Gives the value at a path, None where there is none."""
    for part in path:
        is_there = (isinstance(data, dict) and part in data) or (isinstance(data, list) and isinstance(part, int))
        data = data[part] if is_there else None  # type: ignore[index]  # just looked
    return data


def _nearest(key: object, known: dict[str, str]) -> str:
    plain = {plain_key(name): name for name in known}
    near = nearest(plain_key(str(key)), plain)
    if near is not None:
        return f": did you mean '{plain[near]}'?"
    if not known:
        return ": this table takes no key, take it out"
    first_spellings = {name: spelling for spelling, name in reversed(known.items())}
    return f": known are {', '.join(sorted(first_spellings.values()))}"


def _lower(text: str) -> str:
    is_acronym = text[1:2].isupper()
    return text if is_acronym else text[:1].lower() + text[1:]


def _kind(value: object) -> str:
    """Says what kind of value was found; never the value, which may be a secret in the wrong place."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "a boolean"
    kinds = {str: "a text", int: "an integer", float: "a number", dict: "a table", list: "an array"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "a date or time")
