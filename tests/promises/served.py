"""`nexus serve` as its users run it: a process of its own in a folder of its own, with its log lines on record."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from nexus.auth.local_issuer import LocalIssuer

PATIENCE = 90.0  # seconds; generous, since several processes of tests share a small machine
COMMAND = [sys.executable, "-c", "from nexus.cli import main; main()"]
_POLL = 0.01


class Served:
    """One running `nexus serve`.

    Attributes:
        folder: its working directory, with `config.toml`.
        process: the process.
        url: where it is reached, once it listens.
        session: to ask it with.
    """

    def __init__(self, folder: Path, process: asyncio.subprocess.Process, session: aiohttp.ClientSession) -> None:
        self.folder = folder
        self.process = process
        self.session = session
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> bytes:
        """Everything written to stdout and stderr so far."""
        return (self.folder / "stdout").read_bytes() + (self.folder / "stderr").read_bytes()

    def log(self, **wanted: object) -> list[dict[str, object]]:
        """The log lines so far that hold the members, each parsed as JSON."""
        written, _, _ = (self.folder / "stderr").read_text().rpartition("\n")  # the last may not be there in full
        records = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
        return [record for record in records if wanted.items() <= record.items()]

    def token(self, *permissions: str) -> str:
        """A token of the local issuer."""
        issuer = LocalIssuer.open(self.folder / ".nexus")
        return issuer.mint(subject="tester", permissions=permissions or ("admin",), ttl=300)

    async def get(self, path: str, *, permissions: tuple[str, ...] | None = None) -> tuple[int, bytes]:
        """Status and body of a `GET`; with a token where `permissions` are given."""
        headers = {} if permissions is None else {"Authorization": f"Bearer {self.token(*permissions)}"}
        async with self.session.get(self.url + path, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.read()

    async def api(self, path: str) -> object:
        """The JSON answer of the introspection API."""
        status, body = await self.get(path, permissions=("admin",))
        assert status == 200, body
        return json.loads(body)

    async def modules(self) -> dict[str, dict]:
        """What `/api/modules` shows, by name."""
        return {module["name"]: module for module in await self.api("/api/modules")}

    async def until_started(self) -> None:
        """Waits for the end of the start: every module runs or is known not to."""
        await self.until(lambda: self.log(event="host.running"))

    async def until_running(self, module: str) -> None:
        """Waits until a module runs, whatever the others do."""
        await self.until(lambda: self.log(event="module.running", module=module), f"{module} to run")

    async def until(self, holds: Callable[[], object], what: str = "a condition") -> None:
        """Waits until it holds; fails with the output when the process ends before."""
        async with asyncio.timeout(PATIENCE):
            while not holds():
                assert self.process.returncode is None, (
                    f"ended while waiting for {what}: {self.output.decode()[-4000:]}"
                )
                await asyncio.sleep(_POLL)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    async def ended(self) -> int:
        """The exit code, once it has ended."""
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    async def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended()


def listening_port(pid: int) -> int:
    """The TCP port of 127.0.0.1 on which a process listens, 0 while it does not; so that no port need be guessed."""
    try:
        inodes = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
        lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    except OSError:
        return 0
    for line in lines:
        fields = line.split()
        address, state, inode = fields[1], fields[3], fields[9]
        if state == "0A" and f"socket:[{inode}]" in inodes and address.startswith("0100007F:"):
            return int(address.partition(":")[2], 16)
    return 0


@asynccontextmanager
async def served(
    folder: Path,
    config: str,
    modules: Mapping[str, str] | None = None,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    may_end: bool = False,
) -> AsyncIterator[Served]:
    """Runs `nexus serve` on a free port until the block is left; entered as soon as it listens.

    Args:
        folder: gets `config.toml`, and the modules in `mods`.
        config: the text of `config.toml`; the port is added on the command line.
        modules: file name to source.
        *arguments: further options.
        environ: variables besides ours; those of Nexus are taken out first.
        may_end: it is to end by itself, perhaps before anyone sees that it listens.
    """
    (folder / "mods").mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(config)
    for name, source in (modules or {}).items():
        (folder / "mods" / name).write_text(source)
    variables = {name: value for name, value in os.environ.items() if not name.startswith("NEXUS_")}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
            process = await asyncio.create_subprocess_exec(
                *COMMAND,
                "serve",
                "--port",
                "0",
                *arguments,
                cwd=folder,
                env={**variables, "PYTHONPATH": os.pathsep.join(sys.path), **(environ or {})},
                stdout=out,
                stderr=err,
            )
        running = Served(folder, process, session)
        try:
            async with asyncio.timeout(PATIENCE):
                while (port := listening_port(process.pid)) == 0 and process.returncode is None:
                    await asyncio.sleep(_POLL)
            assert port or may_end, running.output.decode()[-4000:]
            running.port = port
            yield running
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
