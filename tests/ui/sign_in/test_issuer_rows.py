"""The way to an issuer and back under attack: rows L2 to L7, L11 to L13 and L19 of the attack list."""

import asyncio
import base64
import hashlib
import html
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from nexus.spec.errors import Problem
from nexus.testing.issuer import ABSENT
from nexus.ui.sign_in import attempt
from nexus.ui.sign_in.metadata import MetadataSource

from .conftest import enter, sessions_of, to_issuer
from .hostile_issuer import CLIENT


def assert_nobody_got_in(browser, site, page, status=400):
    assert page.status == status, page.text
    assert page.headers["Content-Type"].startswith("text/html")
    assert not [name for name in browser.cookies_of(site.url) if "session" in name]


async def test_the_hostile_issuer_can_be_honest(site, browser, issuer):
    page = await enter(browser, site, issuer)

    assert (page.status, page.url) == (200, f"{site.url}/ui")


@pytest.mark.parametrize(
    "change",
    [
        lambda way: way.replace("state=", "other="),
        lambda way: re.sub(r"state=[^&]*", "state=", way),
        lambda way: re.sub(r"state=[^&]*", "state=" + "A" * 43, way),
        lambda way: re.sub(r"state=([^&]*)", r"state=\1x", way),
        lambda way: re.sub(r"state=([^&]*)", r"state=\1&state=\1", way),
        lambda way: re.sub(r"state=([^&]*)", "state=%00%ff", way),
    ],
    ids=["L2-missing", "L2-empty", "L2-wrong", "L2-longer", "L2-twice", "L2-garbage"],
)
async def test_l2_a_way_back_with_another_state_leads_nowhere(site, browser, issuer, change, audit):
    way_back = change(issuer.grant(await to_issuer(browser, site)))

    page = await browser.send("GET", way_back, sender=issuer.url)

    assert_nobody_got_in(browser, site, page)
    assert issuer.verifiers == []
    assert audit.of("ui.sign_in")[-1].reason == "unknown_attempt"


async def test_l2_a_state_is_used_once(site, browser, issuer):
    address = await to_issuer(browser, site)
    await browser.send("GET", issuer.grant(address), sender=issuer.url)

    again = await browser.send("GET", issuer.grant(address, code="code-2"), sender=issuer.url)

    assert again.status == 400
    assert len(issuer.verifiers) == 1


async def test_l2_a_state_of_another_browser_is_used_up_and_lets_nobody_in(site, browser, new_browser, issuer):
    """Else somebody could be signed in as somebody else without noticing."""
    way_back = issuer.grant(await to_issuer(browser, site))
    victim = new_browser()
    await to_issuer(victim, site)

    assert_nobody_got_in(victim, site, await victim.send("GET", way_back, sender=issuer.url))
    assert_nobody_got_in(browser, site, await browser.send("GET", way_back, sender=issuer.url))


async def test_l2_an_attempt_ends_after_ten_minutes(site, browser, issuer):
    way_back = issuer.grant(await to_issuer(browser, site))
    with sessions_of(site) as database:
        database.execute("UPDATE nexus_sign_in_attempts SET ends_at = ends_at - 601")

    assert_nobody_got_in(browser, site, await browser.send("GET", way_back, sender=issuer.url))


@pytest.mark.parametrize("nonce", [ABSENT, "", "other", 7, None, ["x"]], ids=lambda value: f"L3-{value!r:.8}")
async def test_l3_an_id_token_without_the_nonce_of_this_sign_in_is_refused(site, browser, issuer, nonce, audit):
    page = await enter(browser, site, issuer, claims={"nonce": nonce})

    assert_nobody_got_in(browser, site, page)
    assert audit.of("ui.sign_in")[-1].reason == "wrong_nonce"


async def test_l3_the_nonce_of_another_sign_in_is_refused(site, browser, issuer):
    first = parse_qs(urlsplit(await to_issuer(browser, site)).query)["nonce"][0]

    assert_nobody_got_in(browser, site, await enter(browser, site, issuer, claims={"nonce": first}))


async def test_l4_the_code_is_asked_for_with_a_challenge_and_had_for_its_proof(site, browser, issuer):
    asked = []
    for _ in range(2):
        address = await to_issuer(browser, site)
        asked.append({name: values[0] for name, values in parse_qs(urlsplit(address).query).items()})
        await browser.send("GET", issuer.grant(address), sender=issuer.url)

    for query, verifier in zip(asked, issuer.verifiers, strict=True):
        assert query["code_challenge_method"] == "S256"
        assert query["response_type"] == "code"
        assert 43 <= len(verifier) <= 128
        digest = hashlib.sha256(verifier.encode()).digest()
        assert query["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]


async def test_l4_what_the_token_endpoint_says_of_a_wrong_proof_is_not_shown(site, browser, issuer, audit):
    address = await to_issuer(browser, site)
    way_back = issuer.grant(re.sub(r"code_challenge=[^&]*", "code_challenge=x", address))

    page = await browser.send("GET", way_back, sender=issuer.url)

    assert_nobody_got_in(browser, site, page)
    assert "invalid_grant" not in page.text
    assert audit.of("ui.sign_in")[-1].reason == "issuer_declined"


async def test_l5_a_code_of_another_sign_in_is_worth_nothing(site, browser, new_browser, issuer):
    """The code is good, and was asked for with another challenge: the issuer refuses our proof."""
    thief, victim = browser, new_browser()
    issuer.grant(await to_issuer(victim, site), code="stolen")
    address = await to_issuer(thief, site)
    state = parse_qs(urlsplit(address).query)["state"][0]

    page = await thief.send(
        "GET", f"{site.url}/ui/callback?code=stolen&state={state}&iss={issuer.url}", sender=issuer.url
    )

    assert_nobody_got_in(thief, site, page)


@pytest.mark.parametrize(
    "code", ["", "code=", "code=a&code=b", "code=" + "a" * 5000], ids=["L5-none", "L5-empty", "L5-two", "L5-long"]
)
async def test_l5_a_way_back_without_one_code_is_refused(site, browser, issuer, code):
    state = parse_qs(urlsplit(await to_issuer(browser, site)).query)["state"][0]

    page = await browser.send("GET", f"{site.url}/ui/callback?{code}&state={state}&iss={issuer.url}")

    assert_nobody_got_in(browser, site, page)
    assert issuer.verifiers == []


@pytest.mark.parametrize("told", ["", "&iss=https://evil.example", "&iss={0}/", "&iss={0}&iss={0}", "&iss="])
async def test_l6_an_answer_of_another_issuer_is_refused(site, browser, issuer, told, audit):
    way_back = issuer.grant(await to_issuer(browser, site)).partition("&iss=")[0] + told.format(issuer.url)

    assert_nobody_got_in(browser, site, await browser.send("GET", way_back, sender=issuer.url))
    assert audit.of("ui.sign_in")[-1].reason == "unknown_issuer"
    assert issuer.verifiers == []


async def test_l6_an_issuer_that_never_names_itself_need_not(site, browser, issuer):
    issuer.names_itself = False
    way_back = issuer.grant(await to_issuer(browser, site)).partition("&iss=")[0]

    assert (await browser.send("GET", way_back, sender=issuer.url)).status == 200


async def test_l7_what_an_issuer_says_of_an_error_is_not_repeated(site, browser, issuer, audit):
    state = parse_qs(urlsplit(await to_issuer(browser, site)).query)["state"][0]
    told = "error=access_denied&error_description=<script>alert(1)</script>&error_uri=javascript:alert(1)"

    page = await browser.send("GET", f"{site.url}/ui/callback?{told}&state={state}&iss={issuer.url}", sender=issuer.url)

    assert_nobody_got_in(browser, site, page)
    assert "alert" not in page.text
    assert audit.of("ui.sign_in")[-1].reason == "issuer_declined"


@pytest.mark.parametrize(
    "field", ["Host", "X-Forwarded-Host", "Forwarded", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Original-URL"]
)
async def test_l11_a_request_does_not_say_where_the_issuer_sends_people_back_to(site, browser, issuer, field):
    value = "host=evil.example" if field == "Forwarded" else "evil.example"

    page = await browser.get(f"{site.url}/ui/sign-in/start", headers={field: value}, follow=False)

    assert "evil" not in page.headers["Location"]
    query = parse_qs(urlsplit(page.headers["Location"]).query)
    assert query.get("redirect_uri", [f"{site.url}/ui/callback"]) == [f"{site.url}/ui/callback"]


async def test_l12_many_sign_ins_at_once_take_one_cookie_and_bounded_room(site, browser, issuer, monkeypatch):
    monkeypatch.setattr(attempt, "MAX_ATTEMPTS", 50)
    first = await to_issuer(browser, site)
    addresses = await asyncio.gather(*(to_issuer(browser, site) for _ in range(100)))
    with sessions_of(site) as database:
        (kept,) = database.execute("SELECT count(*) FROM nexus_sign_in_attempts").fetchone()

    assert kept <= 54  # four threads may each have added one before another's is taken away
    assert len(browser.cookies_of(site.url)) == 1
    assert (await browser.send("GET", issuer.grant(first), sender=issuer.url)).status == 400
    last = await to_issuer(browser, site)
    assert (await browser.send("GET", issuer.grant(last), sender=issuer.url)).status == 200
    assert len(addresses) == 100


EVIL_NAMES = [
    "<script>alert(1)</script>",
    '"><img src=https://evil.example/x onerror=alert(1)>',
    "{{ 7*7 }}",
    "'; --",
    "\u202etxt",
]


@pytest.mark.parametrize("name", EVIL_NAMES, ids=[f"L13-{number}" for number in range(len(EVIL_NAMES))])
async def test_l13_what_an_issuer_calls_somebody_is_text(site, browser, issuer, name):
    claims = {"name": name, "email": name, "picture": "https://evil.example/x.png"}

    for grant in ({"permissions": ("admin",)}, {"permissions": ()}):
        page = await enter(browser, site, issuer, claims=claims, **grant)
        # As text, and never as code of a template: only what steers a screen may be missing.
        assert html.escape(name.lstrip("\u202e")) in html.escape(html.unescape(page.text))
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
        assert "x.png" not in page.text
        assert "script-src 'self'; style-src 'self'; img-src 'self'" in page.headers["Content-Security-Policy"]


def claims_of(**changes):
    return {"claims": changes}


WRONG_ID_TOKENS = {
    "L19-aud-other": (claims_of(aud="other"), "wrong_audience"),
    "L19-aud-api": (claims_of(aud="https://nexus.example"), "wrong_audience"),
    "L19-aud-absent": (claims_of(aud=ABSENT), "missing_claim"),
    "L19-aud-number": (claims_of(aud=7), "malformed_claim"),
    "L19-aud-list-of-lists": (claims_of(aud=[[CLIENT]]), "malformed_claim"),
    "L19-aud-list-without-azp": (claims_of(aud=[CLIENT, "other"]), "wrong_client"),
    "L19-aud-list-with-azp-of-another": (claims_of(aud=[CLIENT, "other"], azp="other"), "wrong_client"),
    "L19-azp-of-another": (claims_of(azp="other"), "wrong_client"),
    "L19-azp-list": (claims_of(azp=[CLIENT]), "wrong_client"),
    "L19-at-hash-wrong": (claims_of(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), "malformed_claim"),
    "L19-at-hash-number": (claims_of(at_hash=1), "malformed_claim"),
    "L19-iss-other": (claims_of(iss="https://evil.example"), "unknown_issuer"),
    "L19-iss-absent": (claims_of(iss=ABSENT), "unknown_issuer"),
    "L19-expired": (claims_of(exp=1000, iat=900), "expired"),
    "L19-exp-absent": (claims_of(exp=ABSENT), "missing_claim"),
    "L19-exp-infinite": (claims_of(exp=1e308), "malformed_time"),
    "L19-iat-absent": (claims_of(iat=ABSENT), "missing_claim"),
    "L19-iat-future": (claims_of(iat=4_000_000_000, exp=4_000_000_100), "lives_too_long"),
    "L19-sub-absent": (claims_of(sub=ABSENT), "missing_claim"),
    "L19-sub-number": (claims_of(sub=1), "malformed_claim"),
    "L19-sub-of-another": (claims_of(sub="eve"), "malformed_claim"),
    "L19-typ-access-token": ({"header": {"typ": "at+jwt"}}, "wrong_type"),
    "L19-typ-logout-token": ({"header": {"typ": "logout+jwt"}}, "wrong_type"),
    "L19-crit": ({"header": {"crit": []}}, "critical_header"),
    "L19-kid-unknown": ({"header": {"kid": "unknown"}}, "unknown_kid"),
    "L19-no-token": ({"id_token": "x"}, "not_compact_jws"),
    "L19-two-segments": ({"id_token": "e30.e30"}, "not_compact_jws"),
    "L19-huge": ({"id_token": "a" * 100_000}, "too_long"),
}  # fmt: skip


@pytest.mark.parametrize(("grant", "reason"), WRONG_ID_TOKENS.values(), ids=list(WRONG_ID_TOKENS))
async def test_l19_an_id_token_that_is_not_for_this_sign_in_lets_nobody_in(site, browser, issuer, grant, reason, audit):
    page = await enter(browser, site, issuer, **grant)

    assert_nobody_got_in(browser, site, page)
    assert audit.of("ui.sign_in")[-1].reason == reason
    assert reason not in page.text


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256"])
async def test_l19_an_id_token_that_anybody_could_sign_lets_nobody_in(site, browser, issuer, algorithm, audit):
    address = await to_issuer(browser, site)
    nonce = parse_qs(urlsplit(address).query)["nonce"][0]
    public = json.dumps(issuer.keys[0].as_dict(private=False)).encode()
    token = issuer.unsigned("ada", nonce, algorithm, public if algorithm == "HS256" else b"")

    page = await browser.send("GET", issuer.grant(address, id_token=token), sender=issuer.url)

    assert_nobody_got_in(browser, site, page)
    assert audit.of("ui.sign_in")[-1].reason in ("wrong_algorithm", "not_compact_jws")


async def test_l19_an_id_token_with_all_that_is_optional_is_good(site, browser, issuer):
    address = await to_issuer(browser, site)
    access = issuer.mint(subject="ada", permissions=["admin"])
    half = hashlib.sha256(access.encode()).digest()[:16]
    claims = {"at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(), "azp": CLIENT, "aud": [CLIENT, "other"]}

    page = await browser.send("GET", issuer.grant(address, access_token=access, claims=claims), sender=issuer.url)

    assert page.status == 200


async def test_permissions_come_from_the_access_token_and_else_from_the_id_token(site, new_browser, issuer):
    """An access token for another API says nothing here, and one that is no JWT says nothing at all."""
    other = issuer.mint(subject="ada", permissions=["admin"], claims={"aud": "https://other.example"})
    grants = {
        "admin": {"permissions": ("admin",)},
        "viewer": {"permissions": ("viewer",)},
        "nobody": {"permissions": ("other",), "claims": {"permissions": ["admin"]}},
        "nobody-by-another-api": {"access_token": other},
        "admin-by-id-token": {"access_token": "opaque", "claims": {"permissions": ["admin"]}},
        "viewer-by-id-token": {"access_token": other, "claims": {"scope": "viewer openid"}},
    }
    for expected, grant in grants.items():
        page = await enter(new_browser(), site, issuer, **grant)
        assert page.status == (403 if "nobody" in expected else 200), expected
        if page.status == 200:
            assert f'class="role">{expected.partition("-")[0]}<' in page.text, expected


@pytest.mark.parametrize(
    "place",
    [
        None,
        7,
        "",
        "/logout",
        "https://elsewhere.example/logout",
        "http://127.0.0.1:1/logout",
        "http://issuer.example/logout",
        "javascript:alert(1)",
        "https://user:word@127.0.0.1/logout",
    ],
)
async def test_nobody_is_sent_to_sign_out_where_the_issuer_is_not(site, browser, issuer, place):
    issuer.signs_out_at = place
    page = await enter(browser, site, issuer)

    away = await browser.submit(page, f"{site.url}/ui/sign-out", csrf=page.field("csrf"))

    assert away.status == 200
    assert "You are signed out" in away.text
    assert "still signed in" not in away.text


async def test_the_way_out_names_the_client_and_the_way_back_and_no_token(site, browser, issuer):
    issuer.signs_out_at = f"{issuer.url}/logout?policy=b2c"
    page = await enter(browser, site, issuer)

    away = await browser.submit(page, f"{site.url}/ui/sign-out", csrf=page.field("csrf"))

    address = urlsplit(away.link("Sign out at"))
    assert address._replace(query="").geturl() == f"{issuer.url}/logout"
    assert parse_qs(address.query) == {
        "policy": ["b2c"],
        "client_id": [CLIENT],
        "post_logout_redirect_uri": [f"{site.url}/ui/sign-in"],
    }
    assert "form-action 'self'" in away.headers["Content-Security-Policy"]


async def test_an_issuer_that_is_down_keeps_nobody_from_signing_out(open_site, browser, issuer, monkeypatch):
    issuer.signs_out_at = f"{issuer.url}/logout"
    async with open_site() as site:
        page = await enter(browser, site, issuer)
        monkeypatch.setattr(MetadataSource, "get", refusing)

        away = await browser.submit(page, f"{site.url}/ui/sign-out", csrf=page.field("csrf"))

        assert away.status == 200
        assert "You are signed out" in away.text
        assert (await browser.get(f"{site.url}/ui", follow=False)).status == 303


async def refusing(_self):
    raise Problem(503, "sign-in cannot begin now: the issuer is down")
