"""A real PostgreSQL for tests: Debian's server programs, run from a folder of their own as whoever may run them."""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from tests import debian
from tests.ports import free_port

PASSWORD: Final = "p@ss:w/rd#canary%41?"
PATIENCE: Final = 60.0
PLACES: Final = (debian.UNPACKED, Path("/"))

# Without fsync and whole pages only a crash of the machine loses data: what a killed program has written, a killed
# server too, is in the kernel's hands. Commits still wait for that, since synchronous_commit stays on.
SETTINGS: Final = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
fsync = off
full_page_writes = off
jit = off
"""


class Postgres:
    """A server on a port of loopback; port and data outlast a restart.

    The role `nexus` owns the databases that tests get, and nothing else: it is no superuser, as no host's should be.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs = programs
        self.folder = folder
        self.data = folder / "data"
        self.libraries = debian.environment()
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.numbers = itertools.count(1)

    @property
    def url(self) -> str:
        """The database `nexus`, which all tests of a session share: `fresh_database` gives one's own."""
        return self.url_of("nexus")

    def url_of(self, database: str, role: str = "nexus") -> str:
        return f"postgresql://{role}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{database}"

    def fresh_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"fresh_{next(self.numbers)}"
        self.administer(sql.SQL("CREATE DATABASE {} OWNER nexus").format(sql.Identifier(name)))
        return self.url_of(name)

    def administer(self, *statements: sql.Composed | sql.SQL) -> None:
        """Executes them as the superuser."""
        with psycopg.connect(self.url_of("postgres", role="postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def start(self) -> None:
        """Gives back a server that takes connections; nothing to do where it runs."""
        if self.process is not None:
            return
        is_new = self.port == 0
        if is_new:
            self.initialise()
        for _ in range(5):
            self.port = free_port() if is_new else self.port
            self.process = self.launch("postgres", "-D", self.data, "-p", self.port)
            if self.answers():
                break
        else:
            raise AssertionError(self.output()[-2000:])
        if is_new:
            self.create_owner()

    def stop(self, immediate: bool = False) -> None:
        """Ends it and cuts off its clients; `immediate` is a crash, from which the next start recovers."""
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
            try:
                process.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def restart(self, immediate: bool = False) -> None:
        self.stop(immediate)
        self.start()

    def initialise(self) -> None:
        if other_account() and self.programs.is_relative_to(debian.UNPACKED):
            self.copy_programs()
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if other_account():
            subprocess.run(["chown", "-R", "nobody:", self.folder], check=True)
        options = ["--username=postgres", f"--pwfile={password}", "--auth=scram-sha-256"]
        locale = ["--encoding=UTF8", "--locale=C.UTF-8"]
        made = self.launch("initdb", "-D", self.data, *options, *locale, "--no-sync", "--no-instructions")
        assert made.wait(timeout=PATIENCE) == 0, self.output()
        with (self.data / "postgresql.conf").open("a") as configuration:
            configuration.write(SETTINGS)

    def copy_programs(self) -> None:
        """The other account may have no way to the project: it gets what it runs, which finds its files from there."""
        release = self.programs.parent
        needed = libraries_of([self.programs / "initdb", self.programs / "postgres"])
        self.programs = self.folder / "usr/lib/postgresql" / release.name / "bin"
        shutil.copytree(release, self.programs.parent, ignore=shutil.ignore_patterns("bitcode", "llvmjit*"))
        share = Path("usr/share/postgresql") / release.name
        shutil.copytree(debian.UNPACKED / share, self.folder / share)
        libraries = self.folder / "libraries"
        libraries.mkdir()
        for library in needed:
            shutil.copy(library, libraries)
        self.libraries = {"LD_LIBRARY_PATH": str(libraries)}

    def create_owner(self) -> None:
        self.administer(
            sql.SQL("CREATE ROLE nexus LOGIN PASSWORD {}").format(sql.Literal(PASSWORD)),
            sql.SQL("CREATE DATABASE nexus OWNER nexus"),
        )

    def launch(self, program: str, *arguments: object) -> subprocess.Popen[bytes]:
        with (self.folder / "output.log").open("ab") as output:
            return subprocess.Popen(
                [self.programs / program, *map(str, arguments)],
                cwd=self.folder,
                env={**os.environ, **self.libraries},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                **other_account(),
            )

    def answers(self) -> bool:
        """Waits until it does; False where it ended, for instance since somebody took the free port."""
        until_at = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < until_at:
            if self.is_ready():
                return True
            time.sleep(0.01)
        self.stop()
        return False

    def is_ready(self) -> bool:
        """What the server itself writes down about this process; the file of one that crashed names another."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return lines[:1] == [str(self.process.pid)] and [line.strip() for line in lines[7:8]] == ["ready"]

    def output(self) -> str:
        return (self.folder / "output.log").read_text()


@contextlib.contextmanager
def running() -> Iterator[Postgres]:
    """A server that is gone with its data afterwards."""
    # Of all temporary folders, this is the one that every account has a way to.
    with tempfile.TemporaryDirectory(prefix="nexus-postgres-", dir="/tmp") as folder:
        server = Postgres(installed(), Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop(immediate=True)


def installed() -> Path:
    """The folder of the server's programs; where there is none the test is skipped, but never in CI."""
    for place in PLACES:
        releases = [found.parent.parent for found in place.glob("usr/lib/postgresql/*/bin/initdb")]
        if releases:
            return max(releases, key=lambda release: float(release.name)) / "bin"
    message = "Debian's package postgresql is not installed: ./scripts/test installs it"
    return pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)


def other_account() -> dict[str, object]:
    """How `subprocess` gets away from root, which PostgreSQL refuses to serve; empty for everyone else."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def libraries_of(programs: list[Path]) -> set[Path]:
    """Those of their libraries that the system lacks."""
    told = subprocess.check_output(["ldd", *programs], env={**os.environ, **debian.environment()}, text=True)
    paths = {Path(line.partition(" => ")[2].rpartition(" (")[0]) for line in told.splitlines()}
    return {path for path in paths if path.is_relative_to(debian.UNPACKED)}
