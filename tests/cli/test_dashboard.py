"""`nexus dashboard link`, and the link that `nexus serve` prints."""

import re
import subprocess
import sys
import urllib.request

LINK = re.compile(r"(https?://\S+)/ui/link\?code=([A-Za-z0-9_-]{43})\n")


def test_stdout_holds_the_link_and_nothing_else(nexus, folder):
    ended = nexus("dashboard", "link")

    assert (ended.code, ended.err) == (0, "")
    assert LINK.fullmatch(ended.out)[1] == "http://127.0.0.1:3001"
    assert (folder / ".nexus" / "sessions.db").exists()


def test_each_link_is_another(nexus):
    assert nexus("dashboard", "link").out != nexus("dashboard", "link").out


def test_the_link_leads_to_where_the_host_is(nexus, folder, monkeypatch):
    (folder / "config.toml").write_text('[global]\nbase_url = "https://nexus.example"\npath = "/tools"\n')
    assert LINK.fullmatch(nexus("dashboard", "link").out)[1] == "https://nexus.example/tools"

    (folder / "config.toml").write_text('[global]\npath = "/tools"\n[global.server]\nport = 4000\n')
    assert LINK.fullmatch(nexus("dashboard", "link").out)[1] == "http://127.0.0.1:4000/tools"

    assert LINK.fullmatch(nexus("dashboard", "link", "--url", "https://a.example/b/").out)[1] == "https://a.example/b"
    monkeypatch.setenv("NEXUS_URL", "https://c.example")
    assert LINK.fullmatch(nexus("dashboard", "link").out)[1] == "https://c.example"


def test_where_an_issuer_is_configured_nobody_comes_in_by_a_link(nexus, folder):
    auth = '[global.auth]\nissuer = "https://issuer.example/"\naudience = "https://nexus.example"\n'
    (folder / "config.toml").write_text(auth)
    ended = nexus("dashboard", "link")

    assert (ended.code, ended.out) == (5, "")
    assert "sign in at http://127.0.0.1:3001/ui" in ended.err

    (folder / "config.toml").write_text(auth + "local = true\n")
    assert nexus("dashboard", "link").code == 0


def test_a_store_that_cannot_be_used_is_told_in_one_sentence(nexus, folder):
    (folder / ".nexus").mkdir(mode=0o700)
    (folder / ".nexus" / "sessions.db").touch(0o644)
    (folder / ".nexus" / "sessions.db").chmod(0o644)
    ended = nexus("dashboard", "link")

    assert (ended.code, ended.out) == (1, "")
    assert "sessions.db" in ended.err
    assert ended.err.count("\n") == 1


def test_an_address_that_is_none_is_a_wrong_command_line(nexus):
    assert nexus("dashboard", "link", "--url", "javascript:x").code == 2


def test_serve_prints_a_link_that_leads_to_its_pages(serve):
    serving = serve()
    link = serving.wait_for("pages:").partition(":")[2].strip()

    assert link.startswith(f"{serving.url}/ui/link?code=")
    with urllib.request.urlopen(link) as page:
        assert b"Sign in" in page.read()


def test_serve_says_where_the_pages_are_where_people_sign_in_at_an_issuer(serve, folder):
    (folder / "config.toml").write_text(
        '[global.auth]\nissuer = "http://127.0.0.1:1/"\naudience = "https://nexus.example"\n'
    )
    serving = serve()

    assert serving.wait_for("pages:").endswith(f"{serving.url}/ui")
    assert not (folder / ".nexus" / "sessions.db").exists()


def test_a_host_that_nobody_looks_at_loads_nothing_of_sign_in():
    """Start-up is measured: drivers of databases and the template engine are for who looks."""
    heavy = {"sqlite3", "psycopg", "sqlalchemy", "dbos", "jinja2"}
    code = f"import sys, nexus.serve; print(sorted({heavy} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "[]"
