"""What the pages of issuers say to type is typed, with an issuer of ours in the place of the vendor's."""

import asyncio
import re
from dataclasses import replace

import pytest

from nexus.testing.issuer import Issuer

from .fences import ROOT, blocks
from .terminal import Terminal

PAGES = [ROOT / "docs" / "auth" / f"{name}.md" for name in ("auth0", "rfc9068", "generic")]
CLIENT, SECRET = "nexus-operator", "correct-horse-battery-staple"
SERVE = "$ nexus serve\n"


@pytest.fixture
async def issuer():
    """An issuer that gives tokens for the audience of the pages to one client."""
    async with Issuer(audience="https://nexus.example", clients={CLIENT: SECRET}) as running:
        yield running


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
async def test_the_commands_of_a_page_lead_to_an_answer(page, issuer, tmp_path):
    folder, home = tmp_path / "work", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    settings, *_ = [block.text for block in blocks(page) if block.language == "toml"]
    (folder / "config.toml").write_text(re.sub(r'issuer = ".*"', f'issuer = "{issuer.url}"', settings))
    secret = home / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    typed = [block for block in blocks(page) if block.words.get("norun", "").startswith("test_issuer_pages")]
    texts = [
        block.text.replace("CLIENT_ID=…", f"CLIENT_ID={CLIENT}")
        .replace("/run/secrets/nexus_client", str(secret))
        .replace("https://nexus.example/api", "--fail localhost:3001/api")
        for block in typed
    ]

    def type_them() -> None:
        with Terminal(folder, home) as terminal:
            for text in (SERVE, *texts):
                terminal.type(replace(typed[0], text=text))

    assert any("api/version" in text for text in texts)
    await asyncio.to_thread(type_them)
    assert "/token" in issuer.requests
