"""`GET /api/openapi.json`: the OpenAPI 3.1 document of the host and of the modules that serve."""

import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from pydantic import Field
from pydantic.json_schema import models_json_schema

from nexus.api.answers import Answers
from nexus.api.read_model import ReadModel
from nexus.api.resource import Resource
from nexus.api.version import API_VERSION
from nexus.host.host import Host
from nexus.spec.route import Route

Document = dict[str, Any]
_TEMPLATED: Final = re.compile(r"\{([A-Za-z_]\w*)(?::(?:[^{}]|\{[^{}]*\})+)?\}")
_PROTECTED_ERRORS: Final = (400, 401, 403, 503)


class ProblemDocument(ReadModel):
    """An error, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str | None = None
    request_id: str = Field(description="The id that the log lines of this request carry.")


def resources(host: Host, answers: Answers, listed: Callable[[], Iterable[Resource]]) -> tuple[Resource, ...]:
    """Gives the resource of this file; `listed` tells all resources once they are known."""

    async def openapi(_request: web.Request) -> web.Response:
        """Give this document."""
        return answers.document(document(host, tuple(listed())))

    return (Resource(method="GET", path="/api/openapi.json", handler=openapi, answer=None),)


def document(host: Host, listed: tuple[Resource, ...]) -> Document:
    """Gives the OpenAPI document (version 3.1, whose schemas are JSON Schema 2020-12)."""
    answers = {each.answer for each in listed if each.answer} | {ProblemDocument}
    models = [(answer, "serialization") for answer in sorted(answers, key=lambda model: model.__name__)]
    _, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]  # the literal mode is lost in the list
    paths: dict[str, Document] = {}
    for resource in listed:
        paths.setdefault(resource.path, {})[resource.method.lower()] = _resource_operation(resource)
    for module in host.modules.values():
        for route in module.instance.routes if module.instance else ():
            path = f"/m/{module.name}" + _TEMPLATED.sub(r"{\1}", route.path)
            paths.setdefault(path, {})[route.method.lower()] = _route_operation(module.name, route)
    return {
        "openapi": "3.1.0",
        "info": {"title": host.settings.global_.name, "version": API_VERSION},
        "servers": [{"url": host.settings.global_.base_url.rstrip("/") + host.settings.global_.path.rstrip("/")}],
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _resource_operation(resource: Resource) -> Document:
    schema: Document = {}
    if resource.answer:
        schema = {"$ref": f"#/components/schemas/{resource.answer.__name__}"}
        if resource.many:
            schema = {"type": "array", "items": schema}
    summary = (resource.handler.__doc__ or "").partition("\n")[0]
    operation = _operation("host", summary, resource.path, protected=True)
    content = {resource.media_type: {"schema": schema}}
    operation["responses"][str(resource.success)] = {"description": "Success.", "content": content}
    operation["parameters"] += [
        {"name": name, "in": "query", "required": False, "schema": {"type": "string"}} for name in resource.query
    ]
    if resource.takes_body:
        operation["requestBody"] = {"content": {"application/json": {"schema": {"type": "object"}}}}
    return operation


def _route_operation(module: str, route: Route) -> Document:
    operation = _operation(module, route.summary, route.path, protected=not route.access.is_public)
    operation["responses"]["default"] = {"description": "What the module answers."}
    return operation


def _operation(tag: str, summary: str, path: str, *, protected: bool) -> Document:
    errors = _PROTECTED_ERRORS if protected else ()
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _TEMPLATED.findall(path)
    ]
    responses: Document = {
        str(status): {"description": HTTPStatus(status).phrase, "content": problem} for status in errors
    }
    if parameters:
        responses["404"] = {"description": HTTPStatus.NOT_FOUND.phrase, "content": problem}
    return {
        "tags": [tag],
        "summary": summary,
        "parameters": parameters,
        "security": [{"bearer": []}] if protected else [],
        "responses": responses,
    }
