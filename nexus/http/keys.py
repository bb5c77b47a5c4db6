"""What the shell keeps with a request; one place, so that two rooms never spell one key differently."""

from typing import Final

from aiohttp import web

from nexus.http.inflight import Inflight
from nexus.spec.principal import Principal

REQUEST_ID: Final = web.RequestKey("nexus.request_id", str)
"""The id that the answer's `X-Request-ID` and the log lines carry."""

PRINCIPAL: Final = web.RequestKey("nexus.principal", Principal)
"""The verified caller; set by the guard alone, absent on public routes."""

INFLIGHT: Final = web.RequestKey("nexus.inflight", Inflight)
"""The shell's record of the request; the guard sets its `expires_at`."""
