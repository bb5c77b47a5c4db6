"""When keys are fetched, how often, and what serves meanwhile."""

import asyncio
import json
import os
import stat
import threading

import pytest
from aiohttp import web

from nexus.auth import key_source
from nexus.auth.refusal import KeysUnavailable, Refusal


def publishing(issuer, **headers):
    async def answer(request):
        keys = [key.as_dict(private=False) for key in issuer.keys]
        return web.json_response({"keys": keys}, headers=headers)

    return answer


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


async def test_500_cold_callers_make_one_fetch(authenticator_factory, issuer):
    token = issuer.mint()
    async with authenticator_factory(issuer.settings()) as authenticator:
        principals = await asyncio.gather(*(authenticator.authenticate(token) for _ in range(500)))

    assert len(principals) == 500
    assert issuer.fetches == 1


async def test_500_cold_callers_of_a_dead_issuer_make_one_attempt(authenticator_factory, issuer):
    async def fail(request):
        raise web.HTTPInternalServerError

    issuer.answer = fail
    token = issuer.mint()
    async with authenticator_factory(issuer.settings()) as authenticator:
        for _ in range(3):
            results = await asyncio.gather(
                *(authenticator.authenticate(token) for _ in range(500)), return_exceptions=True
            )
            assert {type(result) for result in results} == {KeysUnavailable}

    assert issuer.fetches == 1


async def test_attempts_become_rarer_up_to_one_a_minute(authenticator_factory, issuer, clock):
    async def fail(request):
        raise web.HTTPInternalServerError

    issuer.answer = fail
    token = issuer.mint(ttl=7200)
    async with authenticator_factory(issuer.settings()) as authenticator:
        for _ in range(360):
            clock.advance(1)
            with pytest.raises(KeysUnavailable) as caught:
                await authenticator.authenticate(token)
            assert 1 <= caught.value.retry_after <= 72

    assert 8 <= issuer.fetches <= 14


async def test_keys_are_refreshed_before_they_end_and_nobody_waits_for_it(authenticator, issuer, clock):
    token = issuer.mint(ttl=3600)
    await authenticator.authenticate(token)
    proceed = asyncio.Event()
    publish = publishing(issuer)

    async def slowly(request):
        await proceed.wait()
        return await publish(request)

    issuer.answer = slowly
    clock.advance(600 * 0.71)
    await authenticator.authenticate(token)
    assert issuer.fetches == 1

    clock.advance(600 * 0.18)
    assert await authenticator.authenticate(token)
    await until(lambda: issuer.fetches == 2)
    assert await authenticator.authenticate(token)
    proceed.set()
    (status,) = authenticator.status()
    assert status.level == "pass"


@pytest.mark.parametrize(
    ("field", "life"),
    [
        ("max-age=0", 60),
        ("no-store", 60),
        ("no-cache, max-age=900", 60),
        ("public, max-age=900", 900),
        ('max-age="120"', 120),
        ("max-age=31536000, immutable", 3600),
        ("s-maxage=5", 600),
        ("max-age=-5", 600),
        ("max-age=99999999999999999999", 3600),
        ("", 600),
    ],
)
async def test_the_issuers_cache_headers_are_followed_within_bounds(authenticator_factory, issuer, clock, field, life):
    issuer.answer = publishing(issuer, **{"Cache-Control": field})
    token = issuer.mint(ttl=7200)
    async with authenticator_factory(issuer.settings()) as authenticator:
        await authenticator.authenticate(token)
        clock.advance(life * 0.7)
        await authenticator.authenticate(token)
        assert issuer.fetches == 1
        clock.advance(life * 0.2)
        await authenticator.authenticate(token)
        await until(lambda: issuer.fetches == 2)


async def test_a_new_key_is_found_at_its_first_use(authenticator, issuer, key_factory, clock):
    await authenticator.authenticate(issuer.mint())
    issuer.rotate(key_factory())
    new = issuer.mint()

    with pytest.raises(Refusal, match="unknown_kid"):
        await authenticator.authenticate(new)
    clock.advance(30)

    assert await authenticator.authenticate(new)
    assert issuer.fetches == 2


async def test_rotation_under_load_refuses_no_good_token(authenticator, issuer, key_factory, clock):
    """The issuer publishes each key ahead of use, as issuers do; tokens of the old key run out meanwhile."""
    old = issuer.mint(ttl=7200)
    await authenticator.authenticate(old)
    issuer.rotate(key_factory())
    new = issuer.mint(ttl=7200)
    clock.advance(600)
    await authenticator.authenticate(old)
    await until(lambda: issuer.fetches == 2 and authenticator.status()[0].keys == 2)

    results = await asyncio.gather(*(authenticator.authenticate(token) for token in [old, new] * 100))

    assert len(results) == 200


async def test_an_unchanged_key_set_costs_no_verified_token(authenticator, issuer):
    token = issuer.mint()
    principal = await authenticator.authenticate(token)
    (trusted,) = authenticator.trusted
    ring = trusted.keys.ring

    await trusted.keys.reload()

    assert trusted.keys.ring is ring
    assert authenticator.cached(token) is principal


async def test_a_restart_while_the_issuer_is_down_goes_on_working(authenticator_factory, issuer, clock, tmp_path):
    token = issuer.mint(ttl=80_000)
    async with authenticator_factory(issuer.settings(), state_dir=tmp_path) as authenticator:
        await authenticator.authenticate(token)
        await until(lambda: list((tmp_path / "keys").glob("*.json")))
    (saved,) = (tmp_path / "keys").glob("*.json")
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    await issuer.stop()

    clock.advance(3600)
    async with authenticator_factory(issuer.settings(), state_dir=tmp_path) as authenticator:
        assert await authenticator.authenticate(token)
        (status,) = authenticator.status()
        assert (status.level, round(status.key_age)) == ("warn", 3600)
        clock.advance(83_000)
        with pytest.raises(KeysUnavailable):
            await authenticator.authenticate(token)

    async with authenticator_factory(issuer.settings(), state_dir=tmp_path) as authenticator:
        with pytest.raises(KeysUnavailable):
            await authenticator.authenticate(token)


def of_another_issuer(path):
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "issuer": "https://evil.example"}))


def from_the_future(path):
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "fetched_at": content["fetched_at"] + 1000}))


def link(path):
    path.rename(path.with_name("real"))
    path.symlink_to(path.with_name("real"))


SPOILED = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "empty": lambda path: path.write_bytes(b""),
    "not-utf-8": lambda path: path.write_bytes(b"\xff" * 100),
    "readable-by-others": lambda path: path.chmod(0o644),
    "writable-by-group": lambda path: path.chmod(0o620),
    "link": link,
    "folder": lambda path: (path.unlink(), path.mkdir()),
    "pipe": lambda path: (path.unlink(), os.mkfifo(path, 0o600)),
    "too-large": lambda path: path.write_bytes(b" " * 300_000),
    "of-another-issuer": of_another_issuer,
    "from-the-future": from_the_future,
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=list(SPOILED))
async def test_saved_keys_that_cannot_be_trusted_are_not_used(authenticator_factory, issuer, tmp_path, spoil):
    async with authenticator_factory(issuer.settings(), state_dir=tmp_path) as authenticator:
        await authenticator.authenticate(issuer.mint())
        await until(lambda: list((tmp_path / "keys").glob("*.json")))
    (saved,) = (tmp_path / "keys").glob("*.json")
    spoil(saved)
    await issuer.stop()

    async with authenticator_factory(issuer.settings(), state_dir=tmp_path) as authenticator:
        with pytest.raises(KeysUnavailable):
            await authenticator.authenticate(issuer.mint())


async def test_saved_keys_of_other_settings_are_not_used(authenticator_factory, issuer, tmp_path):
    async with authenticator_factory(issuer.settings(), state_dir=tmp_path) as authenticator:
        await authenticator.authenticate(issuer.mint())
        await until(lambda: list((tmp_path / "keys").glob("*.json")))
    await issuer.stop()

    settings = issuer.settings(jwks_uri=issuer.jwks_uri)
    async with authenticator_factory(settings, state_dir=tmp_path) as authenticator:
        with pytest.raises(KeysUnavailable):
            await authenticator.authenticate(issuer.mint())


async def test_a_state_directory_that_cannot_be_written_stops_nothing(authenticator_factory, issuer, tmp_path, caplog):
    (tmp_path / "state").write_text("a file where a folder should be")
    async with authenticator_factory(issuer.settings(), state_dir=tmp_path / "state") as authenticator:
        assert await authenticator.authenticate(issuer.mint())
        await until(lambda: "could not be saved" in caplog.text)


async def test_threads_that_are_all_held_are_an_outage_like_any_other(
    authenticator_factory, issuer, clock, monkeypatch
):
    async with authenticator_factory(issuer.settings(keys={"timeout": 1})) as authenticator:
        token, released = issuer.mint(), threading.Event()
        await authenticator.authenticate(token)

        with monkeypatch.context() as patch:
            patch.setattr(key_source, "import_keys", lambda *_, **__: released.wait())
            (status,) = await authenticator.reload_keys()
        released.set()

        assert (status.level, "threads" in status.last_error) == ("warn", True)
        assert await authenticator.authenticate(token)
        clock.advance(2)
        (status,) = await authenticator.reload_keys()
        assert status.level == "pass"


async def test_keys_come_without_any_request(authenticator_factory, issuer):
    async with authenticator_factory(issuer.settings()) as authenticator:
        await until(lambda: authenticator.status()[0].level == "pass")


async def test_a_failed_look_for_an_unknown_kid_is_made_good_soon(authenticator, issuer, key_factory, clock):
    """Not only at the next refresh, which may be minutes away."""
    token = issuer.mint()
    await authenticator.authenticate(token)
    await issuer.stop()
    issuer.rotate(key_factory())
    clock.advance(31)
    with pytest.raises(KeysUnavailable):
        await authenticator.authenticate(issuer.mint())
    await issuer.start()

    clock.advance(2)
    assert await authenticator.authenticate(token)
    await until(lambda: authenticator.status()[0].level == "pass")
    assert await authenticator.authenticate(issuer.mint())


async def test_folders_that_are_made_are_for_the_owner_only(authenticator_factory, issuer, tmp_path):
    state_dir = tmp_path / "deep" / "state"
    async with authenticator_factory(issuer.settings(), state_dir=state_dir) as authenticator:
        await authenticator.authenticate(issuer.mint())
        await until(lambda: list((state_dir / "keys").glob("*.json")))

    for folder in (state_dir.parent, state_dir, state_dir / "keys"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_configured_address_of_the_keys_needs_no_discovery(authenticator_factory, issuer):
    async with authenticator_factory(issuer.settings(jwks_uri=issuer.jwks_uri)) as authenticator:
        assert await authenticator.authenticate(issuer.mint())

    assert issuer.requests == ["/jwks.json"]


async def test_the_offset_of_the_issuers_clock_is_told(authenticator, issuer, clock):
    clock.set_wall(-500)
    await authenticator.reload_keys()

    (status,) = authenticator.status()
    assert status.clock_offset == pytest.approx(500, abs=30)


async def test_everything_ends_with_the_authenticator(authenticator_factory, issuer):
    before = asyncio.all_tasks()

    async def hang(request):
        await asyncio.sleep(10)

    issuer.answer = hang
    async with authenticator_factory(issuer.settings()) as authenticator:
        waiting = asyncio.get_running_loop().create_task(authenticator.authenticate(issuer.mint()))
        await until(lambda: issuer.fetches == 1)

    with pytest.raises(KeysUnavailable):
        await waiting
    assert {task for task in asyncio.all_tasks() - before if task.get_name().startswith("nexus")} == set()
