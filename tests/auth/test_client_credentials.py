"""How a token is asked for at the issuer's token endpoint."""

import pytest
from aiohttp import web

from nexus.auth.client_credentials import TokenNotGranted, TokenRequest, request_token
from nexus.auth.discovery import discover
from nexus.auth.document_fetch import FetchFailed, FetchLimits

LIMITS = FetchLimits(timeout=2)


def request_for(issuer, **changes):
    usual = {
        "endpoint": f"{issuer.url}/token",
        "client_id": "robot",
        "client_secret": "s3cret",
        "audience": issuer.audience,
        "permissions": ["admin"],
    }
    return TokenRequest(**usual | changes)


@pytest.mark.parametrize("methods", [(), ("client_secret_basic",), ("client_secret_post",)], ids=str)
async def test_a_granted_token_opens_the_host(authenticator, session, issuer, methods):
    token = await request_token(session, request_for(issuer, auth_methods=methods), LIMITS)

    principal = await authenticator.authenticate(token)
    assert (principal.subject, principal.client, principal.permissions) == ("robot", "robot", {"admin"})


async def test_the_endpoint_is_found_by_discovery(session, issuer):
    metadata = await discover(session, issuer.url, limits=LIMITS)

    assert metadata.token_endpoint == f"{issuer.url}/token"
    assert "client_secret_basic" in metadata.token_endpoint_auth_methods


async def test_a_wrong_secret_is_told_by_the_issuers_code_and_shown_nowhere(session, issuer, caplog):
    request = request_for(issuer, client_secret="wr0ng-secret")

    with pytest.raises(TokenNotGranted, match="invalid_client") as caught:
        await request_token(session, request, LIMITS)

    assert caught.value.error == "invalid_client"
    assert "wr0ng-secret" not in f"{caught.value}{request!r}{caplog.text}"


@pytest.fixture
async def endpoint(aiohttp_server):
    """Serves an answer as token endpoint and keeps the form that was sent."""
    forms = []

    async def serve(answer):
        async def handle(request):
            forms.append((dict(await request.post()), request.headers.get("Authorization")))
            return answer() if callable(answer) else web.json_response(answer)

        app = web.Application()
        app.router.add_post("/token", handle)
        server = await aiohttp_server(app)
        return str(server.make_url("/token")), forms

    return serve


GRANTED = {"access_token": "a.b.c", "token_type": "bearer"}


@pytest.mark.parametrize(
    ("profile", "audience", "form"),
    [
        ("auth0", "https://api", {"audience": "https://api", "resource": "https://api", "scope": "admin"}),
        ("generic", "api", {"audience": "api", "scope": "admin"}),
        ("generic", "https://api#x", {"audience": "https://api#x", "scope": "admin"}),
        ("entra", "api://x", {"scope": "api://x/.default"}),
        ("cognito", "api", {"scope": "api/admin"}),
    ],
)
async def test_each_make_of_issuer_is_asked_in_its_way(session, issuer, endpoint, profile, audience, form):
    address, forms = await endpoint(GRANTED)

    token = await request_token(
        session, request_for(issuer, endpoint=address, profile=profile, audience=audience), LIMITS
    )

    assert token == "a.b.c"
    assert forms == [({"grant_type": "client_credentials", **form}, "Basic cm9ib3Q6czNjcmV0")]


NO_TOKENS = [
    {},
    [],
    {"access_token": "a.b.c"},
    {"access_token": "a.b.c", "token_type": "DPoP"},
    {"access_token": 1, "token_type": "Bearer"},
    {"access_token": "a b", "token_type": "Bearer"},
    {"access_token": "a\r\nX: y", "token_type": "Bearer"},
]


@pytest.mark.parametrize("answer", NO_TOKENS, ids=str)
async def test_an_answer_without_a_bearer_token_is_none(session, issuer, endpoint, answer):
    address, _ = await endpoint(answer)

    with pytest.raises(TokenNotGranted, match="no bearer token"):
        await request_token(session, request_for(issuer, endpoint=address), LIMITS)


async def test_an_error_code_that_is_none_is_not_repeated(session, issuer, endpoint):
    address, _ = await endpoint(lambda: web.json_response({"error": "<script>\n"}, status=400))

    with pytest.raises(TokenNotGranted, match="no error code") as caught:
        await request_token(session, request_for(issuer, endpoint=address), LIMITS)
    assert caught.value.error is None


@pytest.mark.parametrize(
    "answer", [lambda: web.Response(status=500), lambda: web.Response(status=302, headers={"Location": "/"})]
)
async def test_a_failing_endpoint_is_a_failed_fetch(session, issuer, endpoint, answer):
    address, _ = await endpoint(answer)

    with pytest.raises(FetchFailed, match="status"):
        await request_token(session, request_for(issuer, endpoint=address), LIMITS)


@pytest.mark.parametrize("address", ["http://issuer.example/token", "ftp://127.0.0.1/", "https://", "https://a:b@c/"])
async def test_a_secret_is_never_sent_where_it_could_be_read(session, issuer, address):
    with pytest.raises(FetchFailed):
        await request_token(session, request_for(issuer, endpoint=address), LIMITS)
