"""`nexus serve` as a process, and the commands that ask a running host."""

import os
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from .conftest import PATIENCE

MODULE = """
import nexus
from aiohttp import web
from pydantic import BaseModel

class Settings(BaseModel):
    key: nexus.Secret

demo = nexus.Module("demo", version="1.2.3", settings=Settings, description="A \\x1b[31mdemo.")

@demo.get("/hi", permissions={"read:demo"})
async def hi(request):
    '''Say hi.'''
    return web.json_response({})
"""
FICKLE = """
import asyncio
import nexus
from aiohttp import web

fickle = nexus.Module("fickle", version="1.0.0")
END = asyncio.Event()

async def end():
    await END.wait()
    raise ValueError("the connection is lost")

@fickle.lifespan
async def life(context):
    async with asyncio.TaskGroup() as group:
        group.create_task(end())
        yield

@fickle.get("/end", access=nexus.PUBLIC)
async def ask_for_the_end(request):
    END.set()
    return web.json_response({})
"""


@pytest.fixture
def configured(folder, monkeypatch):
    """A configuration with a module that runs and one that cannot."""
    (folder / "mods").mkdir()
    (folder / "mods" / "demo.py").write_text(MODULE)
    (folder / "mods" / "broken.py").write_text("raise RuntimeError('no luck')\n")
    (folder / "config.toml").write_text(
        "[modules.demo]\npath = 'mods'\n[modules.demo.config]\nkey = {env = 'DEMO_KEY'}\n"
        "[modules.broken]\npath = 'mods'\n"
    )
    monkeypatch.setenv("DEMO_KEY", "open-sesame")
    return folder


def test_without_a_file_it_serves_says_where_what_and_how_and_ends_with_0(serve, shell, monkeypatch):
    host = serve()
    monkeypatch.setenv("NEXUS_URL", host.url)

    assert [line.split() for line in host.lines if "liveness" in line] == [["liveness", "1.0.0", "running"]]
    assert "token:  nexus token --permission admin" in host.lines
    for words in (["health"], ["health", "--live"], ["health", "--ready"]):
        asked = shell(*words)
        assert (asked.out, asked.err) == ("pass\n", "")
    assert "liveness" in shell("modules").out
    assert host.stop() == 0


def test_the_running_host_is_shown(serve, nexus, configured, monkeypatch):
    host = serve()
    monkeypatch.setenv("NEXUS_URL", host.url)

    by_name = {each["name"]: each for each in nexus("modules", "--json").json()}
    assert (by_name["demo"]["state"], by_name["broken"]["state"]) == ("running", "failed")
    assert "RuntimeError: no luck" in nexus("modules").out
    shown = nexus("modules", "show", "demo")
    assert "route     GET HEAD /m/demo/hi  protected read:demo" in shown.out
    assert "setting   key = ******" in shown.out
    assert "\x1b" not in shown.out
    assert "open-sesame" not in shown.out + "".join(host.lines) + (configured / "stderr").read_text()
    routes = {each["path"]: each for each in nexus("routes", "--json").json()}
    assert routes["/m/demo/hi"]["permissions"] == ["read:demo"]
    assert routes["/livez"]["module"] is None
    lost = nexus("modules", "show", "nope")
    assert (lost.code, lost.err) == (4, "nexus: there is no module 'nope': 'nexus modules' lists them all\n")


def test_a_host_that_is_not_ready_is_exit_1_and_says_where_the_reasons_are(serve, nexus, configured):
    config = configured / "config.toml"
    config.write_text(config.read_text() + "required = true\n")
    url = serve().url

    ended = nexus("health", "--url", url)

    assert (ended.code, ended.out) == (1, "fail\n")
    assert ended.err == f"nexus: see 'nexus modules' for the reasons, or ask {url}/readyz with a token\n"
    assert nexus("health", "--live", "--url", url).code == 0


def test_a_token_that_does_not_do_is_exit_5_with_the_remedy(serve, nexus, monkeypatch):
    host = serve()
    weak = nexus("token").out.strip()

    ended = nexus("modules", "--url", host.url, "--token", weak)
    assert ended.code == 5
    assert ended.err.endswith(
        "the token lacks the permission 'admin': ask for it with 'nexus token --permission admin'\n"
    )

    monkeypatch.setenv("NEXUS_TOKEN", "nonsense")
    ended = nexus("modules", "--url", host.url)
    assert ended.code == 5
    assert "does not take the token" in ended.err
    assert "nonsense" not in ended.err


def test_the_token_comes_from_stdin_variable_or_file(serve, nexus, folder, monkeypatch):
    host = serve()
    token = nexus("token", "--permission", "admin").out

    assert nexus("modules", "--url", host.url, "--token", "-", stdin=token).code == 0
    (folder / "token").write_text(token)
    (folder / "token").chmod(0o600)
    monkeypatch.setenv("NEXUS_STATE_DIR", str(folder / "other-installation"))
    assert nexus("modules", "--url", host.url).code == 5
    monkeypatch.setenv("NEXUS_TOKEN_FILE", "token")
    assert nexus("modules", "--url", host.url).code == 0


def test_where_no_host_is_the_command_is_exit_6_and_a_health_check_1(nexus):
    ended = nexus("modules", "--url", "http://127.0.0.1:1")
    assert ended.code == 6
    assert "no host is reached at http://127.0.0.1:1 (connection refused): start it with 'nexus serve'" in ended.err
    assert nexus("health", "--url", "http://127.0.0.1:1").code == 1


@pytest.mark.parametrize("url", ["127.0.0.1:3001", "ftp://x", "http://", "http://u:p@x", "http://x?y"])
def test_what_is_no_address_is_a_wrong_command_line(url, nexus):
    ended = nexus("modules", "--url", url)

    assert ended.code == 2
    assert "is no address" in ended.err


def test_a_token_of_this_installation_is_not_shown_to_another_machine(nexus):
    ended = nexus("modules", "--url", "http://192.0.2.1:3001")

    assert ended.code == 5
    assert "set NEXUS_TOKEN, or give --token" in ended.err


def test_with_a_configured_issuer_no_local_token_is_made_up(nexus, folder):
    (folder / "config.toml").write_text('[global.auth]\nissuer = "https://id.example/"\naudience = "a"\n')

    ended = nexus("modules")

    assert ended.code == 5
    assert "NEXUS_TOKEN=$(nexus token --permission admin)" in ended.err
    assert not (folder / ".nexus").exists()


async def test_what_is_no_nexus_host_is_told(nexus, aiohttp_server):
    import asyncio

    from aiohttp import web

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<html>")

    app = web.Application()
    app.router.add_get("/{any:.*}", page)
    server = await aiohttp_server(app)
    url = f"http://127.0.0.1:{server.port}"

    ended = await asyncio.to_thread(nexus, "modules", "--url", url)
    assert ended.code == 1
    assert "is it a Nexus host" in ended.err
    assert (await asyncio.to_thread(nexus, "health", "--url", url)).code == 1


async def test_a_redirection_does_not_carry_the_token_away(nexus, aiohttp_server):
    import asyncio

    from aiohttp import web

    asked = []

    async def away(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPFound("/elsewhere")

    app = web.Application()
    app.router.add_get("/{any:.*}", away)
    server = await aiohttp_server(app)

    ended = await asyncio.to_thread(nexus, "modules", "--url", f"http://127.0.0.1:{server.port}")

    assert ended.code == 1
    assert asked == ["/api/modules"]
    assert "redirects to another place" in ended.err


def test_offline_shows_what_would_be_loaded(nexus, configured):
    by_name = {each["name"]: each for each in nexus("modules", "--offline", "--json").json()}

    assert (by_name["demo"]["state"], by_name["broken"]["state"]) == ("starting", "failed")
    assert by_name["hello"]["state"] == "available"
    assert by_name["demo"]["config"] == {"key": {"secret": True, "set": True, "source": "env:DEMO_KEY"}}
    (route,) = nexus("routes", "--offline", "--json").json()
    assert (route["module"], route["path"], route["access"]) == ("demo", "/m/demo/hi", "protected")
    assert ["demo", "1.2.3", "would", "start"] in [
        line.split() for line in nexus("modules", "--offline").out.splitlines()
    ]
    assert "reason    its import raised RuntimeError: no luck" in nexus("modules", "show", "broken", "--offline").out
    assert nexus("modules", "--offline", "show", "nope").code == 4


def test_offline_names_the_same_things_as_the_api(serve, nexus, configured, monkeypatch):
    host = serve()
    monkeypatch.setenv("NEXUS_URL", host.url)

    offline, online = (nexus("modules", "show", "demo", "--json", *extra).json() for extra in (["--offline"], []))

    assert offline.keys() <= online.keys()
    assert {key: offline[key] for key in ("routes", "config", "source", "version")} == {
        key: online[key] for key in ("routes", "config", "source", "version")
    }


def test_an_invalid_configuration_is_exit_3_before_anything_starts(shell, folder):
    (folder / "config.toml").write_text("[global.server]\nport = 'x'\n")

    ended = shell("serve")

    assert ended.code == 3
    assert ended.out == ""
    assert "config.toml:2: global.server.port: is a text and should be" in ended.err


def test_mistakes_of_the_host_and_of_its_modules_are_told_in_one_run(shell, folder):
    (folder / "config.toml").write_text(
        "[global.server]\nport = 'x'\n[modules.hello.config]\ngreting = 'hi'\n[[modules.hello.jobs]]\ntype = 'none'\n"
    )

    served, checked = shell("serve"), shell("check")

    assert served.code == checked.code == 3
    told = [line.partition(": ")[0] for line in served.err.splitlines()]
    assert sorted(told) == ["config.toml:2", "config.toml:4", "config.toml:6"]
    assert sorted(served.err.splitlines()) == sorted(checked.err.splitlines())


def test_a_local_issuer_on_an_open_address_is_exit_3(shell):
    ended = shell("serve", "--host", "0.0.0.0")

    assert ended.code == 3
    assert "configure an issuer in [global.auth], set 'global.server.host' or --host to 127.0.0.1, or" in ended.err
    assert "'global.auth.allow_remote_local = true'" in ended.err


def test_a_damaged_key_of_the_local_issuer_ends_the_start_in_order(shell, folder):
    """It is read once the socket listens: the modules that run by then are stopped, and nobody is let in."""
    key = folder / ".nexus" / "local-issuer.json"
    key.parent.mkdir(mode=0o700)
    key.touch(mode=0o600)

    ended = shell("serve", "--port", "0")

    assert ended.code == 1
    assert "local-issuer.json is damaged, remove it and a new issuer will be made" in ended.err
    assert '"module liveness has stopped"' in ended.err
    assert "serves at" not in ended.out


@pytest.mark.parametrize("token", ["a b", "\u00e9", "a\x00b"])
def test_what_is_no_token_is_a_wrong_command_line_and_not_repeated(token, nexus):
    ended = nexus("modules", "--url", "http://127.0.0.1:1", "--token", token)

    assert ended.code == 2
    assert token not in ended.err


def test_a_port_in_use_is_one_sentence_and_exit_1(serve, shell):
    host = serve()

    ended = shell("serve", "--port", host.url.rpartition(":")[2])

    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert ended.err.splitlines()[-1].startswith("nexus: ")


def test_strict_ends_where_a_module_fails(shell, configured):
    ended = shell("serve", "--port", "0", "--strict")

    assert ended.code == 1
    assert "the host ends, as --strict asks for: module broken has failed" in ended.err


def test_strict_ends_where_a_module_fails_later(serve, folder):
    (folder / "mods").mkdir()
    (folder / "mods" / "fickle.py").write_text(FICKLE)
    (folder / "config.toml").write_text('[modules.fickle]\npath = "mods"\n')
    host = serve("--strict")

    urllib.request.urlopen(f"{host.url}/m/fickle/end").close()

    assert host.process.wait(PATIENCE) == 1
    assert "the host ends, as --strict asks for: module fickle has failed" in (folder / "stderr").read_text()


@pytest.mark.parametrize("value", ["", "A b", ",", "hello;liveness"])
def test_only_takes_names_of_modules(value, nexus):
    ended = nexus("serve", "--only", value)

    assert ended.code == 2
    assert "write names with commas between them" in ended.err


def test_only_and_safe_mode_leave_modules_out(serve):
    assert [line.split()[2] for line in serve("--only", "liveness").lines if line.startswith(("hello", "live"))] == [
        "disabled",
        "running",
    ]
    assert {line.split()[2] for line in serve("--safe-mode").lines if line.startswith(("hello", "live"))} == {
        "disabled"
    }


def test_the_hint_at_a_token_names_the_same_configuration(serve, folder):
    (folder / "my config.toml").write_text("[modules.liveness]\n")

    assert "token:  nexus token --permission admin -c 'my config.toml'" in serve("-c", "my config.toml").lines


def test_the_hint_at_a_token_can_be_typed_where_the_command_is_not_on_the_path(serve, folder, monkeypatch):
    monkeypatch.setenv("PATH", os.defpath)

    hint = next(line for line in serve().lines if line.startswith("token:"))
    typed = subprocess.run(["sh", "-c", hint.removeprefix("token:")], capture_output=True, text=True, check=True)

    assert typed.stdout.count(".") == 2


def replace(file, text):
    """Writes it whole at once: a watcher must not find it half written."""
    written = file.with_suffix(".new")
    written.write_text(text)
    written.replace(file)


def test_with_reload_a_change_of_code_starts_the_host_again(serve, configured):
    host = serve("--reload")
    assert any(line.split()[:2] == ["demo", "1.2.3"] for line in host.lines)

    host.lines.clear()
    replace(configured / "mods" / "demo.py", MODULE.replace("1.2.3", "1.2.4"))

    host.wait_for("use it:")
    assert any(line.split()[:2] == ["demo", "1.2.4"] for line in host.lines)
    assert "demo.py changed: starting again" in (configured / "stderr").read_text()
    assert host.stop(signal.SIGINT) == 0


def test_with_reload_ctrl_c_in_a_terminal_stops_the_host_in_order(serve, configured):
    host = serve("--reload")
    watcher = host.process.pid

    # A terminal signals the whole group, and the watcher hands the signal on: the host must not be hit twice.
    (child,) = Path(f"/proc/{watcher}/task/{watcher}/children").read_text().split()
    assert os.getpgid(int(child)) != os.getpgid(watcher)
    os.killpg(watcher, signal.SIGINT)

    assert host.process.wait(PATIENCE) == 0
    assert '"event": "host.stopped"' in (configured / "stderr").read_text()


def test_with_reload_a_host_that_cannot_start_waits_for_a_change(serve, configured):
    host = serve("--reload")
    good = (configured / "config.toml").read_text()

    (configured / "config.toml").write_text(good + "[nonsense]\n")
    ends_at = time.monotonic() + PATIENCE
    while "waiting for a change" not in (configured / "stderr").read_text():
        assert time.monotonic() < ends_at, (configured / "stderr").read_text()
        time.sleep(0.05)
    host.lines.clear()
    replace(configured / "config.toml", good + "# mended\n")

    host.wait_for("use it:")
    assert host.stop() == 0
