"""JSON Schema (2020-12) of the configuration, for editors and for other tools."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from nexus.config.model_schema import TableSchema, is_describable
from nexus.config.settings import HostSettings, JobEntry, ModuleEntry

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]
ModelOrNone = type[BaseModel] | None
Names = Mapping[object, Schema]
"""The `$ref` of each model."""

_REFERENCE: Final[Schema] = {
    "title": "Reference",
    "description": "The value stands in an environment variable or in a file.",
    "oneOf": [
        {
            "type": "object",
            "properties": {kind: {"type": "string", "minLength": 1}},
            "required": [kind],
            "additionalProperties": False,
        }
        for kind in ("env", "file")
    ],
}


def settings_schema(model: ModelOrNone) -> Schema:
    """Gives the schema of one module's settings; a module without a model takes none."""
    if model is None:
        return {"$schema": DIALECT, "type": "object", "properties": {}, "additionalProperties": False}
    if not is_describable(model):
        return {"$schema": DIALECT, "type": "object"}
    return {"$schema": DIALECT, **model.model_json_schema(schema_generator=TableSchema)}


def document_schema(
    module_models: Mapping[str, ModelOrNone], job_options: Mapping[str, Mapping[str, ModelOrNone]] | None = None
) -> Schema:
    """Gives one schema of the whole file.

    Nothing in it is required, since a file may be one layer of several, and every value may be a reference.

    Args:
        module_models: the settings model of each module by name.
        job_options: the options model of each job type of each module.
    """
    jobs = job_options or {}
    models: set[type[BaseModel]] = {HostSettings, ModuleEntry, JobEntry}
    foreign = (*module_models.values(), *(model for types in jobs.values() for model in types.values()))
    models.update(model for model in foreign if model and is_describable(model))
    ordered = sorted(models, key=lambda model: (model.__module__, model.__qualname__))
    references, document = models_json_schema(
        [(model, "validation") for model in ordered], by_alias=True, schema_generator=TableSchema
    )
    definitions: Schema = document["$defs"]
    names: Names = {model: reference for (model, _), reference in references.items()}
    host = _followed(names[HostSettings], definitions)
    host["properties"]["modules"] = {
        "type": "object",
        "description": "What runs: only what has a table here.",
        "properties": {
            name: _module(names, definitions, model, jobs.get(name, {})) for name, model in module_models.items()
        },
        "additionalProperties": names[ModuleEntry],
    }
    whole = {"$schema": DIALECT, "title": "Nexus configuration", **host, "$defs": definitions}
    loosened: Schema = _loosened(whole, definitions, is_value=False)
    loosened["$defs"]["Reference"] = _REFERENCE
    return loosened


def _module(names: Names, definitions: Schema, model: ModelOrNone, types: Mapping[str, ModelOrNone]) -> Schema:
    entry: Schema = {**_followed(names[ModuleEntry], definitions)}
    config = _table(names, model)
    entry["properties"] = {**entry["properties"], "config": config}
    if types:
        variants = []
        for job_type, options in types.items():
            job: Schema = {**_followed(names[JobEntry], definitions)}
            job["properties"] = {**job["properties"], "type": {"const": job_type}, "options": _table(names, options)}
            variants.append(job)
        entry["properties"]["jobs"] = {"type": "array", "items": {"anyOf": variants}}
    return entry


def _table(names: Names, model: ModelOrNone) -> Schema:
    return names.get(model, {"type": "object"}) if model else {"type": "object", "additionalProperties": False}


def _followed(reference: Schema, definitions: Schema) -> Schema:
    found = _definition(reference, definitions)
    return {**found, "properties": dict(found.get("properties", {}))}


def _definition(reference: Schema, definitions: Schema) -> Schema:
    found: Schema = definitions[reference["$ref"].rpartition("/")[2]]
    return found


def _loosened(schema: Any, definitions: Schema, *, is_value: bool) -> Any:
    """Takes out what is required, and lets a reference stand in the place of every value that is no table."""
    if isinstance(schema, list):
        return [_loosened(inner, definitions, is_value=False) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    loose: Schema = {}
    for key, inner in schema.items():
        if key == "required":
            continue
        if key in ("properties", "$defs"):
            is_property = key == "properties"
            loose[key] = {name: _loosened(each, definitions, is_value=is_property) for name, each in inner.items()}
        elif key in ("items", "additionalProperties"):
            loose[key] = _loosened(inner, definitions, is_value=isinstance(inner, dict))
        elif key in ("default", "const", "enum", "examples", "discriminator"):
            loose[key] = inner
        else:
            loose[key] = _loosened(inner, definitions, is_value=False)
    if not is_value or not _takes_reference(schema, definitions):
        return loose
    notes = {key: loose.pop(key) for key in ("title", "description", "default") if key in loose}
    options = loose["anyOf"] if loose.keys() == {"anyOf"} else [loose]
    return {**notes, "anyOf": [*options, {"$ref": "#/$defs/Reference"}]}


def _takes_reference(schema: Schema, definitions: Schema) -> bool:
    if "$ref" in schema:
        return _takes_reference(_definition(schema, definitions), definitions)
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return any(option.get("type") != "null" and _takes_reference(option, definitions) for option in options)
    return bool(schema) and schema.get("type") != "object" and "const" not in schema
