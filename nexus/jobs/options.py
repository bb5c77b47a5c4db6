"""Binds what somebody asks a job to run with: the configured options, overridden key by key."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, JsonValue, ValidationError

from nexus.config.secret import SECRET_MASK
from nexus.jobs.definition import JobDefinition
from nexus.jobs.errors import InvalidOptions
from nexus.jobs.plain import plain
from nexus.spec.names import nearest


def bound_options(definition: JobDefinition, given: Mapping[str, JsonValue]) -> BaseModel | None:
    """Gives the options as the job's model has them, None for a job that takes none.

    Raises:
        InvalidOptions: they do not fit; every mistake is told, and no value is.
    """
    model = definition.model
    if model is None:
        if given:
            raise InvalidOptions([(key, "the job takes no options: leave it out") for key in sorted(given)])
        return None
    names = {field.alias or name: name for name, field in model.model_fields.items()}
    unknown = [key for key in given if key not in names and key not in model.model_fields]
    if unknown:
        raise InvalidOptions([(key, _unknown(key, names)) for key in sorted(unknown)])
    values: dict[str, Any] = {}
    if definition.options is not None:
        kept = definition.options.model_fields_set
        values = {key: getattr(definition.options, name) for key, name in names.items() if name in kept}
    try:
        return model.model_validate({**values, **given})
    except ValidationError as error:
        told = error.errors(include_url=False, include_context=False, include_input=False)
        raise InvalidOptions([(".".join(map(str, each["loc"])), each["msg"]) for each in told]) from None


def shown_options(options: BaseModel | None) -> dict[str, JsonValue]:
    """Gives options as they may be shown: a `Secret` as `******`."""
    return plain(options.model_dump(mode="json")) if options is not None else {}


def options_again(
    definition: JobDefinition, shown: Mapping[str, JsonValue], asked: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Gives what a run is done again with: the options that it had.

    What was masked when it was stored, and what the model has no longer or reads otherwise by now, is taken as it is
    configured now.

    Args:
        definition: the job as it is now.
        shown: the run's options as they were shown.
        asked: what it was asked for with, in clear.
    """
    if definition.model is None:
        return dict(asked)
    aliases = {name: field.alias or name for name, field in definition.model.model_fields.items()}
    kept = {
        aliases[name]: value
        for name, value in shown.items()
        if name in aliases and not {name, aliases[name]} & asked.keys() and SECRET_MASK not in json.dumps(value)
    }
    try:
        bound_options(definition, {**kept, **asked})
    except InvalidOptions as error:
        wrong = {path.partition(".")[0] for path, _ in error.mistakes}
        kept = {key: value for key, value in kept.items() if key not in wrong}
    return {**kept, **asked}


def _unknown(key: str, names: Mapping[str, str]) -> str:
    near = nearest(key, names)
    known = f"did you mean {near!r}?" if near else f"use one of {', '.join(sorted(names)) or '(none)'}"
    return f"there is no option of this name: {known}"
