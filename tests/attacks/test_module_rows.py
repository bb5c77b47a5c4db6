"""What a module can do to the guard, and what it gets to see: rows T16, T20 and T21."""

import contextlib

import pytest
from aiohttp import web

import nexus
from nexus.http.keys import PRINCIPAL
from nexus.spec.principal import Principal

from .wire import head

FORGED = {
    "X-Forwarded-User": "root",
    "X-Forwarded-Email": "root@example",
    "X-Forwarded-Groups": "admin",
    "X-Forwarded-Preferred-Username": "root",
    "X-Forwarded-Access-Token": "abc",
    "X-Auth-Request-User": "root",
    "X-Auth-Request-Email": "root@example",
    "X-JWT-Claims": '{"sub":"root"}',
    "X-JWT-Assertion": "abc",
    "X-Remote-User": "root",
    "Remote-User": "root",
    "X_Forwarded_User": "root",
    "X-User-Id": "1",
    "X-Userinfo": "abc",
    "X-MS-Client-Principal": "abc",
    "X-Amzn-Oidc-Data": "abc",
    "X-Goog-Authenticated-User-Email": "root@example",
    "Cf-Access-Jwt-Assertion": "abc",
    "Tailscale-User-Login": "root",
    "Forwarded": "for=10.0.0.1;by=root",
    "X-Forwarded-For": "10.0.0.1",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Real-IP": "10.0.0.1",
    "Proxy-Authorization": "Basic YTpi",
}


@pytest.mark.parametrize("name", FORGED, ids=lambda name: f"T16-{name}")
async def test_who_the_caller_is_comes_from_the_token_alone(stage, issuer, name):
    good = issuer.mint(subject="ann", permissions=["admin"])
    for target in ("/m/witness/secret", "/m/witness/open"):
        reply = await stage.get(target, (name, FORGED[name]), ("Authorization", f"Bearer {good}"), ("X-Other", "kept"))
        assert reply.status == 200
        told = {field.lower() for field, _ in stage.witness.seen} | {
            raw.decode().lower() for raw, _ in stage.witness.raw_seen
        }
        assert not told & {name.lower(), "authorization"}
        assert "x-other" in told
    await stage.refuses(lambda target: head(target, (name, FORGED[name])), "missing")


async def test_t16_a_module_never_sees_the_token(stage, issuer):
    good = issuer.mint(permissions=["admin"])
    await stage.takes(good)

    assert stage.witness.principal == Principal(
        issuer=issuer.url,
        subject="tester",
        client=None,
        permissions=frozenset({"admin"}),
        expires_at=stage.witness.principal.expires_at,
    )
    assert good not in repr(stage.witness.principal)


async def test_t20_a_module_cannot_stand_before_the_guard(stage_factory):
    """Middlewares, signals and resolvers that it hangs into the running application are not asked."""
    reached = []
    module = nexus.Module("intruder", version="1.0.0")

    @web.middleware
    async def pass_all(request, handler):
        reached.append(request.path)
        return web.Response(text="bypassed")

    async def on_prepare(request, response):
        reached.append("prepare")

    @module.get("/intrude", access=nexus.PUBLIC)
    async def intrude(request):
        for app in (request.app, *request.match_info.apps):
            for attempt in (
                lambda app=app: app.middlewares.insert(0, pass_all),
                lambda app=app: app.middlewares.append(pass_all),
                lambda app=app: app.on_response_prepare.insert(0, on_prepare),
                lambda app=app: app.router.add_get("/m/witness/secret", pass_all),
            ):
                with contextlib.suppress(Exception):
                    attempt()
        return web.Response(text="tried")

    async with stage_factory(module) as stage:
        assert (await stage.get("/m/intruder/intrude")).body == b"tried"
        await stage.refuses(head, "missing")
        assert reached == []


async def test_t20_a_module_cannot_replace_the_principal_for_others(stage_factory, issuer):
    module = nexus.Module("forger", version="1.0.0")
    outcomes = []

    @module.get("/forge", permissions=["read"])
    async def forge(request):
        principal = nexus.context(request).principal
        for change in (
            lambda: setattr(principal, "permissions", frozenset({"admin"})),
            lambda: principal.permissions.add("admin"),
            lambda: object.__getattribute__(principal, "permissions").update({"admin"}),
        ):
            try:
                change()
                outcomes.append("done")
            except AttributeError:
                outcomes.append("refused")
        request[PRINCIPAL] = Principal(
            issuer="x", subject="root", client=None, permissions=frozenset({"admin"}), expires_at=principal.expires_at
        )
        return web.Response(text="forged")

    async with stage_factory(module) as stage:
        token = issuer.mint(permissions=["read"])
        for _ in range(2):
            assert (await stage.with_token(token, "/m/forger/forge")).status == 200
        assert outcomes == ["refused"] * 6
        await stage.refuses(
            lambda target: head(target, ("Authorization", f"Bearer {token}")), "insufficient_scope", secret=token
        )


async def test_t20_a_refusal_never_passes_a_modules_hands(stage_factory):
    """There is nothing of a module around the guard that could catch it."""
    module = nexus.Module("catcher", version="1.0.0")
    caught = []

    @module.get("/own")
    async def own(request):
        try:
            return web.Response(text="own")
        except BaseException as error:
            caught.append(error)
            raise

    @module.lifespan
    @contextlib.asynccontextmanager
    async def live(context):
        try:
            yield
        except BaseException as error:
            caught.append(error)
            raise

    async with stage_factory(module) as stage:
        await stage.refuses(head, "missing", targets=("/m/catcher/own",))
        assert caught == []


async def test_t20_a_module_that_answers_401_itself_speaks_for_itself(stage_factory, issuer):
    module = nexus.Module("rude", version="1.0.0")

    @module.get("/rude")
    async def rude(request):
        raise web.HTTPUnauthorized(text="who are you", headers={"WWW-Authenticate": "Basic"})

    async with stage_factory(module) as stage:
        reply = await stage.with_token(issuer.mint(), "/m/rude/rude")
        assert (reply.status, reply.all("WWW-Authenticate")) == (401, ["Basic"])


PLACES = [
    "nexus.auth.guard.read_bearer",
    "nexus.auth.guard.is_token_elsewhere",
    "nexus.auth.verifier.parse_compact",
    "nexus.auth.verifier.check_claims",
    "nexus.auth.verifier.check_signature",
    "nexus.auth.verifier.Principal",
    "nexus.auth.claims_cache.ClaimsCache._key",
    "nexus.auth.claims_cache.ClaimsCache.put",
    "nexus.auth.key_source.KeySource.find",
    "nexus.auth.counters.Counters.refuse",
]
ERRORS = [ValueError, RecursionError, MemoryError, KeyError, UnicodeEncodeError, AssertionError, OSError]


@pytest.mark.parametrize("place", PLACES, ids=[f"T21-{place.rpartition('.')[2]}" for place in PLACES])
async def test_whatever_breaks_in_the_guard_nothing_passes_and_nothing_is_told(stage, issuer, monkeypatch, place):
    good = issuer.mint(permissions=["admin"])

    for error in ERRORS:
        arguments = ("utf-8", good, 0, 1, f"about {good}") if error is UnicodeEncodeError else (f"about {good}",)

        def fail(*_, arguments=arguments, error=error, **__):
            raise error(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(place, fail)
            await judge_broken(stage, good if "Counters" not in place else issuer.mint(aud="x", permissions=["admin"]))
        await stage.host.get("/livez")


async def judge_broken(stage, token):
    from .watch import leak

    for target in ("/m/witness/secret", "/api/version"):
        stage.log.clear()
        reply = await stage.with_token(token, target)
        assert reply.status in {401, 503}, reply
        assert leak(token, reply.raw.decode("latin-1")) is None
        assert leak(token, stage.log.text) is None
        assert "Traceback" not in reply.raw.decode("latin-1")
    assert stage.witness.calls == []
