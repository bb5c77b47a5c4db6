"""`GET /api/me`: who the token says the caller is."""

from datetime import datetime

from aiohttp import web
from pydantic import Field

from nexus.api.answers import Answers
from nexus.api.read_model import ReadModel
from nexus.api.resource import Resource
from nexus.http.keys import PRINCIPAL


class Me(ReadModel):
    """The caller, as its verified token tells."""

    issuer: str
    subject: str
    client: str | None
    permissions: list[str]
    expires_at: datetime = Field(description="When the token ends, UTC.")


def resources(answers: Answers) -> tuple[Resource, ...]:
    """Gives the resource of this file."""

    async def me(request: web.Request) -> web.Response:
        """Tell who is calling and what the token allows."""
        principal = request[PRINCIPAL]
        return answers.one(
            Me(
                issuer=principal.issuer,
                subject=principal.subject,
                client=principal.client,
                permissions=sorted(principal.permissions),
                expires_at=principal.expires_at,
            )
        )

    return (Resource(method="GET", path="/api/me", handler=me, answer=Me),)
