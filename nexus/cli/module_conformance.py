"""What a module declares, looked at as the host would: it is imported, nothing of it is started."""

import re
import sys
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

from nexus.cli.module_subject import Subject
from nexus.config.model_fields import is_untyped, models_below
from nexus.config.origin import Origin
from nexus.config.problem import Problem
from nexus.config.schema import settings_schema
from nexus.config.secret import Secret
from nexus.discovery.faults import IN_LOG, ModuleFault
from nexus.discovery.importing import import_candidate, undone_on_failure
from nexus.discovery.plugin import Declared, read_declarations
from nexus.discovery.precheck import find_misfit, host_api_misfit
from nexus.spec.names import MODULE_NAME
from nexus.spec.route import Route

_SECRET_WORDS: Final = re.compile(
    r"(?:^|_)(token|secret|password|passwd|api_?key|private_?key|credentials?)$", re.IGNORECASE
)
_TIDY_PATH: Final = re.compile(r"(?:/(?:[a-z0-9][a-z0-9._~-]*|\{[^/]+))*/?")
_CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def examine(subject: Subject) -> Iterator[Problem]:
    """Gives what keeps the module from running in a host, and what its users would stumble over.

    Everything is a problem of the module's folder as a whole; faults of its code name the line in their message.
    """
    for level, message in _findings(subject):
        yield Problem(Origin("file", subject.root.name), subject.candidate.name, message, level)


def _findings(subject: Subject) -> Iterator[tuple[Any, str]]:
    name = subject.candidate.name
    if not MODULE_NAME.fullmatch(name):
        yield "error", "its name is not usable in a URL: use up to 64 of a-z, 0-9, '-' and '_', a letter first"
        return
    try:
        declared = _load(subject)
    except ModuleFault as fault:
        yield "error", fault.reason.message.removesuffix(f"; {IN_LOG}")  # this command writes none
        return
    yield from _declarations(declared)
    if declared.manifest.settings is not None:
        yield from _settings(declared.manifest.settings, "config")
    for job in declared.jobs:
        if job.options is not None:
            yield from _settings(job.options, f"options of job {job.type!r}")


def _load(subject: Subject) -> Declared:
    """Imports the module; a project need not be installed for it."""
    before = list(sys.path)
    sys.path[:0] = [str(folder) for folder in subject.import_path]
    try:
        misfit = find_misfit(subject.candidate)
        if misfit is not None:
            raise ModuleFault(misfit)
        with undone_on_failure(subject.candidate):
            return read_declarations(subject.candidate.name, import_candidate(subject.candidate))
    finally:
        sys.path[:] = before


def _declarations(declared: Declared) -> Iterator[tuple[Any, str]]:
    manifest = declared.manifest
    if (misfit := host_api_misfit(manifest.host_api)) is not None:
        yield "error", misfit.message
    if not manifest.description:
        yield "warning", "it has no description: say in one line what it is for, with 'description=…'"
    if not (declared.routes or declared.checks or declared.jobs):
        yield "warning", "it declares no route, check or job: is it complete?"
    for route in declared.routes:
        yield from _route(route)


def _route(route: Route) -> Iterator[tuple[Any, str]]:
    shown = f"route {route.method} {route.path}"
    if not _TIDY_PATH.fullmatch(route.path):
        yield "warning", f"{shown} is not written in small letters, digits and hyphens: callers will mistype it"
    if route.access.is_public and route.method in _CHANGING:
        yield "warning", f"{shown} changes something and is public: anyone may call it, is that meant?"
    if not route.summary:
        yield "warning", f"{shown} has no summary: give its handler a docstring"


def _settings(model: type[BaseModel], where: str) -> Iterator[tuple[Any, str]]:
    try:
        settings_schema(model)
    except (PydanticSchemaGenerationError, PydanticUserError, ValueError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        yield "error", f"{where}: no JSON Schema can be made of {model.__name__} ({reason}): use types that JSON has"
    yield from _fields(model, where, seen=set())
    yield from _defaults(model, where)


def _fields(model: type[BaseModel], where: str, seen: set[type[BaseModel]]) -> Iterator[tuple[Any, str]]:
    if model in seen:
        return
    seen.add(model)
    if model.model_config.get("extra") == "allow":
        yield (
            "warning",
            f"{where}: {model.__name__} takes every key, so a misspelt one is never told: drop extra='allow'",
        )
    for name, field in model.model_fields.items():
        if _SECRET_WORDS.search(name) and "Secret" not in str(field.annotation) and field.annotation is not bool:
            yield "error", f"{where}.{name} looks like a secret and would be shown: give it the type nexus.Secret"
        if isinstance(field.default, Secret) and field.default:
            yield "error", f"{where}.{name} has a secret for a default, which is in the source: default to None"
        if field.description is None:
            yield "warning", f"{where}.{name} has no description: write Field(…, description=…) with effect and unit"
        if is_untyped(field.annotation):
            yield "warning", f"{where}.{name} may hold anything, so nothing of it is checked or shown: give it a type"
        for _, inner in models_below(field.annotation):
            yield from _fields(inner, f"{where}.{name}", seen)


def _defaults(model: type[BaseModel], where: str) -> Iterator[tuple[Any, str]]:
    """A default is not validated by pydantic: one that the model itself would refuse fails at the first change."""
    given = {}
    for name, field in model.model_fields.items():
        if not field.is_required():
            given[field.alias or name] = field.get_default(call_default_factory=True, validated_data={})
    try:
        model.model_validate(given)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False, include_context=False):
            name = ".".join(map(str, detail["loc"]))
            if detail["type"] != "missing" and name:
                yield "error", f"{where}.{name} has a default that the model itself refuses: correct the default"
    except Exception as error:  # noqa: BLE001 - validators are the module's own code
        yield "error", f"{where}: a validator of {model.__name__} raised {type(error).__name__}: raise ValueError"
