"""Attacks by encoding, size and claims, validly signed where they can be: rows C1 to C8, C15 to C21, C28 to C33."""

import base64
import json

from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from nexus.auth.refusal import Reason
from nexus.testing.issuer import ABSENT

from .case import API, Case, accepted, b64, claims_of, claims_text, decoded, header_of, refused
from .header_rows import published

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _respelled(name, respell):
    return refused(f"C1-{name}", lambda issuer: respell(issuer.mint()), Reason.NOT_COMPACT_JWS)


def _with_loose_bits(part):
    """Another spelling of the same bytes, where a lenient decoder ignores the last bits."""

    def make(issuer):
        size = 1
        segments = issuer.mint().split(".")
        while len(segments[part]) % 4 == 0:
            segments = issuer.mint(subject="x" * size, header={"n": "n" * size}).split(".")
            size += 1
        last = _ALPHABET.index(segments[part][-1])
        segments[part] = segments[part][:-1] + _ALPHABET[last ^ 1]
        return ".".join(segments)

    return make


SPELLINGS = [
    _respelled("padding", lambda token: token + "="),
    _respelled("padding-inside", lambda token: token.replace(".", "=.", 1)),
    _respelled("plus", lambda token: token[:-8] + "+" + token[-7:]),
    _respelled("slash", lambda token: token[:-8] + "/" + token[-7:]),
    _respelled("space", lambda token: token[:-8] + " " + token[-8:]),
    _respelled("newline-inside", lambda token: token[:-8] + "\n" + token[-8:]),
    _respelled("newline-after", lambda token: token + "\n"),
    _respelled("space-before", lambda token: " " + token),
    _respelled("encoded-dot", lambda token: token.replace(".", "%2E")),
    _respelled("nul", lambda token: token + "\0"),
    _respelled("full-width", lambda token: token[:-1] + "\uff21"),
    _respelled("surrogate", lambda token: token[:-1] + "\udce9"),
    refused("C1-loose-bits-header", _with_loose_bits(0), Reason.MALFORMED_HEADER),
    refused("C1-loose-bits-claims", _with_loose_bits(1), Reason.MALFORMED_CLAIMS),
    refused("C1-loose-bits-signature", _with_loose_bits(2), Reason.BAD_SIGNATURE),
]

_SHAPES = ["", "a", "a.b", ".", "..", "...", "a..c", ".b.c", "a.b.", "a.b.c.d", "a.b.c.d.e", "." * 1000]
SHAPES = [
    refused(f"C2-{shape[:8]}-{len(shape)}", lambda _, shape=shape: shape, Reason.NOT_COMPACT_JWS) for shape in _SHAPES
]


def _sized(size):
    """A good token of that many bytes, within one base64 group."""

    def make(issuer):
        room = size - len(issuer.mint(x=""))
        token = issuer.mint(x="y" * (room * 3 // 4))
        while len(token) < size:
            room += 1
            token = issuer.mint(x="y" * (room * 3 // 4))
        assert size <= len(token) < size + 5
        return token

    return make


SIZES = [
    accepted("C3-8188", _sized(8188)),
    refused("C3-8193", _sized(8193), Reason.TOO_LONG),
    refused("C3-64-KiB", lambda _: "x" * 65_536, Reason.TOO_LONG),
    refused("C3-1-MiB", lambda _: "x" * 1_048_576, Reason.TOO_LONG),
]


def _signed(payload):
    return lambda issuer: issuer.sign(header_of(issuer), payload)


def _nested(depth):
    nested = 1
    for _ in range(depth):
        nested = [nested]
    return nested


DEPTHS = [
    refused("C4-open-only", _signed(b"[" * 5000), Reason.MALFORMED_CLAIMS),
    refused("C4-in-a-claim", _signed(b'{"iss":' + b"[" * 2500 + b"]" * 2500 + b"}"), Reason.MALFORMED_CLAIMS),
    refused("C4-objects", _signed(b'{"a":' * 900 + b"1" + b"}" * 900), Reason.MALFORMED_CLAIMS),
    refused("C4-string-without-end", _signed(b"[" * 17 + b'"' + b'\\"' * 2700), Reason.MALFORMED_CLAIMS),
    refused("C4-beyond-the-size", _signed(b"[" * 40_000), Reason.TOO_LONG),
    accepted("C4-allowed", lambda issuer: issuer.mint(nested=_nested(15), text="[[[[[[[[[[[[[[[[[[[[[[[[\\")),
    accepted("C5-500-permissions", lambda issuer: issuer.mint(permissions=[f"p{n}" for n in range(500)])),
    refused(
        "C5-5000-permissions", lambda issuer: issuer.mint(permissions=[f"p{n}" for n in range(5000)]), Reason.TOO_LONG
    ),
]


def _twice(name):
    def make(issuer):
        claims = json.loads(decoded(claims_of(issuer.mint(other=1))))
        text = json.dumps(claims)[:-1] + f', "{name}": {json.dumps(claims[name])}' + "}"
        return issuer.sign(header_of(issuer), text.encode())

    return make


def _encoded(name, encode):
    return refused(
        f"C7-{name}",
        lambda issuer: issuer.sign(header_of(issuer), encode(claims_text(issuer))),
        Reason.MALFORMED_CLAIMS,
    )


_NO_OBJECTS = ["[]", "null", '"a"', "1", "true", " ", "{", "{}{}", '{"a":1,}', "{'a':1}", '{"a":01}', "\x00{}"]
TEXTS = [
    *(
        refused(f"C6-{name}", _twice(name), Reason.MALFORMED_CLAIMS)
        for name in ("exp", "aud", "scope", "iss", "sub", "other")
    ),
    _encoded("utf-16", lambda text: text.encode("utf-16")),
    _encoded("utf-16-le", lambda text: text.encode("utf-16-le")),
    _encoded("utf-32", lambda text: text.encode("utf-32")),
    _encoded("bom", lambda text: b"\xef\xbb\xbf" + text.encode()),
    _encoded("invalid", lambda text: text.encode().replace(b"tester", b"t\xffster")),
    _encoded("overlong", lambda text: text.encode().replace(b"tester", b"t\xc1\xa1ster")),
    _encoded("raw-surrogate", lambda text: text.encode().replace(b"tester", b"t\xed\xa0\x80ster")),
    _encoded("escaped-surrogate", lambda text: text.encode().replace(b"tester", b"t\\ud800ster")),
    _encoded("escaped-low-surrogate", lambda text: text.encode().replace(b"tester", b"t\\uDC00ster")),
    _encoded("surrogate-in-a-name", lambda text: text.encode().replace(b'"jti"', b'"\\udfff"')),
    accepted("C7-a-pair-is-one-character", lambda issuer: issuer.mint(subject="\U0001f600")),
    *(refused(f"C8-{text}", _signed(text.encode()), Reason.MALFORMED_CLAIMS) for text in _NO_OBJECTS),
]


def _audience(name, audience, reason):
    return refused(name, lambda issuer: issuer.mint(aud=audience), reason)


AUDIENCES = [
    _audience("C15-missing", ABSENT, Reason.MISSING_CLAIM),
    _audience("C15-null", None, Reason.MALFORMED_CLAIM),
    _audience("C15-empty", "", Reason.MALFORMED_CLAIM),
    _audience("C15-empty-list", [], Reason.WRONG_AUDIENCE),
    _audience("C15-list-of-empty", [""], Reason.MALFORMED_CLAIM),
    _audience("C15-mixed", [1, API], Reason.MALFORMED_CLAIM),
    _audience("C15-nested", [[API]], Reason.MALFORMED_CLAIM),
    _audience("C15-object", {API: 1}, Reason.MALFORMED_CLAIM),
    _audience("C15-upper-case", API.upper(), Reason.WRONG_AUDIENCE),
    _audience("C15-space", f" {API}", Reason.WRONG_AUDIENCE),
    _audience("C15-prefix", f"{API}.evil", Reason.WRONG_AUDIENCE),
    _audience("C15-slash", f"{API}/", Reason.WRONG_AUDIENCE),
    _audience("C15-part", "https://nexus", Reason.WRONG_AUDIENCE),
    _audience("C15-joined", f"{API} https://other", Reason.WRONG_AUDIENCE),
    _audience("C15-others", [f"https://{n}.example" for n in range(150)], Reason.WRONG_AUDIENCE),
    _audience("C21-other-api", "https://other.example", Reason.WRONG_AUDIENCE),
    accepted("C15-list", lambda issuer: issuer.mint(aud=[API])),
    accepted("C15-many", lambda issuer: issuer.mint(aud=[*(f"a{n}" for n in range(600)), API])),
    accepted("C22-with-userinfo", lambda issuer: issuer.mint(aud=[API, "https://tenant.example/userinfo"])),
]


def _issuer(name, change):
    return refused(f"C16-{name}", lambda issuer: issuer.mint(iss=change(issuer.url)), Reason.UNKNOWN_ISSUER)


ISSUERS = [
    _issuer("slash", lambda url: url + "/"),
    _issuer("upper-case", lambda url: url.upper()),
    _issuer("list", lambda url: [url]),
    _issuer("null", lambda _: None),
    _issuer("missing", lambda _: ABSENT),
    _issuer("number", lambda _: 1),
    _issuer("homograph", lambda url: url.replace("1", "\u0661", 1)),
    _issuer("userinfo", lambda url: url.replace("//", "//a@")),
    _issuer("port", lambda url: url + ":443"),
    _issuer("https", lambda url: url.replace("http:", "https:")),
    _issuer("path", lambda url: url + "/a"),
    _issuer("space", lambda url: url + " "),
    _issuer("other", lambda _: "https://evil.example"),
]

_NOT_SUBJECTS = [None, "", "s" * 256, "s" * 300, "a\r\nb", "a\0b", "a\tb", "a\u2028b", "a\x7fb", 1, ["a"], {}, True]
SUBJECTS = [
    *(
        refused(
            f"C18-{str(value)[:6]!a}-{len(str(value))}",
            lambda issuer, v=value: issuer.mint(sub=v),
            Reason.MALFORMED_CLAIM,
        )
        for value in _NOT_SUBJECTS
    ),
    refused("C18-missing", lambda issuer: issuer.mint(sub=ABSENT), Reason.MISSING_CLAIM),
    accepted("C18-255", lambda issuer: issuer.mint(sub="s" * 255)),
    accepted("C18-unicode", lambda issuer: issuer.mint(sub="auth0|Zoë Ünsal")),
]


def _kind(name, claims, type_, reason):
    return refused(name, lambda issuer: issuer.mint(header={"typ": type_}, permissions=["admin"], **claims), reason)


OTHER_TOKENS = [
    _kind("C19-nonce", {"nonce": "n", "scope": ABSENT}, "JWT", Reason.ID_TOKEN),
    _kind("C19-at_hash", {"at_hash": "h"}, "JWT", Reason.ID_TOKEN),
    _kind("C19-c_hash", {"c_hash": "h"}, "JWT", Reason.ID_TOKEN),
    _kind("C19-own-client", {"azp": API, "scope": ABSENT}, "JWT", Reason.ID_TOKEN),
    _kind("C19-own-client-list", {"aud": [API], "azp": API, "scope": ABSENT}, ABSENT, Reason.ID_TOKEN),
    _kind("C19-keycloak", {"typ": "ID"}, "JWT", Reason.ID_TOKEN),
    _kind("C20-refresh", {"typ": "Refresh"}, "JWT", Reason.NOT_AN_ACCESS_TOKEN),
    _kind("C20-offline", {"typ": "Offline"}, "JWT", Reason.NOT_AN_ACCESS_TOKEN),
    _kind(
        "C20-logout",
        {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
        "JWT",
        Reason.NOT_AN_ACCESS_TOKEN,
    ),
    _kind("C20-security-event", {"events": {}, "toe": 1}, ABSENT, Reason.NOT_AN_ACCESS_TOKEN),
    _kind("C20-dpop-proof", {"htm": "GET", "htu": "https://nexus.example/"}, "JWT", Reason.NOT_AN_ACCESS_TOKEN),
    _kind("C23-id-of-cognito", {"token_use": "id"}, "JWT", Reason.ID_TOKEN),
    _kind("C23-refresh-of-cognito", {"token_use": "refresh"}, "JWT", Reason.NOT_AN_ACCESS_TOKEN),
    _kind("C28-cnf-jkt", {"cnf": {"jkt": "x"}}, "at+jwt", Reason.BOUND_TOKEN),
    _kind("C28-cnf-mtls", {"cnf": {"x5t#S256": "x"}}, "at+jwt", Reason.BOUND_TOKEN),
    _kind("C28-cnf-null", {"cnf": None}, "at+jwt", Reason.BOUND_TOKEN),
    accepted(
        "C19-keycloak-bearer", lambda issuer: issuer.mint(header={"typ": "JWT"}, typ="Bearer", nonce="n", azp="app")
    ),
    accepted(
        "C19-client-is-the-api", lambda issuer: issuer.mint(header={"typ": "JWT"}, azp=API, permissions=["admin"])
    ),
]


def _with_signature(change):
    def make(issuer):
        header, payload, signature = issuer.mint().split(".")
        return f"{header}.{payload}.{change(signature)}"

    return make


def _with_flipped_bit(part):
    def make(issuer):
        segments = issuer.mint().split(".")
        content = bytearray(decoded(segments[part]))
        content[len(content) // 2] ^= 1
        segments[part] = b64(bytes(content))
        return ".".join(segments)

    return make


SIGNATURES = [
    refused("C33-stripped", _with_signature(lambda _: ""), Reason.NOT_COMPACT_JWS),
    refused("C33-cut", _with_signature(lambda signature: signature[:-4]), Reason.BAD_SIGNATURE),
    refused("C33-longer", _with_signature(lambda signature: signature + "AAAA"), Reason.BAD_SIGNATURE),
    refused("C33-shifted", _with_signature(lambda signature: "AAAA" + signature), Reason.BAD_SIGNATURE),
    refused("C33-zeros", _with_signature(lambda signature: "A" * len(signature)), Reason.BAD_SIGNATURE),
    refused("C33-reversed", _with_signature(lambda signature: signature[::-1]), Reason.BAD_SIGNATURE),
    refused(
        "C33-bit-of-header",
        _with_flipped_bit(0),
        Reason.MALFORMED_HEADER,
        Reason.WRONG_TYPE,
        Reason.BAD_SIGNATURE,
        Reason.UNKNOWN_KID,
    ),
    refused(
        "C33-bit-of-claims", _with_flipped_bit(1), Reason.MALFORMED_CLAIMS, Reason.BAD_SIGNATURE, Reason.UNKNOWN_ISSUER
    ),
    refused("C33-bit-of-signature", _with_flipped_bit(2), Reason.BAD_SIGNATURE),
]

_CURVE_KEY = ECKey.generate_key("P-256")
_CURVE_ORDER = bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")


def _on_curve(signature):
    """A token of an issuer whose key is on a curve; with a good signature where none is given."""

    def make(issuer):
        _CURVE_KEY.ensure_kid()
        issuer.answer = published(_CURVE_KEY.as_dict(private=False))
        header = b64(json.dumps({"alg": "ES256", "kid": _CURVE_KEY.kid}).encode())
        signing_input = f"{header}.{claims_of(issuer.mint())}".encode()
        content = JWSRegistry.algorithms["ES256"].sign(signing_input, _CURVE_KEY) if signature is None else signature
        return (signing_input + b"." + base64.urlsafe_b64encode(content).rstrip(b"=")).decode()

    return make


_DEGENERATE = {
    "zero": bytes(64),
    "r-zero": bytes(32) + bytes([1] * 32),
    "s-is-n": bytes([1] * 32) + _CURVE_ORDER,
    "short": bytes(63),
    "long": bytes(65),
    "der": bytes.fromhex("3006020101020101"),
}
CURVES = [
    accepted("C31-good", _on_curve(None), algorithms=["ES256"]),
    *(
        refused(f"C31-{name}", _on_curve(content), Reason.BAD_SIGNATURE, algorithms=["ES256"])
        for name, content in _DEGENERATE.items()
    ),
]

CLAIM_CASES: list[Case] = [
    *SPELLINGS,
    *SHAPES,
    *SIZES,
    *DEPTHS,
    *TEXTS,
    *AUDIENCES,
    *ISSUERS,
    *SUBJECTS,
    *OTHER_TOKENS,
    *SIGNATURES,
    *CURVES,
]
