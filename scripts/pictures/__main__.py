"""Makes pictures of every page, light and dark, wide and narrow, of a host with forty modules and 2,000 runs."""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from scripts.pictures import demo_host

ROOT: Final = Path(__file__).parent.parent.parent
NEXUS: Final = ROOT / ".venv" / "bin" / "nexus"

_SWITCHES: Final = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--force-color-profile=srgb")

_PAGES: Final = {
    "overview": "/ui",
    "modules": "/ui/modules",
    "module": "/ui/modules/jira",
    "module-failed": "/ui/modules/billing",
    "module-panel": "/ui/modules/uptime",
    "module-page": "/ui/modules/uptime/pages/results",
    "jobs": "/ui/jobs",
    "job": "/ui/modules/asana/jobs/sync",
    "runs": "/ui/runs",
    "runs-failed": "/ui/runs?status=failed",
    "bulk": "/ui/runs/retry?status=failed&within=day",
    "routes": "/ui/routes",
    "health": "/ui/health",
    "audit": "/ui/audit",
    "settings": "/ui/settings",
    "me": "/ui/me",
    "nowhere": "/ui/nowhere",
}

_BEST: Final = (("overview", "light"), ("job", "light"), ("run", "dark"), ("modules", "dark"))
"""Those that the docs show."""


def main() -> None:
    """Makes the pictures."""
    parser = argparse.ArgumentParser(prog="scripts/screenshots", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "pictures", help="where they go")
    parser.add_argument("--docs", action="store_true", help="also renews the four in docs/pictures")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    executable = shutil.which("chromium")
    if executable is None:
        sys.exit("chromium is missing: ./scripts/test installs it")
    with serving() as (url, directory, environ), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(_SWITCHES))
        for scheme in ("light", "dark"):
            for width in (1280, 390):
                take(browser, url, sign_in_link(directory, environ), scheme, width, arguments.folder)
        browser.close()
    if arguments.docs:
        for name, scheme in _BEST:
            shutil.copy(arguments.folder / f"{name}-{scheme}-1280-top.png", ROOT / "docs" / "pictures" / f"{name}.png")


@contextmanager
def serving() -> Iterator[tuple[str, Path, dict[str, str]]]:
    """Runs the demonstration, and gives its address, its directory and its environment."""
    with tempfile.TemporaryDirectory(prefix="nexus-pictures-") as folder:
        directory = Path(folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        demo_host.lay_out(directory, port)
        demo_host.fill(directory, directory / ".nexus")
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "NEXUS_STATE_DIR": str(directory / ".nexus")}
        with (directory / "log").open("wb") as log:
            host = subprocess.Popen([NEXUS, "serve"], cwd=directory, env=environ, stdout=log, stderr=log)
        try:
            wait_for(f"http://127.0.0.1:{port}/readyz")
            time.sleep(12)  # the targets are probed twice, and the checks have run
            yield f"http://127.0.0.1:{port}", directory, environ
        finally:
            host.terminate()
            host.wait(30)


def wait_for(url: str) -> None:
    """Waits until the address answers well."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    sys.exit(f"{url} does not answer")


def sign_in_link(directory: Path, environ: dict[str, str]) -> str:
    """Gives a one-time link."""
    command = [NEXUS, "dashboard", "link"]
    return subprocess.run(
        command, cwd=directory, env=environ, check=True, capture_output=True, text=True
    ).stdout.strip()


def take(browser: Browser, url: str, link: str, scheme: str, width: int, folder: Path) -> None:
    """Takes every page's picture in one scheme and width."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(link)
    save(page, folder / f"link-{scheme}-{width}")
    page.locator("main form button").click()
    for name, path in _PAGES.items():
        page.goto(url + path)
        if name == "overview":
            page.wait_for_selector("#live-state[data-state=on]")
        save(page, folder / f"{name}-{scheme}-{width}")
    page.goto(url + "/ui/runs?status=failed&module=asana")
    page.locator("tbody th a").first.click()
    save(page, folder / f"run-failed-{scheme}-{width}")
    page.goto(url + "/ui/modules/jira/jobs/nightly")
    page.get_by_label("Days back").fill("900")
    page.get_by_role("button", name="Start the run").click()
    save(page, folder / f"mistake-{scheme}-{width}")
    page.get_by_label("Days back").fill("14")
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_selector("text=/1[789] of 40|2\\d of 40/")
    save(page, folder / f"run-{scheme}-{width}")
    page.get_by_role("button", name="Cancel the run").click()
    page.wait_for_selector("h1:not(:has-text('running'))")
    context.close()


def save(page: Page, path: Path) -> None:
    """Saves the whole page, and what the window shows of it."""
    page.screenshot(path=f"{path}.png", full_page=True)
    page.screenshot(path=f"{path}-top.png")


main()
