"""`nexus modules` and `nexus modules show`: what they write, and what a refused reload leaves to read."""

import signal
import time

from .conftest import PATIENCE

MODULE = """
import nexus
from pydantic import BaseModel

class Settings(BaseModel):
    greeting: str = "hi"

demo = nexus.Module("demo", version="1.2.3", settings=Settings)
"""
TABLE = "[modules.demo]\npath = 'mods'\n[modules.demo.config]\n"


def shown_when(nexus, text):
    """What is shown of the module once it has `text`, or at the end of patience."""
    ends_at = time.monotonic() + PATIENCE
    while text not in (shown := nexus("modules", "show", "demo").out) and time.monotonic() < ends_at:
        pass
    return shown


def test_no_line_of_a_table_ends_in_blanks(nexus, folder):
    lines = nexus("modules", "--offline").out.splitlines()

    assert "would start" in "".join(lines)
    assert lines == [line.rstrip() for line in lines]


def test_a_reload_reads_the_same_files_though_a_module_went_to_another_folder(serve, nexus, folder, monkeypatch):
    (folder / "mods").mkdir()
    (folder / "mods" / "demo.py").write_text("import os\nos.chdir('/')\n" + MODULE)
    (folder / "config.toml").write_text(TABLE)
    host = serve()
    monkeypatch.setenv("NEXUS_URL", host.url)

    (folder / "config.toml").write_text(TABLE + "greeting = 'hello'\n")
    host.process.send_signal(signal.SIGHUP)

    assert 'setting   greeting = "hello"' in shown_when(nexus, '"hello"')


def test_a_refused_reload_is_shown_with_its_reason_while_the_module_goes_on(serve, nexus, folder, monkeypatch):
    (folder / "mods").mkdir()
    (folder / "mods" / "demo.py").write_text(MODULE)
    (folder / "config.toml").write_text(TABLE)
    host = serve()
    monkeypatch.setenv("NEXUS_URL", host.url)
    assert "reload" not in nexus("modules", "show", "demo").out

    (folder / "config.toml").write_text(TABLE + "greting = 'hello'\n")
    host.process.send_signal(signal.SIGHUP)

    shown = shown_when(nexus, "reload")
    assert "demo 1.2.3  running" in shown
    assert "reload    was refused, it goes on as it was: config.toml:4: modules.demo.config.greting" in shown
