"""Which requests are guarded at all: rows T10 to T14."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nexus
from tests.auth.effort import examples

from .stage import CHALLENGES, DETAILS
from .wire import head

METHODS = ["HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "PROPFIND", "BREW"]


@pytest.mark.parametrize("method", METHODS, ids=lambda name: f"T10-{name}")
async def test_every_method_is_guarded_first(stage, method):
    for target in ("/m/witness/secret", "/m/witness/any", "/api/version", "/api/nothing"):
        if method == "HEAD":
            with stage.untouched():
                reply = await stage.get(target, method=method)
            assert (reply.status, reply.one("WWW-Authenticate")) == (401, CHALLENGES["missing"])
            assert reply.body == b""
        else:
            # The parser does not know every method; nothing is decided then.
            code = "not_http" if method == "BREW" else "missing"
            await stage.refuses(head(target, method=method), code, targets=(target,))


async def test_t10_with_a_good_token_a_method_is_answered_as_http_says(stage, issuer):
    field = ("Authorization", f"Bearer {issuer.mint(permissions=['admin'])}")

    assert (await stage.get("/m/witness/any", field, method="HEAD")).status == 200
    refused = await stage.get("/m/witness/any", field, method="PUT")
    assert (refused.status, set(refused.one("Allow").split(", "))) == (405, {"GET", "HEAD", "OPTIONS"})
    assert (await stage.get("/m/witness/any", field, method="TRACE")).status == 405


async def test_t10_a_preflight_reaches_no_handler(stage):
    asked = head(
        "/m/witness/secret",
        ("Origin", "https://evil.example"),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "authorization"),
        method="OPTIONS",
    )

    await stage.refuses(asked, "missing", targets=("/m/witness/secret",))
    assert (await stage.send(asked)).all("Access-Control-Allow-Origin") == []


OVERRIDES = ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method", "X-Original-URL", "X-Rewrite-URL"]


@pytest.mark.parametrize("name", OVERRIDES, ids=lambda name: f"T11-{name}")
async def test_a_header_changes_neither_method_nor_path(stage, issuer, name):
    value = "/m/witness/open" if name.endswith("URL") else "DELETE"

    await stage.refuses(lambda target: head(target, (name, value)), "missing")
    good = issuer.mint(permissions=["admin"])
    reply = await stage.get("/m/witness/secret", ("Authorization", f"Bearer {good}"), (name, value))
    assert reply.json() == {"message": "called"}
    assert stage.witness.calls == ["/m/witness/secret"]


TRICKS = [
    "//m/witness/secret", "/./m/witness/secret", "/x/../m/witness/secret", "/m//witness/secret", "/m/./witness/secret",
    "/m/witness/../witness/secret", "/m/witness/%2e%2e/witness/secret", "/m/witness%2fsecret", "/m%2fwitness/secret",
    "/m/witness/secret;a=b", "/m/witness;a=b/secret", "/m/witness/secret/", "/m/witness/Secret", "/M/witness/secret",
    "/m/witness/%73ecret", "/m/witness/%2573ecret", "/m/witness/secret%00", "/m/witness/secret%20",
    "/m/witness/secret?", "/m/witness/secret#x",
    "/m/witness/open/../secret", "/m/witness/open/%2e%2e/secret", "/m/witness/open;/../secret",
    "/m/witness/items/../open", "/m/witness/items/%2e%2e%2fopen", "/m/witness/files/../open", "/m/witness/files//open",
    "http://localhost/m/witness/secret", "http://evil.example/m/witness/secret", "http://a@b/m/witness/secret",
    "/m/witness\\secret", "/m/witness/secret.json", "/api//version", "/api/./version", "/api/version/", "/API/version",
    "/api/%76ersion", "/api/version%2f", "/m/liveness/../../api/version", "/livez/../api/version",
    "/api/..;/api/version",
]  # fmt: skip


@pytest.mark.parametrize("target", TRICKS, ids=[f"T12-{target}" for target in TRICKS])
async def test_a_spelling_of_a_path_opens_nothing(stage, target):
    with stage.untouched():
        reply = await stage.get(target)

    stage.judge(reply, "not_http" if reply.status == 400 else "missing")


PIECES = st.sampled_from(
    ["/", "//", "m", "witness", "secret", "open", "items", "files", "..", ".", "%2e", "%2f", "%00", ";", "?", "#", "\\",
     "api", "version", "a", "%", "%zz", "é", "%c3%a9", " ", "livez", "@", ":", "*", "http:", "\t", "M", "%25", "{", "~"]
)  # fmt: skip


async def test_t12_any_path_whose_handler_runs_was_authorised(stage, issuer):
    """The same path is asked for without, with a weak and with a strong token; nobody gets what needs more."""
    import asyncio

    loop = asyncio.get_running_loop()

    @examples(60)
    @given(st.lists(PIECES, max_size=8), st.sampled_from(["GET", "POST", "DELETE", "HEAD", "OPTIONS"]))
    def probe(pieces, method):
        target = "/" + "".join(pieces)
        asyncio.run_coroutine_threadsafe(ask(target, method), loop).result(30)

    async def ask(target, method):
        from .wire import converse

        for field in ((), (("Authorization", f"Bearer {issuer.mint(permissions=['read'])}"),)):
            raw = await converse(stage.origin, head(target, *field, method=method))
            status = int(raw.split(b" ", 2)[1])
            assert status in {200, 204, 400, 401, 403, 404, 405, 414}, raw
            secret = [call for call in stage.witness.calls if call != "/m/witness/any"]
            assert secret == [], target

    await asyncio.to_thread(probe)


UNKNOWN = ["/nothing", "/api/nothing", "/m/witness/nothing", "/m/nothing", "/m/nothing/at/all", "/m", "/m/", "/api"]


@pytest.mark.parametrize("target", UNKNOWN, ids=[f"T13-{target}" for target in UNKNOWN])
async def test_what_does_not_exist_looks_like_what_is_closed(stage, issuer, target):
    known = await stage.get("/m/witness/secret")
    reply = await stage.get(target)

    assert (reply.status, reply.one("WWW-Authenticate")) == (401, known.one("WWW-Authenticate"))
    assert reply.json()["detail"] == DETAILS["missing"]
    assert [name for name, _ in reply.fields] == [name for name, _ in known.fields]
    assert (await stage.with_token(issuer.mint(), target)).status == 404


async def test_t14_a_route_that_says_nothing_is_protected(stage_factory, issuer):
    module = nexus.Module("late", version="1.0.0")

    @module.get("/plain")
    async def plain(request):
        raise AssertionError("called without a token")

    async with stage_factory(module) as stage:
        await stage.refuses(head, "missing", targets=("/m/late/plain",))


async def test_t14_nothing_can_be_added_to_the_application_while_it_serves(stage_factory, issuer):
    """A sub-application, a static folder, a view, a middleware: aiohttp's doors are closed once the host serves."""
    from aiohttp import web

    outcomes = {}
    module = nexus.Module("late", version="1.0.0")

    @module.get("/add", access=nexus.PUBLIC)
    async def add(request):
        async def handler(request):
            return web.Response(text="bypassed")

        app = request.app
        attempts = {
            "route": lambda: app.router.add_get("/bypass", handler),
            "view": lambda: app.router.add_view("/bypass", web.View),
            "static": lambda: app.router.add_static("/bypass", "/etc"),
            "subapp": lambda: app.add_subapp("/bypass", web.Application()),
            "middleware": lambda: app.middlewares.insert(0, web.middleware(handler)),
        }
        for name, attempt in attempts.items():
            try:
                attempt()
                outcomes[name] = "done"
            except Exception as error:
                outcomes[name] = type(error).__name__
        return web.Response(text="tried")

    async with stage_factory(module) as stage:
        await stage.get("/m/late/add")
        assert set(outcomes) == {"route", "view", "static", "subapp", "middleware"}
        for target in ("/bypass", "/bypass/passwd", "/m/witness/secret", "/api/version"):
            await stage.refuses(head, "missing", targets=(target,))
