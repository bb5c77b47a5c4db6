"""The pages hold together, and say nothing that a reader could not use."""

import re
import tempfile
import unicodedata
from pathlib import Path

import pytest

from .fences import PAGES, ROOT, prose

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_URL = re.compile(r"https?://([A-Za-z0-9.-]+)")
_NUMBER = re.compile(r"(?<![\w/&])#\d+\b|\bissue \d+", re.IGNORECASE)

HOSTS = re.compile(
    r"localhost|127\.0\.0\.1|([a-z0-9-]+\.)*example(\.com|\.org)?"
    r"|keepachangelog\.com|semver\.org|json-schema\.org"
    r"|tenant\.eu\.auth0\.com|login\.microsoftonline\.com|sts\.windows\.net"
    r"|cognito-idp\.[a-z0-9-]+\.amazonaws\.com|[a-z-]+\.auth\.[a-z0-9-]+\.amazoncognito\.com"
)
"""Whom the pages may name: the reader's own machine, names that belong to nobody, standards, and issuers."""


def anchors(page: Path) -> set[str]:
    """Gives the anchors that a page's headings have where they are shown as HTML."""
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)}


def slug(heading: str) -> str:
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    kept = (c for c in plain if c in " -_" or unicodedata.category(c)[0] in "LN")
    return "".join(kept).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    broken = []
    for target in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)

    assert broken == []


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: str(page.relative_to(ROOT)))
def test_the_pages_name_nothing_that_only_their_writers_know(page):
    text = page.read_text(encoding="utf-8")
    places = [str(ROOT), f"{ROOT.parent}/", f"{Path.home()}/", f"{tempfile.gettempdir()}/"]

    assert [host for host in _URL.findall(text) if not HOSTS.fullmatch(host)] == []
    assert [place for place in places if place in text] == []
    assert _NUMBER.findall(text) == []


def test_every_page_is_reached_from_the_readme():
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.is_file():
            continue
        seen.add(page)
        waiting += [(page.parent / target.partition("#")[0]).resolve() for target in _LINK.findall(prose(page))]
        waiting += sorted(page.parent.glob("*.md")) if page.parent.name == "decisions" else []

    assert {str(page.relative_to(ROOT)) for page in PAGES if "modules" not in page.parts} <= {
        str(page.relative_to(ROOT)) for page in seen
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_line_of_prose_is_one_sentence(page):
    lines = [line for line in prose(page).splitlines() if not re.match(r"\s*([|<]|[-*] |\d+\. )", line)]

    assert [line for line in lines if re.search(r"[a-z`)][.?!] [A-Z`*]", line)] == []
