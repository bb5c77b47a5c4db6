"""JSON answers of the introspection API: one way out, so that every body passes the scrubber and none is stored."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web
from pydantic import BaseModel

from nexus.config.scrubber import Scrubber

NO_STORE: Final = {"Cache-Control": "no-store"}


class Answers:
    """Turns read models into responses.

    Args:
        scrubber: knows every secret that was resolved; no body leaves without it.
    """

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber

    def one(self, value: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
        """Gives one read model as a JSON object."""
        response = self.document(value.model_dump(mode="json", by_alias=True))
        response.set_status(status)
        response.headers.update(headers or {})
        return response

    def many(self, values: Sequence[BaseModel]) -> web.Response:
        """Gives read models as a JSON array, in their order."""
        return self.document([value.model_dump(mode="json", by_alias=True) for value in values])

    def document(self, value: object) -> web.Response:
        """Gives JSON-like data; scrubbed before it is encoded, since a secret of digits could stand in a number."""
        # Keys and values are scrubbed as data: replacing inside the encoded text could break the JSON.
        text = json.dumps(self._scrubber.scrub_data(value), ensure_ascii=False)
        return web.Response(text=text, content_type="application/json", headers=NO_STORE)
