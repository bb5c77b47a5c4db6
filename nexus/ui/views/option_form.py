"""A form made from the schema of a job's options, and what it gives when it comes back.

What is left as it was shown is not sent to the engine, so that the configured options hold.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from pydantic import BaseModel, JsonValue

from nexus.config.secret import SECRET_MASK
from nexus.jobs.definition import JobDefinition
from nexus.jobs.options import shown_options

Kind = Literal["text", "number", "checkbox", "select", "json", "password", "long"]

PREFIX: Final = "option."
"""Before the names of fields, so that no option takes the name of another part of the form."""

_LONG: Final = 120
"""Characters from which on a text gets more than one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of the values that an option may have: what is sent, and the value it stands for."""

    text: str
    value: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One option in the form.

    Attributes:
        name: of the option.
        label: what it is called.
        hint: what it means, from the model.
        kind: which control it has.
        required: it has no value unless somebody gives one.
        nullable: empty means that there is no value.
        value: what the control shows; for a checkbox `true` or empty.
        choices: of a select.
        step: of a number: `1`, or `any`.
        minimum: of a number.
        maximum: of a number.
        mistake: what is wrong with what was sent; empty where nothing.
    """

    name: str
    label: str
    hint: str
    kind: Kind
    required: bool = False
    nullable: bool = False
    value: str = ""
    choices: tuple[Choice, ...] = ()
    step: str = ""
    minimum: float | None = None
    maximum: float | None = None
    mistake: str = ""


@dataclass(frozen=True, slots=True)
class _Given:
    """A configured value, where there is one."""

    is_set: bool
    value: JsonValue


def option_fields(definition: JobDefinition) -> tuple[Field, ...]:
    """Gives a field for each option of the job; none for a job that takes none."""
    if definition.model is None:
        return ()
    schema = definition.model.model_json_schema()
    shown = shown_options(definition.options)
    required = set(schema.get("required", ())) - shown.keys()
    known: Mapping[str, Any] = schema.get("$defs", {})
    fields = (
        _field(name, member, known, _given(definition.options, name, shown))
        for name, member in schema.get("properties", {}).items()
    )
    return tuple(replace(field, required=field.name in required) for field in fields)


@dataclass(frozen=True, slots=True)
class Reading:
    """What came back.

    Attributes:
        fields: as they were sent, with their mistakes.
        options: what differs from what was shown.
    """

    fields: tuple[Field, ...]
    options: dict[str, JsonValue]

    @property
    def has_mistakes(self) -> bool:
        """True where a field cannot be read."""
        return any(field.mistake for field in self.fields)


def read_fields(fields: Sequence[Field], form: Mapping[str, Any]) -> Reading:
    """Reads what somebody has put into the fields."""
    read: list[Field] = []
    options: dict[str, JsonValue] = {}
    for field in fields:
        sent = form.get(PREFIX + field.name, "" if field.kind == "checkbox" else field.value)
        text = sent.replace("\r\n", "\n") if isinstance(sent, str) else ""
        if text == field.value:
            read.append(field)
            continue
        try:
            options[field.name] = _value(field, text)
            read.append(replace(field, value="" if field.kind == "password" else text))
        except _Unset:
            read.append(replace(field, value=text))
        except ValueError as error:
            read.append(replace(field, value=text, mistake=str(error)))
    return Reading(tuple(read), options)


def with_mistakes(
    fields: Sequence[Field], mistakes: Sequence[tuple[str, str]]
) -> tuple[tuple[Field, ...], tuple[str, ...]]:
    """Gives the fields with what the job's model says of them, and what it says of none of them."""
    names = {field.name for field in fields}
    told: dict[str, str] = {}
    others: list[str] = []
    for path, sentence in mistakes:
        name = path.partition(".")[0]
        if name in names:
            told[name] = f"{told[name]}; {sentence}" if name in told else sentence
        else:
            others.append(f"{path}: {sentence}" if path else sentence)
    return tuple(replace(field, mistake=told.get(field.name, "")) for field in fields), tuple(others)


class _Unset(Exception):
    """The field was emptied: the option's own default holds."""


def _value(field: Field, text: str) -> JsonValue:
    if field.kind == "checkbox":
        return text == "true"
    if field.kind == "select":
        return next((choice.value for choice in field.choices if choice.text == text), text)
    if not text and field.nullable:
        return None
    if not text and field.kind in ("number", "json", "password"):
        raise _Unset
    if field.kind == "number":
        return _number(text)
    if field.kind == "json":
        try:
            value: JsonValue = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError('This is no JSON: write a list as [1, 2], a text as "text".') from None
        return value
    return text


def _number(text: str) -> JsonValue:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text  # the model says it in its own words


def _field(name: str, schema: Mapping[str, Any], known: Mapping[str, Any], given: _Given) -> Field:
    own, nullable = _resolved(schema, known)
    default = given.value if given.is_set else own.get("default", schema.get("default"))
    kind = _kind(own)
    choices = tuple(Choice(text=_text(value), value=value) for value in _values(own))
    return Field(
        name=name,
        label=str(schema.get("title") or own.get("title") or name),
        hint=str(schema.get("description") or own.get("description") or ""),
        kind="select" if choices else kind,
        nullable=nullable,
        value=_shown(kind, default),
        choices=(Choice(text="", value=None), *choices) if choices and nullable else choices,
        step="1" if own.get("type") == "integer" else "any" if kind == "number" else "",
        minimum=own.get("minimum"),
        maximum=own.get("maximum"),
    )


def _resolved(schema: Mapping[str, Any], known: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Gives the schema behind a reference or beside `null`, and whether `null` is taken."""
    nullable = False
    for _ in range(8):
        if "$ref" in schema:
            schema = {**known.get(str(schema["$ref"]).rpartition("/")[2], {}), **_without(schema, "$ref")}
        elif "allOf" in schema and len(schema["allOf"]) == 1:
            schema = {**schema["allOf"][0], **_without(schema, "allOf")}
        elif "anyOf" in schema:
            others = [each for each in schema["anyOf"] if each.get("type") != "null"]
            nullable = nullable or len(others) < len(schema["anyOf"])
            if len(others) != 1:
                return _without(schema, "anyOf"), nullable
            schema = {**others[0], **_without(schema, "anyOf")}
        else:
            break
    return schema, nullable


def _without(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != name}


def _kind(schema: Mapping[str, Any]) -> Kind:
    kind = schema.get("type")
    if kind == "boolean":
        return "checkbox"
    if kind in ("integer", "number"):
        return "number"
    if kind == "string":
        if schema.get("format") == "password" or schema.get("writeOnly"):
            return "password"
        return "long" if schema.get("maxLength", 0) > _LONG else "text"
    return "json"


def _values(schema: Mapping[str, Any]) -> Sequence[JsonValue]:
    if "const" in schema:
        return (schema["const"],)
    found: Sequence[JsonValue] = schema.get("enum", ())
    return found


def _shown(kind: Kind, value: JsonValue) -> str:
    if kind == "password":
        return ""
    if kind == "checkbox":
        return "true" if value else ""
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if kind == "json" else _text(value)


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _given(options: BaseModel | None, name: str, shown: Mapping[str, JsonValue]) -> _Given:
    """Gives the configured value of an option, by the name that the schema has for it."""
    if options is None:
        return _Given(False, None)
    fields = type(options).model_fields
    own = name if name in fields else next((each for each, field in fields.items() if field.alias == name), name)
    if own not in options.model_fields_set or shown.get(own) == SECRET_MASK:
        return _Given(False, None)
    return _Given(True, shown.get(own))
