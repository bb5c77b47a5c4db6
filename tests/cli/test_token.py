"""`nexus token` and `nexus auth check`."""

import asyncio
import base64
import json

import pytest

from nexus.testing.issuer import Issuer

SECRET = "client-secret-of-a-test"


def claims(token: str) -> dict:
    part = token.strip().split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def configure(folder, issuer: Issuer, extra: str = "") -> None:
    text = f'[global.auth]\nissuer = "{issuer.url}"\naudience = "{issuer.audience}"\n{extra}'
    (folder / "config.toml").write_text(text)


def test_stdout_holds_the_token_and_nothing_else(nexus):
    ended = nexus("token", "--permission", "admin")

    assert ended.code == 0
    assert ended.out.count("\n") == 1
    assert ended.out.count(".") == 2
    assert ended.err == ""


def test_no_permission_is_given_that_was_not_asked_for(nexus):
    ended = nexus("token")

    assert claims(ended.out)["scope"] == ""
    assert (
        ended.err == "warning: no permission was asked for, so the token has none of its own: add --permission admin\n"
    )


def test_permissions_lifetime_and_subject_are_as_asked_for(nexus):
    told = claims(nexus("token", "--permission", "b", "--permission", "a", "--ttl", "15m", "--subject", "ann").out)

    assert (told["scope"], told["sub"]) == ("a b", "ann")
    assert told["exp"] - told["iat"] == 900


@pytest.mark.parametrize("ttl", ["25h", "0", "-1"])
def test_no_token_lives_longer_than_a_day_or_not_at_all(ttl, nexus):
    assert nexus("token", "--ttl", ttl).code == 2


@pytest.mark.parametrize(("option", "value"), [("--subject", ""), ("--permission", "a b")])
def test_what_no_token_can_hold_is_a_wrong_command_line(option, value, nexus):
    ended = nexus("token", option, value)

    assert ended.code == 2
    assert ended.out == ""


def test_a_key_that_others_could_have_read_is_not_used(nexus, folder):
    nexus("token")
    (folder / ".nexus" / "local-issuer.json").chmod(0o644)

    ended = nexus("token")

    assert ended.code == 1
    assert "mode 0644 where 0600 is needed" in ended.err


def test_the_state_directory_can_be_elsewhere(nexus, folder, monkeypatch):
    monkeypatch.setenv("NEXUS_STATE_DIR", str(folder / "elsewhere"))

    nexus("token")

    assert (folder / "elsewhere" / "local-issuer.json").is_file()
    assert not (folder / ".nexus").exists()


async def test_a_configured_issuer_gives_the_token_by_client_credentials(nexus, folder, monkeypatch):
    async with Issuer(clients={"robot": SECRET}) as issuer:
        configure(folder, issuer)
        (folder / "secret").write_text(SECRET + "\n")
        (folder / "secret").chmod(0o600)
        monkeypatch.setenv("NEXUS_CLIENT_ID", "robot")
        monkeypatch.setenv("NEXUS_CLIENT_SECRET_FILE", "secret")

        ended = await asyncio.to_thread(nexus, "token", "--permission", "admin", "--ttl", "2h")

    assert ended.code == 0
    assert claims(ended.out).items() >= {"iss": issuer.url, "sub": "robot", "scope": "admin"}.items()
    assert ended.err == "warning: --ttl has no effect: a configured issuer decides it\n"


async def test_a_client_that_is_not_known_is_exit_5_and_its_secret_is_shown_nowhere(nexus, folder, monkeypatch):
    async with Issuer(clients={"robot": "another-secret"}) as issuer:
        configure(folder, issuer)
        monkeypatch.setenv("NEXUS_CLIENT_ID", "robot")
        monkeypatch.setenv("NEXUS_CLIENT_SECRET", SECRET)

        ended = await asyncio.to_thread(nexus, "token", "--permission", "admin")

    assert (ended.code, ended.out) == (5, "")
    assert "invalid_client" in ended.err
    assert SECRET not in ended.err


async def test_an_issuer_that_is_down_is_exit_6(nexus, folder, monkeypatch):
    async with Issuer() as issuer:
        configure(folder, issuer)
    monkeypatch.setenv("NEXUS_CLIENT_ID", "robot")
    monkeypatch.setenv("NEXUS_CLIENT_SECRET", SECRET)

    ended = await asyncio.to_thread(nexus, "token")

    assert ended.code == 6
    assert "'nexus auth check' looks closer" in ended.err


def test_a_missing_client_is_told_by_its_variable(nexus, folder):
    (folder / "config.toml").write_text('[global.auth]\nissuer = "https://id.example/"\naudience = "a"\n')

    ended = nexus("token")

    assert ended.code == 2
    assert "NEXUS_CLIENT_ID is not set" in ended.err
    assert "NEXUS_CLIENT_ID_FILE" in ended.err


def test_a_client_given_twice_is_refused(nexus, folder, monkeypatch):
    (folder / "config.toml").write_text('[global.auth]\nissuer = "https://id.example/"\naudience = "a"\n')
    monkeypatch.setenv("NEXUS_CLIENT_ID", "robot")
    monkeypatch.setenv("NEXUS_CLIENT_ID_FILE", "robot.txt")

    assert "NEXUS_CLIENT_ID and NEXUS_CLIENT_ID_FILE are both set" in nexus("token").err


def test_of_several_issuers_one_is_chosen(nexus, folder):
    tables = "".join(f'[[global.auth.issuers]]\nissuer = "https://{n}.example/"\naudience = "a"\n' for n in "ab")
    (folder / "config.toml").write_text(tables)

    ended = nexus("token")

    assert ended.code == 2
    assert "choose one with --issuer: https://a.example/, https://b.example/" in ended.err
    assert "NEXUS_CLIENT_ID is not set" in nexus("token", "--issuer", "https://b.example/").err


def test_a_good_token_is_explained_rule_by_rule_and_not_printed(nexus):
    token = nexus("token", "--permission", "admin").out

    ended = nexus("auth", "check", "--token", "-", stdin=token)

    assert ended.code == 0
    assert "the token would be accepted" in ended.out
    assert "  signature  holds" in ended.out
    assert not any(part in ended.out + ended.err for part in token.strip().split("."))


def test_a_token_without_the_permission_is_exit_5_at_that_rule(nexus):
    ended = nexus("auth", "check", "--token", "-", "--json", stdin=nexus("token").out)

    assert ended.code == 5
    told = ended.json()["token"]
    assert told["accepted"] is False
    assert [rule["rule"] for rule in told["rules"] if rule["outcome"] == "fails"] == ["permission"]


@pytest.mark.parametrize("text", ["", "   \n", "not-a-token", "a.b.c", "\x00\x1b[31m", "é" * 50])
def test_whatever_stands_on_stdin_is_refused_in_good_order(text, nexus):
    ended = nexus("auth", "check", "--token", "-", stdin=text)

    assert ended.code in (2, 5)
    assert "\x1b" not in ended.out + ended.err


def test_a_token_on_the_command_line_is_refused_and_not_repeated(nexus):
    ended = nexus("auth", "check", "--token", "ey.secret-token.x")

    assert ended.code == 2
    assert "reads the token from stdin" in ended.err
    assert "secret-token" not in ended.err


async def test_the_live_issuer_is_examined(nexus, folder):
    async with Issuer() as issuer:
        configure(folder, issuer)

        ended = await asyncio.to_thread(nexus, "auth", "check", "--json")

    assert ended.code == 0
    (told,) = ended.json()["issuers"]
    assert told["issuer"] == issuer.url
    assert told["keys"] == 1
    assert told["failures"] == []
    assert abs(told["clock_offset"]) < 5


async def test_an_issuer_whose_clock_is_off_is_told(nexus, folder):
    from aiohttp import web

    async def answer(request: web.Request) -> web.Response:
        members = {"use": "sig", "alg": "RS256"}
        keys = [{**key.as_dict(private=False), **members} for key in issuer.keys]
        return web.json_response({"keys": keys}, headers={"Date": "Wed, 21 Oct 2015 07:28:00 GMT"})

    async with Issuer() as issuer:
        issuer.answer = answer
        configure(folder, issuer)
        ended = await asyncio.to_thread(nexus, "auth", "check")

    assert "set the clock" in ended.out


async def test_an_issuer_that_is_down_fails_and_says_how_once(nexus, shell, folder):
    async with Issuer() as issuer:
        configure(folder, issuer)
        token = issuer.mint(permissions={"admin"})

    ended = await asyncio.to_thread(shell, "auth", "check")
    assert (ended.code, ended.err) == (1, "")
    told = f"fails      discovery failed: {issuer.url.rstrip('/')}/.well-known/openid-configuration is not reachable"
    assert [line for line in ended.out.splitlines() if line.startswith("fails")] == [
        f"{told} (connection refused): check the address, and that this machine can reach it"
    ]
    explained = await asyncio.to_thread(nexus, "auth", "check", "--token", "-", stdin=token)
    assert explained.code == 1
    assert "nothing can be decided" in explained.err
