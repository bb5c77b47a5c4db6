"""The HTTP client of the host: all modules share its connections, and none can close it for another."""

from typing import Self

import aiohttp

from nexus.config.settings import ClientSettings

__all__ = ["SharedClient"]


class SharedClient:
    """Opens one client session, and gives each module a view of it; an async context manager.

    Args:
        settings: `[global.client]`.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None
        self._views: dict[str, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        self._session = self._over(aiohttp.TCPConnector(limit=self._settings.max_connections), owned=True)
        return self

    async def __aexit__(self, *details: object) -> None:
        await self.session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session whose connections all share; there once the host has been entered."""
        if self._session is None:
            raise RuntimeError("the host has not been entered: use 'async with host'")
        return self._session

    def view(self, module: str) -> aiohttp.ClientSession:
        """Gives the module's own session over the shared connections; a new one where the module closed its last."""
        view = self._views.get(module)
        if view is None or view.closed:
            view = self._views[module] = self._over(self.session.connector, owned=False)
        return view

    def _over(self, connector: aiohttp.BaseConnector | None, *, owned: bool) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._settings.timeout, sock_connect=self._settings.connect_timeout),
            connector=connector,
            connector_owner=owned,
            # One jar for all would send the cookies that one module was given with another module's requests.
            cookie_jar=aiohttp.DummyCookieJar(),
        )
