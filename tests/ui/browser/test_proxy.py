"""The pages behind a proxy that ends https, below a mount point: everything works, and the cookie is as strict."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.async_api import expect

from nexus.ui.sign_in.new_link import new_link
from tests.ports import free_port
from tests.ui.workshop import open_workshop

pytestmark = [pytest.mark.asyncio(loop_scope="session")]


def certificate(folder: Path) -> ssl.SSLContext:
    """Gives what a server of the name `nexus.localhost` shows, signed by nobody else."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nexus.localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    plain = serialization.NoEncryption()
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@contextlib.asynccontextmanager
async def ending_https(port: int, target: int, folder: Path) -> AsyncIterator[None]:
    """Passes on what comes over https at `port`, to `target` and as it is."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=certificate(folder))
    try:
        yield
    finally:
        server.close()


async def test_people_sign_in_and_act_behind_a_proxy_that_ends_https(visit, tmp_path):
    port = free_port()
    outside = f"https://nexus.localhost:{port}"
    config = {"global": {"base_url": outside, "path": "/tools"}}
    async with (
        open_workshop(tmp_path / "state", config=config) as (workshop, host),
        ending_https(port, int(host.url.removesuffix("/tools").rpartition(":")[2]), tmp_path),
        visit(host, is_signed_in=False, ignore_https_errors=True) as visitor,
    ):
        page, visitor.url = visitor.page, f"{outside}/tools"
        visitor.goes_to(outside)
        settings = host.host.settings.global_
        await page.goto(await asyncio.to_thread(new_link, visitor.url, settings.store, host.host.state_dir))
        await page.get_by_role("button", name="Sign in").click()
        await expect(page).to_have_url(f"{outside}/tools/ui")
        await expect(page.locator("#live-state")).to_have_attribute("data-state", "on")
        [kept] = [each for each in await page.context.cookies() if "session" in each["name"]]
        assert kept["name"] == "__Host-nexus_session"
        assert (kept["secure"], kept["httpOnly"], kept["sameSite"], kept["path"]) == (True, True, "Lax", "/")

        await visitor.go("/ui/modules/workshop/jobs/slow")
        await page.get_by_role("button", name="Start the run").click()
        title = page.get_by_role("heading", level=1)
        await expect(title).to_contain_text("running")
        workshop.goes_on.set()
        await expect(title).to_contain_text("succeeded")

        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("status")).to_have_text("You are signed out.")
        assert not [each for each in await page.context.cookies() if "session" in each["name"]]
