"""JSON Schema of one model as a table of the configuration takes it: every spelling, no other key, no secret."""

from typing import Any, cast

from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from nexus.config.model_fields import Model, accepted_keys, spellings


class TableSchema(GenerateJsonSchema):
    """Describes models by what `binding.bind` takes, where pydantic alone would take more or know less."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Gives a model's schema with a property for every key that it accepts, and no room for others."""
        made = super().model_schema(schema)
        model = cast("Model", schema["cls"])
        if schema.get("root_model") or "properties" not in made:
            return made
        properties = made["properties"]
        for key, name in accepted_keys(model).items():
            known = spellings(name, model.model_fields[name])
            given = next((spelling for spelling in known if spelling in properties), None)
            if given is not None and key not in properties:
                properties[key] = properties[given]
                made["required"] = [each for each in made.get("required", ()) if each != given]
        if model.model_config.get("extra") != "allow":
            made["additionalProperties"] = False
        return made

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Gives a field's schema, without its default where that is a secret."""
        made = super().default_schema(schema)
        if _is_secret(made):
            made.pop("default", None)
        return made


def is_describable(model: Model) -> bool:
    """True where the types of a model have a JSON Schema; a type of its author's own may have none."""
    try:
        model.model_json_schema(schema_generator=TableSchema)
    except PydanticUserError:
        return False
    return True


def _is_secret(schema: Any) -> bool:
    if isinstance(schema, dict):
        return bool(schema.get("writeOnly")) or any(_is_secret(inner) for inner in schema.values())
    return isinstance(schema, list) and any(_is_secret(inner) for inner in schema)
