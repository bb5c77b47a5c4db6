"""The issuer of the own machine; ids are rows E1 to E7 of the attack list."""

import asyncio
import base64
import json
import os
import stat
import subprocess
import sys

import pytest

import nexus
from nexus.auth.exposure import LocalIssuerExposed, check_bind_address
from nexus.auth.local_issuer import FILE_NAME, CannotMint, LocalIssuer
from nexus.auth.private_file import UnsafeFile
from nexus.auth.refusal import Refusal
from nexus.config.auth_settings import AuthSettings


@pytest.fixture
def local(tmp_path):
    return LocalIssuer.open(tmp_path / "state")


async def test_a_minted_token_opens_its_own_host(authenticator_factory, local, clock):
    async with authenticator_factory(None) as authenticator:
        principal = await authenticator.authenticate(
            local.mint(subject="me", permissions={"admin"}, ttl=60, wall=clock.wall)
        )

    assert (principal.issuer, principal.subject, principal.permissions) == (local.name, "me", {"admin"})
    assert principal.expires_at.timestamp() == clock.now + 60


async def test_e1_a_token_of_one_installation_opens_no_other(authenticator_factory, local, clock, tmp_path):
    other = LocalIssuer.open(tmp_path / "other")
    async with authenticator_factory(None) as authenticator:
        with pytest.raises(Refusal, match="unknown_issuer"):
            await authenticator.authenticate(other.mint(subject="me", permissions=(), wall=clock.wall))
    assert other.name != local.name


async def test_e1_a_forged_name_needs_the_key_too(authenticator_factory, local, clock, tmp_path):
    path = tmp_path / "other" / FILE_NAME
    LocalIssuer.open(tmp_path / "other")
    path.write_text(json.dumps({**json.loads(path.read_text()), "issuer": local.name}))
    forger = LocalIssuer.open(tmp_path / "other")

    async with authenticator_factory(None) as authenticator:
        with pytest.raises(Refusal, match="unknown_kid"):
            await authenticator.authenticate(forger.mint(subject="me", permissions=(), wall=clock.wall))


@pytest.mark.parametrize(("table", "serves"), [({}, False), ({"local": True}, True)], ids=["E2-off", "E2-asked-for"])
async def test_e2_beside_an_outside_issuer_only_where_asked_for(
    authenticator_factory, local, issuer, clock, table, serves
):
    token = local.mint(subject="me", permissions=(), wall=clock.wall)
    async with authenticator_factory(issuer.settings(**table)) as authenticator:
        assert [status.issuer for status in authenticator.status()] == [issuer.url, *([local.name] if serves else [])]
        if serves:
            assert await authenticator.authenticate(token)
        else:
            with pytest.raises(Refusal, match="unknown_issuer"):
                await authenticator.authenticate(token)
        assert authenticator.issuers == (issuer.url,)


async def test_e2_a_table_without_an_issuer_keeps_it(authenticator_factory, local, clock):
    async with authenticator_factory(AuthSettings(permission="root")) as authenticator:
        assert await authenticator.authenticate(local.mint(subject="me", permissions=(), wall=clock.wall))
        assert authenticator.permission == "root"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "nexus.example", ""], ids=lambda host: f"E3-{host}")
def test_e3_an_address_that_others_reach_is_refused_unless_forced(issuer, host):
    with pytest.raises(LocalIssuerExposed, match="allow_remote_local"):
        check_bind_address(None, host)
    with pytest.raises(LocalIssuerExposed):
        check_bind_address(issuer.settings(local=True), host)

    check_bind_address(AuthSettings(allow_remote_local=True), host)
    check_bind_address(issuer.settings(), host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"], ids=lambda host: f"E3-{host}")
def test_e3_this_machine_only_is_fine(host):
    check_bind_address(None, host)


def link(path):
    path.rename(path.with_name("real"))
    path.symlink_to(path.with_name("real"))


SPOILED = {
    "E4-readable-by-others": lambda path: path.chmod(0o644),
    "E4-readable-by-group": lambda path: path.chmod(0o640),
    "E4-link": link,
    "E4-dangling-link": lambda path: (path.unlink(), path.symlink_to("nowhere")),
    "E4-folder": lambda path: (path.unlink(), path.mkdir()),
    "E4-pipe": lambda path: (path.unlink(), os.mkfifo(path, 0o600)),
    "E4-half-written": lambda path: path.write_bytes(path.read_bytes()[:200]),
    "E4-empty": lambda path: path.write_bytes(b""),
    "E4-list": lambda path: path.write_text("[]"),
    "E4-no-key": lambda path: path.write_text('{"issuer": "nexus-local:a", "key": {}}'),
    "E4-public-key": lambda path: path.write_text(
        json.dumps(
            {"issuer": "nexus-local:a", "key": {k: json.loads(path.read_text())["key"][k] for k in ("kty", "n", "e")}}
        )
    ),
    "E4-outside-name": lambda path: path.write_text(
        json.dumps({**json.loads(path.read_text()), "issuer": "https://issuer.example"})
    ),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=list(SPOILED))
def test_e4_a_file_that_cannot_be_trusted_is_refused_and_left(tmp_path, spoil):
    LocalIssuer.open(tmp_path)
    spoil(tmp_path / FILE_NAME)

    with pytest.raises(UnsafeFile, match=FILE_NAME):
        LocalIssuer.open(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_e4_a_file_of_another_user_is_refused(tmp_path):
    LocalIssuer.open(tmp_path)
    os.chown(tmp_path / FILE_NAME, 65_534, -1)

    with pytest.raises(UnsafeFile, match="another user"):
        LocalIssuer.open(tmp_path)


def test_e4_the_file_and_its_folder_are_for_the_owner_only(tmp_path):
    LocalIssuer.open(tmp_path / "state")

    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state" / FILE_NAME).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "state").iterdir()] == [FILE_NAME]


def test_e4_two_processes_at_once_get_the_same_issuer(tmp_path):
    code = (
        "import sys, pathlib; from nexus.auth.local_issuer import LocalIssuer;"
        "print(LocalIssuer.open(pathlib.Path(sys.argv[1])).name)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    names = {process.communicate(timeout=60)[0] for process in started}

    assert len(names) == 1
    assert names == {LocalIssuer.open(tmp_path).name + "\n"}


async def test_e4_many_threads_at_once_get_the_same_issuer(tmp_path):
    opened = await asyncio.gather(*(asyncio.to_thread(LocalIssuer.open, tmp_path) for _ in range(4)))

    assert len({issuer.name for issuer in opened}) == 1


@pytest.mark.parametrize("ttl", [0, -1, 86_401, float("nan"), float("inf")], ids=lambda ttl: f"E6-{ttl}")
def test_e6_a_lifetime_out_of_bounds_is_refused(local, ttl):
    with pytest.raises(CannotMint, match="ttl"):
        local.mint(subject="me", permissions=(), ttl=ttl)


@pytest.mark.parametrize("subject", ["", "a\nb", "s" * 256], ids=["E6-empty", "E6-newline", "E6-long"])
def test_e6_a_subject_that_would_be_refused_is_not_minted(local, subject):
    with pytest.raises(CannotMint, match="subject"):
        local.mint(subject=subject, permissions=())


@pytest.mark.parametrize("permission", ["", "a b", "a\tb", 'a"b'], ids=["E6-empty", "E6-space", "E6-tab", "E6-quote"])
def test_e6_a_permission_is_one_word(local, permission):
    with pytest.raises(CannotMint, match="permission"):
        local.mint(subject="me", permissions=[permission])


def test_e6_an_hour_is_the_default_and_nothing_is_permitted_by_itself(local, clock):
    from jwt import decode

    claims = decode(local.mint(subject="me", permissions=(), wall=clock.wall), options={"verify_signature": False})

    assert claims["exp"] - claims["iat"] == 3600
    assert claims["scope"] == ""


async def test_a_token_of_its_own_with_another_key_id_is_refused(authenticator_factory, local, clock):
    """Only who has the key could sign such a token; the answer is a refusal all the same."""
    header, payload, signature = local.mint(subject="me", permissions=(), wall=clock.wall).split(".")
    other = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "typ": "at+jwt", "kid": "x"}).encode()).rstrip(b"=")

    async with authenticator_factory(None) as authenticator:
        with pytest.raises(Refusal, match="unknown_kid"):
            await authenticator.authenticate(f"{other.decode()}.{payload}.{signature}")
        await authenticator.reload_keys()
        assert await authenticator.authenticate(f"{header}.{payload}.{signature}")


def test_e7_no_key_is_shipped():
    for package in nexus.__path__:
        for folder, _, files in os.walk(package):
            for name in files:
                assert not name.endswith((".pem", ".key", ".jwk", FILE_NAME)), f"{folder}/{name}"


def test_the_key_is_not_shown(local):
    assert "_key" not in repr(local)
