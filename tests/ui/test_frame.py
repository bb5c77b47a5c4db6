"""What holds for every page: its policy, its style, its error pages, and its costs."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import nexus
from nexus.testing.running_host import running_host
from nexus.ui import dashboard, static_files
from nexus.ui.page_book import PageBook
from nexus.ui.pages import every
from tests.ui.signed_in import signed_in

VENDOR = Path(static_files.__file__).parent / "static" / "vendor"


async def test_every_page_forbids_inline_code_and_everything_from_elsewhere(tmp_path):
    async with running_host(nexus.Module("one", version="1"), state_dir=tmp_path) as host:
        ada = signed_in(host)
        for path in ("/ui", "/ui/modules", "/ui/modules/one", "/ui/nowhere"):
            answer = await ada.get(path)
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'")
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:", answer.text)
            assert not re.search(r'(?:src|href|action)="(?:https?:)?//', answer.text)


async def test_an_unknown_address_is_told_as_a_page(tmp_path):
    async with running_host(state_dir=tmp_path) as host:
        ada = signed_in(host)
        for path in ("/ui/nowhere", "/ui/modules/nobody", "/ui/modules/nobody/jobs/none", "/ui/runs/none"):
            answer = await ada.get(path)
            assert answer.status == 404
            assert answer.headers["Content-Type"].startswith("text/html")
            assert "To the overview" in answer.text


async def test_links_keep_to_the_mount_point(tmp_path):
    config = {"global": {"path": "/nexus"}}
    async with running_host(nexus.Module("one", version="1"), state_dir=tmp_path, config=config) as host:
        ada = signed_in(host)
        for path in ("/ui", "/ui/modules", "/ui/modules/one"):
            answer = await ada.get(path)
            assert answer.status == 200
            for link in re.findall(r'(?:href|src|action|data-hx-get)="(/[^"]*)"', answer.text):
                assert link.startswith("/nexus/ui"), link


async def test_files_are_kept_for_good_under_their_version_and_nothing_else_is_served(tmp_path):
    async with running_host(state_dir=tmp_path) as host:
        page = (await signed_in(host).get("/ui")).text
        for path in re.findall(r'"(/ui/static/[^"]+)"', page):
            answer = await host.get(path)
            assert answer.status == 200
            assert "immutable" in answer.headers["Cache-Control"]
        version = static_files.static_files().version
        assert (await host.get("/ui/static/other/nexus.css")).headers["Cache-Control"] == "no-store"
        for path in ("vendor/README.md", "../rendering.py", "%2e%2e/rendering.py", "..%2frendering.py", "/etc/passwd"):
            assert (await host.get(f"/ui/static/{version}/{path}")).status in (303, 404)


def test_files_of_others_are_as_they_were_published():
    told = (VENDOR / "README.md").read_text()
    files = sorted(path.name for path in VENDOR.glob("*.js"))
    assert files
    for name in files:
        line = next(line for line in told.splitlines() if f"`{name}`" in line)
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() in line


def test_no_file_of_the_pages_names_another_origin():
    for path in VENDOR.parent.glob("*.*"):
        named = set(re.findall(r"https?://[\w.-]+", path.read_text()))
        assert named <= {"http://www.w3.org"}, path.name  # the namespace of SVG, which nobody fetches


async def test_every_address_has_its_handler_and_every_handler_its_address(tmp_path):
    async with running_host(state_dir=tmp_path) as host:
        book = PageBook(gate=None)
        every.write(
            book, host.host, counters=None, decisions=None, permission="admin", sessions=None, host_routes=lambda: ()
        )
    assert set(book.handlers) == {(method, path) for method, path, _summary in dashboard.ADDRESSES}


def test_a_host_that_nobody_looks_at_loads_no_template_engine_and_no_page():
    code = "import sys, nexus.serve; print(sorted({'jinja2', 'nexus.ui.pages'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
