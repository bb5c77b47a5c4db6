"""No byte that leaves the host holds a secret, whatever its modules do with theirs."""

import asyncio
import json
import os
import re
import signal
import sys

import aiohttp
import pytest

from .canaries import canary, given, leaks
from .leaky_modules import IMPORT_RAISES, LEAKY, MISPLACED, VALIDATOR_RAISES, leaky_start
from .served import PATIENCE, Served, served

STARTS = {
    "fails": "RuntimeError(everything(settings))",
    "fails_late": "RuntimeError(cut_off(value, 500))",
    "not_ready": "nexus.NotReady(everything(settings))",
    "refused_login": "nexus.AuthFailed(everything(settings))",
    "wrong_in_fact": "nexus.ConfigError(cut_off(value, 500))",
    "exits": "SystemExit(everything(settings))",
    "groups": "ExceptionGroup(value, [RuntimeError(value), KeyError(everything(settings))])",
}

HOST = """
[global.log]
level = "debug"
access = "all"
[global.server]
shutdown_grace = 5
"""

PUBLIC = ["/livez", "/readyz", "/startupz", "/.well-known/oauth-protected-resource", "/m/leaky/bug", "/m/leaky/problem"]
PUBLIC += ["/m/leaky/http", "/m/leaky/own", "/m/leaky/not-ready", "/m/leaky/json", "/m/leaky/secret/x"]
DOWN = [f"/m/{name}/x" for name in STARTS]
GUARDED = ["/livez", "/readyz", "/startupz", "/api/version", "/api/modules", "/api/routes", "/api/health", "/api/me"]
GUARDED += ["/api/openapi.json", "/api/modules/nothing", "/api/nothing", *DOWN]

READING = [
    ["config", "show"],
    ["config", "show", "--origin"],
    ["config", "show", "--json"],
    ["config", "schema"],
    ["check"],
    ["check", "--json"],
    ["check", "--strict"],
    ["modules"],
    ["modules", "--json"],
    ["modules", "--offline", "--json"],
    ["modules", "show", "leaky", "--json"],
    ["modules", "show", "leaky"],
    ["modules", "show", "leaky", "--offline", "--json"],
    ["routes"],
    ["routes", "--json"],
    ["routes", "--offline", "--json"],
    ["health"],
    ["health", "--json"],
    ["version", "--json"],
]


_EACH = """
import json, sys
from nexus.cli import main
for arguments in json.loads(sys.argv.pop()):
    sys.argv[1:] = arguments
    try:
        main()
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        print(f"<<{end.code or 0}>>", flush=True)
"""


async def commands(wanted: list[list[str]], folder, environ) -> list[tuple[int, bytes]]:
    """Runs commands of `nexus` one after the other and gives the exit code of each and everything it wrote.

    They share a process, since most of what one takes is the start of Python.
    """
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-c", _EACH, json.dumps(wanted)],
        cwd=folder,
        env={**environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(2 * PATIENCE):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    pieces = re.split(rb"<<(\d+)>>\n", output)
    assert len(pieces) == 2 * len(wanted) + 1, output[-4000:].decode()
    return [(int(code), text) for text, code in zip(pieces[::2], pieces[1::2], strict=False)]


async def asked(host: Served, path: str, *, with_token: bool, method: str = "GET") -> bytes:
    """Status line, header fields and body of an answer, as they were received."""
    headers = {"Authorization": f"Bearer {host.token('admin')}"} if with_token else {}
    async with host.session.request(method, host.url + path, headers=headers, allow_redirects=False) as answer:
        fields = b"\r\n".join(name + b": " + value for name, value in answer.raw_headers)
        return f"{answer.status} {answer.reason}\r\n".encode() + fields + b"\r\n\r\n" + await answer.read()


async def events(host: Served) -> bytes:
    """What the stream of events has told since the start."""
    headers = {"Authorization": f"Bearer {host.token('admin')}", "Last-Event-ID": "0"}
    told = b""
    async with asyncio.timeout(PATIENCE), host.session.get(host.url + "/api/events", headers=headers) as answer:
        assert answer.status == 200
        while b"health.changed" not in told or told.count(b"module.state") < 20:
            told += await answer.content.readany()
    return told


def table(module: str, settings: str) -> str:
    return f'[modules.{module}]\npath = "mods"\nshutdown_timeout = 1\n[modules.{module}.config]\n{settings}'


async def test_no_byte_that_leaves_the_host_holds_a_secret(tmp_path):
    every = {name: given(tmp_path, name) for name in ["leaky", *STARTS]}
    environ = {name: value for it in every.values() for name, value in it.environ.items()}
    canaries = {f"{name}.{key}": each for name, it in every.items() for key, each in it.canaries.items()}
    config = HOST + "".join(table(name, it.tables) for name, it in every.items()) + table("at_import", "")
    sources = {"leaky.py": LEAKY, "at_import.py": IMPORT_RAISES}
    sources |= {f"{name}.py": leaky_start(name, raising) for name, raising in STARTS.items()}
    outputs = {}

    async with served(tmp_path, config, sources, environ=environ) as host:
        await host.until_started()
        outputs["events"] = await events(host)
        states = {name: module["state"] for name, module in (await host.modules()).items()}
        outputs |= {path: await asked(host, path, with_token=False) for path in [*PUBLIC, *GUARDED]}
        outputs |= {f"{path} (token)": await asked(host, path, with_token=True) for path in GUARDED}
        for module in states:
            for below in ("", "/config", "/schema"):
                path = f"/api/modules/{module}{below}"
                outputs[path] = await asked(host, path, with_token=True)
        secret = every["leaky"].canaries["by_reference"].value
        outputs["hook"] = await asked(host, f"/m/leaky/hook/{secret}", with_token=True)
        await host.get(f"/m/leaky/secret/{secret}?key={secret}")
        with pytest.raises(aiohttp.ClientError):
            await asked(host, "/m/leaky/broken", with_token=False)
        variables = {name: value for name, value in os.environ.items() if not name.startswith("NEXUS_")}
        variables |= environ | {"NEXUS_URL": host.url}
        for arguments, (code, output) in zip(READING, await commands(READING, tmp_path, variables), strict=True):
            outputs[" ".join(arguments)] = output
            assert code == (3 if arguments[0] == "check" else 0), (arguments, outputs[" ".join(arguments)][-2000:])
        host.signal(signal.SIGHUP)
        assert await host.stop() == 0
        outputs["stdout"], outputs["stderr"] = [(tmp_path / name).read_bytes() for name in ("stdout", "stderr")]

    assert states["leaky"] == "degraded"
    assert states["not_ready"] == "retrying"
    assert {states[name] for name in STARTS if name != "not_ready"} == {"failed"}
    assert outputs["stderr"].count(b"******") > 500, "the modules did try"
    unlogged = [line for line in outputs["stderr"].splitlines() if not line.startswith(b"{")]
    assert unlogged == [], "everything on stderr is a log line"
    found = leaks(outputs, canaries)
    assert found == [], "\n".join(found)


async def test_no_error_in_the_configuration_quotes_a_secret(tmp_path):
    it = given(tmp_path, "refused")
    wrong = {key: canary(key) for key in ("number", "choice", "pattern", "url", "table", "either", "flag")}
    wrong |= {key: canary(key) for key in ("unknown", "typo", "count", "cache", "base_url", "store", "jobs")}
    environ = it.environ | {f"WRONG_{key.upper()}": each.value for key, each in wrong.items()}
    environ["NEXUS__MODULES__MISPLACED__CONFIG__FLAG"] = wrong["flag"].value
    environ["NEXUS__GLOBAL__SERVER__PORTT"] = wrong["unknown"].value
    referred = "".join(f'{key} = {{ env = "WRONG_{key.upper()}" }}\n' for key in ("number", "choice", "pattern", "url"))
    config = f"""
[global]
base_url = "https://ann:{wrong["base_url"].value}@nexus.example"
[global.cache]
url = "redsi://:{wrong["cache"].value}@cache.internal"
[global.store]
url = "postgresq://ann:{wrong["store"].value}@db.internal"
[modules.misplaced]
path = "mods"
[modules.misplaced.config]
{referred}
table = {{ env = "WRONG_TABLE" }}
either = {{ env = "WRONG_EITHER" }}
api_kye = "{wrong["typo"].value}"
count = ["{wrong["count"].value}"]
[[modules.misplaced.jobs]]
type = "sweep"
timezone = "{wrong["jobs"].value}"
{table("refused", it.tables)}
"""
    (tmp_path / "mods").mkdir()
    (tmp_path / "mods/misplaced.py").write_text(MISPLACED)
    (tmp_path / "mods/refused.py").write_text(VALIDATOR_RAISES)
    (tmp_path / "config.toml").write_text(config)
    variables = {name: value for name, value in os.environ.items() if not name.startswith("NEXUS_")} | environ
    outputs = {}

    wanted = [["check"], ["check", "--json"], ["serve", "--port", "0"], ["config", "show"], ["modules", "--offline"]]
    for arguments, (code, output) in zip(wanted, await commands(wanted, tmp_path, variables), strict=True):
        outputs[arguments[0]] = output
        assert code == 3, output
        assert b"Traceback" not in output

    told = b"".join(outputs.values()).decode()
    assert all(f"modules.misplaced.config.{key}" in told for key in ("number", "choice", "pattern", "url", "api_kye"))
    assert leaks(outputs, {**it.canaries, **wrong}) == []


async def test_modules_whose_settings_are_refused_are_shown_without_their_secrets(tmp_path):
    it = given(tmp_path, "refused")
    outputs = {}

    async with served(
        tmp_path,
        HOST + table("refused", it.tables),
        {"refused.py": VALIDATOR_RAISES},
        environ=it.environ,
    ) as host:
        await host.until_started()
        assert (await host.modules())["refused"]["state"] == "invalid_config"
        for path in ("/api/modules", "/api/modules/refused/config", "/api/modules/refused/schema", "/readyz"):
            outputs[path] = await asked(host, path, with_token=True)
        assert await host.stop() == 0
        outputs["output"] = host.output

    assert leaks(outputs, it.canaries) == []
