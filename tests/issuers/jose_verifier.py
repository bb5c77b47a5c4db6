"""The npm package `jose` as a second opinion on access tokens."""

import json
import subprocess
from typing import Self

from .panva import HERE, node


class JoseVerifier:
    """A Node.js process that verifies one token after the other; a context manager, since it has to be ended."""

    def __enter__(self) -> Self:
        command = [node() or "node", str(HERE / "jose_verifier.mjs")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=5)
        self._process.stdout.close()

    def claims(
        self, token: str, keys: dict, *, issuer: str, audience: str, algorithms=("RS256",), leeway: int = 0
    ) -> dict | None:
        """The claims of a token that it accepts, None of one that it refuses; `leeway` is in seconds."""
        rules = {"issuer": issuer, "audience": audience, "algorithms": algorithms, "clockTolerance": leeway}
        request = json.dumps({"token": token, "keys": keys, **rules})
        self._process.stdin.write(request.encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline()).get("claims")
