"""Plain aiohttp with a guard of one library: python auth_servers.py PORT KIND KEYS, KIND being joserfc or pyjwt.

What a careful author writes in an afternoon: the key is at hand, decode and check the claims that the host checks too,
401 otherwise. There is no cache, and none of the stricter rules.
"""

import json
import sys
from pathlib import Path

import jwt as pyjwt
from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

port, kind, file = sys.argv[1:]
given = json.loads(Path(file).read_text())
issuer, audience, document = given["issuer"], given["audience"], given["jwks"]
keys = KeySet.import_key_set(document)
key_by_kid = {key["kid"]: pyjwt.PyJWK(key).key for key in document["keys"]}
claims_registry = jwt.JWTClaimsRegistry(
    leeway=30,
    iss={"essential": True, "value": issuer},
    aud={"essential": True, "value": audience},
    exp={"essential": True},
    sub={"essential": True},
)


def by_joserfc(token: str) -> dict[str, object]:
    decoded = jwt.decode(token, keys, algorithms=["RS256"])
    claims_registry.validate(decoded.claims)
    return decoded.claims


def by_pyjwt(token: str) -> dict[str, object]:
    key = key_by_kid[pyjwt.get_unverified_header(token)["kid"]]
    required = {"require": ["iss", "aud", "exp", "sub"]}
    return pyjwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=issuer, leeway=30, options=required)


verify = {"joserfc": by_joserfc, "pyjwt": by_pyjwt}[kind]


async def up(request: web.Request) -> web.Response:
    try:
        claims = verify(request.headers["Authorization"].removeprefix("Bearer "))
    except (JoseError, pyjwt.PyJWTError, KeyError):
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"}) from None
    if "admin" not in str(claims.get("scope", "")).split():
        raise web.HTTPForbidden
    return web.json_response({"message": "up"})


application = web.Application()
application.router.add_get("/up", up)
application.router.add_get("/ready", lambda _request: ready())


async def ready() -> web.Response:
    return web.Response()


web.run_app(application, host="127.0.0.1", port=int(port), access_log=None, print=None)
