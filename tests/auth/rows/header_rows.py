"""Attacks by the header and the algorithm: rows H1 to H25."""

import hashlib
import hmac
import json

from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwe
from joserfc.jwk import ECKey, OKPKey, RSAKey

from nexus.auth.refusal import Reason
from nexus.testing.issuer import ABSENT

from .case import Case, accepted, attacker, b64, claims_of, claims_text, header_of, refused, signed_by, unsigned

NONE = [
    refused(
        f"H1-alg-{name}-{'kid' if kid else 'no-kid'}-{signature or 'unsigned'}",
        lambda issuer, name=name, kid=kid, signature=signature: unsigned(
            issuer, {"alg": name, **({"kid": issuer.keys[0].kid} if kid else {})}, signature
        ),
        Reason.WRONG_ALGORITHM if signature else Reason.NOT_COMPACT_JWS,
    )
    for name in ("none", "None", "NONE", "nOnE")
    for kid in (True, False)
    for signature in ("", "AAAA")
]

_NOT_ALGORITHMS = [
    None, [], ["RS256"], {}, {"RS256": 1}, 256, True, "", " RS256", "rs256", "RS256 ", "RS256\0", ABSENT,
]  # fmt: skip
WRONG_ALGORITHMS = [
    refused(
        f"H2-{'absent' if value is ABSENT else repr(value)}",
        lambda issuer, value=value: issuer.mint(header={"alg": value}),
        Reason.WRONG_ALGORITHM,
    )
    for value in _NOT_ALGORITHMS
]

_PUBLIC_FORMS = {
    "spki-pem": lambda key: key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "spki-pem-stripped": lambda key: key.public_key.public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    ).strip(),
    "pkcs1-pem": lambda key: key.public_key.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
    "spki-der": lambda key: key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "jwk-json": lambda key: json.dumps(key.as_dict(private=False)).encode(),
    "modulus": lambda key: key.public_key.public_numbers().n.to_bytes(256, "big"),
}


def _hmac_by(issuer, secret):
    header = {"alg": "HS256", "typ": "JWT", "kid": issuer.keys[0].kid}
    signing_input = f"{b64(json.dumps(header).encode())}.{claims_of(issuer.mint())}"
    return f"{signing_input}.{b64(hmac.new(secret, signing_input.encode(), hashlib.sha256).digest())}"


CONFUSED = [
    refused(f"H3-{name}", lambda issuer, form=form: _hmac_by(issuer, form(issuer.keys[0])), Reason.WRONG_ALGORITHM)
    for name, form in _PUBLIC_FORMS.items()
]


def _by_own_key(algorithm):
    return lambda issuer: signed_by(issuer, {"alg": algorithm, "kid": issuer.keys[0].kid}, issuer.keys[0])


OTHER_ALGORITHMS = [
    *(
        refused(f"H4-{name}", _by_own_key(name), Reason.WRONG_ALGORITHM)
        for name in ("RS384", "RS512", "PS256", "PS512")
    ),
    # The key set says RS256 of its key; that the issuer may also use PS256 does not widen the key.
    refused("H4-key-for-another", _by_own_key("PS256"), Reason.WRONG_KEY, algorithms=["RS256", "PS256"]),
    *(
        refused(
            f"H5-{name}",
            lambda issuer, name=name, key=key: signed_by(issuer, {"alg": name, "kid": issuer.keys[0].kid}, key),
            Reason.WRONG_ALGORITHM,
        )
        for name, key in (("ES256", ECKey.generate_key("P-256")), ("EdDSA", OKPKey.generate_key("Ed25519")))
    ),
]


def _by_attacker(**header):
    return lambda issuer: signed_by(issuer, {"alg": "RS256", "kid": issuer.keys[0].kid, **header}, attacker())


_LURES = ["file:///etc/passwd", "gopher://127.0.0.1/", "http://169.254.169.254/latest/meta-data/", "not a url", 7]
OFFERED_KEYS = [
    refused(
        "H7-jwk-and-kid",
        _by_attacker(jwk=attacker().as_dict(private=False)),
        Reason.BAD_SIGNATURE,
    ),
    refused(
        "H7-jwk-alone",
        lambda issuer: signed_by(issuer, {"alg": "RS256", "jwk": attacker().as_dict(private=False)}, attacker()),
        Reason.BAD_SIGNATURE,
    ),
    # The signature is the issuer's own, so the member is ignored like any that is unknown.
    *(
        accepted(f"H9-{lure}", lambda issuer, lure=lure: issuer.mint(header={"jku": lure, "x5u": lure}))
        for lure in _LURES
    ),
    *(refused(f"H9-forged-{lure}", _by_attacker(jku=lure, x5u=lure), Reason.BAD_SIGNATURE) for lure in _LURES),
    refused("H10-x5c", _by_attacker(x5c=["MIIB"]), Reason.BAD_SIGNATURE),
]

_INJECTIONS = ["../../dev/null", "' OR 1=1--", "|cat", "a\r\nb", "\0", "\U0001f600", "__proto__", "k" * 256]
_NOT_KIDS = [None, "", 1, [], {}, True, "k" * 257]
KIDS = [
    *(
        refused(f"H11-{kid[:12]!a}", lambda issuer, kid=kid: issuer.mint(header={"kid": kid}), Reason.UNKNOWN_KID)
        for kid in _INJECTIONS
    ),
    refused("H11-10-kB", lambda issuer: issuer.mint(header={"kid": "k" * 10_000}), Reason.TOO_LONG),
    refused("H11-1-kB", lambda issuer: issuer.mint(header={"kid": "k" * 1000}), Reason.MALFORMED_KID),
    *(
        refused(
            f"H12-{str(kid)[:8]!r}-{len(str(kid))}",
            lambda issuer, kid=kid: issuer.mint(header={"kid": kid}),
            Reason.MALFORMED_KID,
        )
        for kid in _NOT_KIDS
    ),
]


def _without_kid_among_two(issuer):
    token = issuer.mint(header={"kid": ABSENT})
    issuer.rotate(attacker())
    return token


ONLY_KEY = [
    accepted("H13-no-kid-and-one-key", lambda issuer: issuer.mint(header={"kid": ABSENT})),
    refused("H13-no-kid-and-two-keys", _without_kid_among_two, Reason.MISSING_KID),
]


def _two_under_one_kid(issuer):
    kid = issuer.keys[0].kid
    issuer.keys = [RSAKey.import_key(attacker().as_dict(private=True), {"kid": kid}), *issuer.keys, attacker()]
    return issuer.mint(header={"kid": kid}, key=issuer.keys[1])


def _curve_under_one_kid(issuer):
    kid, key = issuer.keys[0].kid, issuer.keys[0]
    issuer.answer = published({**key.as_dict(private=False)}, {**_EC, "kid": kid})
    return issuer.mint()


def _secret_under_one_kid(issuer):
    kid, key = issuer.keys[0].kid, issuer.keys[0]
    issuer.answer = published({"kty": "oct", "k": "c2VjcmV0", "kid": kid}, {**key.as_dict(private=False)})
    return issuer.mint()


_EC = ECKey.generate_key("P-256").as_dict(private=False)


def published(*keys):
    """An answer of the issuer with exactly these keys."""

    async def answer(request):
        return web.json_response({"keys": list(keys)})

    return answer


SHARED_KIDS = [
    refused("H14-two-rsa", _two_under_one_kid, Reason.UNKNOWN_KID),
    accepted("H14-rsa-and-ec", _curve_under_one_kid, algorithms=["RS256", "ES256"]),
    accepted("H14-rsa-and-oct", _secret_under_one_kid),
]

_CRITICAL = [["exp"], [], ["alg"], ["b64"], ["x", "x"], "exp", 1, None, {}, True]


def _critical(crit, good):
    def make(issuer):
        header = {"alg": "RS256", "kid": issuer.keys[0].kid, "crit": crit, "x": 1, "exp": 1}
        return issuer.mint(header=header) if good else unsigned(issuer, header, "AAAA")

    return make


_JWE_MEMBERS = {"zip": "DEF", "enc": "A256GCM", "epk": {}, "p2c": 10**9, "p2s": "AAAA", "tag": "AA", "iv": "AA"}
EXTENSIONS = [
    *(
        refused(f"H15-{crit}-{'good' if good else 'junk'}", _critical(crit, good), Reason.CRITICAL_HEADER)
        for crit in _CRITICAL
        for good in (True, False)
    ),
    *(
        refused(f"H16-{name}", lambda issuer, header=header: issuer.mint(header=header), Reason.CRITICAL_HEADER)
        for name, header in {
            "crit": {"b64": False, "crit": ["b64"]},
            "alone": {"b64": False},
            "true": {"b64": True},
        }.items()
    ),
    *(
        refused(f"H17-{name}", lambda issuer, name=name, v=value: issuer.mint(header={name: v}), Reason.ENCRYPTED)
        for name, value in _JWE_MEMBERS.items()
    ),
    refused(
        "H17-pbes2",
        lambda issuer: unsigned(
            issuer, {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2**31, "p2s": "AAAA"}, "AAAA"
        ),
        Reason.ENCRYPTED,
    ),
]

_OTHER_TYPES = ["logout+jwt", "dpop+jwt", "secevent+jwt", "token-introspection+jwt", "JWE", "", 1, None, [], "at+jwt "]
TYPES = [
    *(
        refused(f"H18-{value!r}", lambda issuer, v=value: issuer.mint(header={"typ": v}), Reason.WRONG_TYPE)
        for value in _OTHER_TYPES
    ),
    *(
        accepted(
            f"H18-{'absent' if value is ABSENT else value}", lambda issuer, v=value: issuer.mint(header={"typ": v})
        )
        for value in ("at+jwt", "AT+JWT", "application/at+jwt", "JWT", ABSENT)
    ),
]


def _json_serialised(count):
    def make(issuer):
        header, payload, signature = issuer.mint().split(".")
        if count is None:
            return json.dumps({"payload": payload, "protected": header, "signature": signature})
        return json.dumps({"payload": payload, "signatures": [{"protected": header, "signature": signature}] * count})

    return make


OTHER_FORMS = [
    refused(
        "H19-cty-jwt", lambda issuer: issuer.sign(header_of(issuer, cty="JWT"), issuer.mint().encode()), Reason.NESTED
    ),
    refused(
        "H19-unmarked",
        lambda issuer: issuer.sign(header_of(issuer), issuer.mint().encode()),
        Reason.MALFORMED_CLAIMS,
    ),
    refused(
        "H20-rsa-oaep",
        lambda issuer: jwe.encrypt_compact(
            {"alg": "RSA-OAEP", "enc": "A256GCM"},
            b"{}",
            RSAKey.import_key(issuer.keys[0].as_dict(private=False)),
        ),
        Reason.NOT_COMPACT_JWS,
    ),
    refused(
        "H20-dir",
        lambda issuer: f"{b64(json.dumps({'alg': 'dir', 'enc': 'A256GCM'}).encode())}..AAAA.AAAA.AAAA",
        Reason.NOT_COMPACT_JWS,
    ),
    *(
        refused(f"H21-{'flattened' if count is None else count}", _json_serialised(count), Reason.NOT_COMPACT_JWS)
        for count in (None, 0, 1, 2)
    ),
]

_AMBIGUOUS = ['{"alg":"none","alg":"RS256"}', '{"alg":"RS256","alg":"RS256"}', '{"alg":"RS256","\\u0061lg":"none"}']
_NO_OBJECTS = ['["alg"]', '"alg"', "1", "null", "[]", "true", " ", "{", '{"alg":"RS256"}{}', '{"alg":NaN}']


def _with_header(text):
    return lambda issuer: issuer.sign(text.encode(), claims_text(issuer).encode())


def _deep(depth):
    return '{"alg":"RS256","x":' + "[" * depth + "]" * depth + "}"


JSON_HEADERS = [
    *(refused(f"H22-{text}", _with_header(text), Reason.MALFORMED_HEADER) for text in _AMBIGUOUS),
    *(refused(f"H23-{text!r}", _with_header(text), Reason.MALFORMED_HEADER) for text in _NO_OBJECTS),
    refused("H23-nothing", _with_header(""), Reason.NOT_COMPACT_JWS),
    *(refused(f"H24-{depth}", _with_header(_deep(depth)), Reason.MALFORMED_HEADER) for depth in (17, 180, 700)),
    *(
        accepted(
            f"H25-{size}",
            lambda issuer, size=size: issuer.mint(header={"nonce": "n" * size, "x5t": "abc", "x5t#S256": 1}),
        )
        for size in (0, 600, 1300)
    ),
    refused("H25-beyond-2-KiB", lambda issuer: issuer.mint(header={"nonce": "n" * 1600}), Reason.TOO_LONG),
]

HEADER_CASES: list[Case] = [
    *NONE,
    *WRONG_ALGORITHMS,
    *CONFUSED,
    *OTHER_ALGORITHMS,
    *OFFERED_KEYS,
    *KIDS,
    *ONLY_KEY,
    *SHARED_KIDS,
    *EXTENSIONS,
    *TYPES,
    *OTHER_FORMS,
    *JSON_HEADERS,
]
