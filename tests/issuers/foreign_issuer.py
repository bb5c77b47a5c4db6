"""An OpenID Connect issuer that nobody here wrote, run as a process of its own on loopback."""

import abc
import base64
import os
import socket
import subprocess
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path

from tests.ports import free_port

from .exchange import Refused, exchange
from .signing_keys import signing_key

AUDIENCE = "https://nexus.test"
"""The audience (RFC 8707: resource) that tokens are asked for unless a test names another."""

OTHER_AUDIENCE = "https://other.test"
"""An audience the issuers know too, for tokens that are meant for somebody else."""

_PATIENCE = 60.0  # seconds; starting takes under one on a quiet machine


class ForeignIssuer(abc.ABC):
    """One running issuer with one client that may use the client credentials grant (RFC 6749, section 4.4).

    Attributes:
        folder: where it keeps its files; its output is in `output.log` there.
        keys: the private keys it signs with, the active one first.
        process: the running process, None while it is stopped.
    """

    client_id = "nexus-test"
    client_secret = "secret-of-nexus-test-client"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self.keys = [signing_key()]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    @abc.abstractmethod
    def url(self) -> str:
        """The issuer identifier, exactly as it stands in `iss`."""

    @abc.abstractmethod
    def command(self) -> tuple[list[str], dict[str, str]]:
        """What to run, and the environment variables it needs besides ours."""

    @abc.abstractmethod
    def use_keys(self) -> None:
        """Makes the running process sign with `keys`."""

    @abc.abstractmethod
    def configure(self) -> None:
        """Sets up what can only be set up while it runs; once in its life."""

    def start(self) -> None:
        """Starts it, on the same port each time, and returns when its discovery document can be read."""
        first = self.port == 0
        for attempt in range(3):
            self.port = self.port or free_port()
            self.spawn()
            try:
                wait_until(self.answers, what=f"{self.url} to answer")
                break
            except AssertionError:
                self.stop()
                if not first or attempt == 2:
                    raise
                self.port = 0  # somebody else was quicker to take the free port
        if first:
            self.configure()
        wait_until(self.discovers, what=f"the discovery document of {self.url}")

    def spawn(self) -> None:
        arguments, variables = self.command()
        with (self.folder / "output.log").open("ab") as output:
            self.process = subprocess.Popen(arguments, env={**os.environ, **variables}, stdout=output, stderr=output)

    def stop(self) -> None:
        """Ends the process; its port refuses connections from then on."""
        process, self.process = self.process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def restart(self) -> None:
        """The same issuer with the same keys in a new process."""
        self.stop()
        self.start()

    def rotate(self, *, keep_previous: bool = False) -> str:
        """Signs with a new key from now on and gives its id; the previous ones are published on only on demand."""
        self.keys = [signing_key(), *(self.keys if keep_previous else [])]
        self.use_keys()
        wanted = {key["kid"] for key in self.keys}
        wait_until(lambda: self.published_keys() == wanted, what="the new key in the key set")
        return self.keys[0]["kid"]

    def token(self, *, scope: str = "admin", audience: str | None = AUDIENCE) -> str:
        """A fresh access token by client credentials; `audience` None leaves the choice to the issuer."""
        form = {"grant_type": "client_credentials", "scope": scope}
        if audience is not None:
            form["resource"] = audience
        credentials = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/x-www-form-urlencoded"}
        body = urllib.parse.urlencode(form).encode()
        return exchange("POST", self.discovery()["token_endpoint"], headers=headers, body=body).json()["access_token"]

    def discovery(self) -> dict[str, object]:
        """Its discovery document (OpenID Connect Discovery 1.0, section 4)."""
        return exchange("GET", f"{self.url}/.well-known/openid-configuration").json()

    def published_keys(self) -> set[str]:
        """The ids of the public keys it shows to the world."""
        return {key["kid"] for key in self.key_set()["keys"]}

    def key_set(self) -> dict[str, list[dict[str, str]]]:
        """Its public keys, a JWK set (RFC 7517, section 5)."""
        return exchange("GET", self.discovery()["jwks_uri"]).json()

    def answers(self) -> bool:
        """Whether something listens; a process that ended fails at once, with its last words."""
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"the issuer ended: {(self.folder / 'output.log').read_text()[-2000:]}")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def discovers(self) -> bool:
        try:
            return self.discovery()["issuer"] == self.url
        except (OSError, Refused):
            return False


def wait_until(holds: Callable[[], bool], *, what: str) -> None:
    """Returns as soon as the condition holds; fails the test when it takes too long."""
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited {_PATIENCE:g} s in vain for {what}"
        time.sleep(0.02)
