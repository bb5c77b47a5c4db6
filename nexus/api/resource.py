"""A resource of the introspection API: a route together with the read model it answers with."""

from dataclasses import dataclass

from pydantic import BaseModel

from nexus.spec.route import Handler


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One method and path below `global.path`.

    Attributes:
        method: HTTP method.
        path: with a leading slash; `{name}` takes one segment.
        handler: what answers; the first line of its docstring is the summary in the OpenAPI document.
        answer: the read model of a success; None where the body is not JSON.
        many: True where the body is an array of them.
        media_type: of a success.
        success: its status.
        query: names of the parameters it reads from the query.
        takes_body: True where it reads a JSON object.
    """

    method: str
    path: str
    handler: Handler
    answer: type[BaseModel] | None
    many: bool = False
    media_type: str = "application/json"
    success: int = 200
    query: tuple[str, ...] = ()
    takes_body: bool = False
