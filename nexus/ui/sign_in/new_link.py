"""Makes a one-time link from outside of the serving host, in the store that both have. Blocks."""

import time
from pathlib import Path

from nexus.auth.local_issuer import LocalIssuer
from nexus.config.settings import StoreSettings
from nexus.ui.sign_in.database import open_database
from nexus.ui.sign_in.link import make


def new_link(host_url: str, store: StoreSettings, state_dir: Path) -> str:
    """Gives a link that lets in who opens it first, within ten minutes.

    Args:
        host_url: of the host, its mount point included, without a slash at the end.
        store: names the database.
        state_dir: of the installation; there, for its owner alone.

    Raises:
        NexusError: the database or the local issuer's file cannot be used.
        OSError: the state directory cannot be written.
    """
    issuer = LocalIssuer.open(state_dir).name
    database = open_database(store, state_dir)
    try:
        return f"{host_url}/ui/link?code={make(database, issuer=issuer, now=time.time())}"
    finally:
        database.close()
