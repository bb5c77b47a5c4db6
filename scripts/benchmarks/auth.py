"""The guard: with its memory of verified tokens and without, beside other verifiers, and what refusals cost."""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import KeySet
from load import body, requests_per_second
from measurement import Effort, Row, alternate, median_ratio
from servers import HERE, free_port, nexus_command, plain_command, serving, token

from nexus.auth.local_issuer import LocalIssuer, LocalKeys
from nexus.auth.verifier import TrustedIssuer, Verifier

MODULE = '''
from aiohttp import web
import nexus

guarded = nexus.Module("guarded", version="1.0.0")

@guarded.get("/up", permissions=["admin"])
async def up(request: web.Request) -> web.Response:
    """Answer to the permission."""
    return web.json_response({"message": "up"})

@guarded.get("/open", access=nexus.PUBLIC)
async def open_(request: web.Request) -> web.Response:
    """Answer to anybody."""
    return web.json_response({"message": "up"})
'''
MODULES = '[modules.liveness]\n[modules.guarded]\npath = "modules"\n'
DISTINCT = """
local count, good = 0, {{{good}}}
request = function()
  count = count + 1
  local token = good[count % 50 + 1]
  if count % 10 ~= 0 then
    token = "{head}." .. string.rep("0", 341 - #tostring(count)) .. count .. "A"
  end
  return wrk.format("GET", nil, {{["Authorization"] = "Bearer " .. token}})
end
"""


def measure(folder: Path, effort: Effort) -> list[Row]:
    remembering, forgetting = folder / "remembering", folder / "forgetting"
    for each, table in ((remembering, ""), (forgetting, "[global.auth]\ncache_entries = 0\n")):
        (each / "modules").mkdir(parents=True)
        (each / "modules" / "guarded.py").write_text(MODULE)
        (each / "config.toml").write_text(table + MODULES)
    bearer, forgetful_bearer = token(remembering), token(forgetting)
    issuer = LocalIssuer.open(forgetting / ".nexus")
    given = folder / "issuer.json"
    given.write_text(json.dumps({"issuer": issuer.name, "audience": issuer.name, "jwks": key_set(issuer)}))
    ports = [free_port() for _ in range(5)]
    ours, uncached, joserfc, pyjwt, plain = (f"http://127.0.0.1:{port}" for port in ports)
    with (
        serving(nexus_command(remembering, ports[0]), remembering, ports[0], "/m/guarded/open") as process,
        serving(nexus_command(forgetting, ports[1]), forgetting, ports[1], "/m/guarded/open"),
        serving(library_command(ports[2], "joserfc", given), folder, ports[2], "/ready"),
        serving(library_command(ports[3], "pyjwt", given), folder, ports[3], "/ready"),
        serving(plain_command(ports[4]), folder, ports[4], "/up"),
    ):
        load = partial(requests_per_second, effort=effort)
        public = partial(load, f"{ours}/m/guarded/open")
        cached = partial(load, f"{ours}/m/guarded/up", token=bearer)
        without = partial(load, f"{uncached}/m/guarded/up", token=forgetful_bearer)
        assert body(f"{ours}/m/guarded/open") == body(f"{ours}/m/guarded/up", token=bearer)
        for url in (f"{uncached}/m/guarded/up", f"{joserfc}/up", f"{pyjwt}/up"):
            assert body(url, token=forgetful_bearer) == body(f"{plain}/up")
        compare = partial(compared, effort=effort)
        forged = bearer.rpartition(".")[0] + "." + "A" * 342
        return [
            compare("guard with cache : the same route public", cached, public, least=0.85),
            compare(
                "guard with cache : the same route public, sent the same token",
                cached,
                partial(load, f"{ours}/m/guarded/open", token=bearer),
            ),
            compare("guard with cache : plain aiohttp", cached, partial(load, f"{plain}/up")),
            compare("guard without cache : the same route public", without, public),
            compare(
                "guard without cache : joserfc in aiohttp",
                without,
                partial(load, f"{joserfc}/up", token=forgetful_bearer),
            ),
            compare(
                "guard without cache : PyJWT in aiohttp", without, partial(load, f"{pyjwt}/up", token=forgetful_bearer)
            ),
            *(
                compare(
                    f"refusal of {kind} : the same route public",
                    partial(load, ours + target, token=bad, refused=True),
                    public,
                    least=least,
                )
                for kind, target, bad, least in (
                    ("garbage", "/m/guarded/up", "garbage", 1.0),
                    ("no token", "/m/guarded/up", None, 1.0),
                    ("garbage at /api", "/api/version", "garbage", 1.0),
                    ("a forged signature", "/m/guarded/up", forged, None),
                )
            ),
            verification(issuer, effort),
            memory(process.pid, f"{ours}/m/guarded/up", folder, remembering, effort),
        ]


def compared(
    name: str, ours: Callable[[], float], theirs: Callable[[], float], *, effort: Effort, least: float | None = None
) -> Row:
    measured, beside = alternate(effort.rounds, ours, theirs)
    return Row(
        name=name,
        unit="requests/s",
        ours=measured,
        theirs=beside,
        target="for information" if least is None else f"ratio {least:.2f} or better",
        reached=least is None or median_ratio(measured, beside) >= least,
    )


def verification(issuer: LocalIssuer, effort: Effort) -> Row:
    """The verifier alone beside joserfc's decode and claims check, in this process."""
    bearer = issuer.mint(subject="bench", permissions=["admin"])
    verifier = Verifier([TrustedIssuer(issuer.rules(), LocalKeys(issuer))])
    keys = KeySet.import_key_set(key_set(issuer))
    essential = {"essential": True}
    claims = jwt.JWTClaimsRegistry(
        leeway=30,
        iss={**essential, "value": issuer.name},
        aud={**essential, "value": issuer.name},
        exp=essential,
        sub=essential,
    )

    async def ours() -> None:
        for _ in range(2000):
            await verifier.verify(bearer)

    def theirs() -> None:
        for _ in range(2000):
            claims.validate(jwt.decode(bearer, keys, algorithms=["RS256"]).claims)

    def microseconds(work: Callable[[], object]) -> float:
        begin = time.process_time()
        work()
        return (time.process_time() - begin) * 1e6 / 2000

    measured, beside = alternate(
        max(effort.rounds, 5), partial(microseconds, lambda: asyncio.run(ours())), partial(microseconds, theirs)
    )
    return Row(
        name="one verification : joserfc's decode and claims check",
        unit="µs",
        ours=measured,
        theirs=beside,
        target="ratio 1.50 or less",
        reached=median_ratio(measured, beside) <= 1.5,
    )


def memory(pid: int, url: str, folder: Path, state: Path, effort: Effort) -> Row:
    """Resident memory while distinct tokens come, one in ten of them good and all others forged."""
    issuer = LocalIssuer.open(state / ".nexus")
    good = [issuer.mint(subject=f"user-{number}", permissions=["admin"]) for number in range(50)]
    script = folder / "distinct.lua"
    script.write_text(DISTINCT.format(good=", ".join(f'"{each}"' for each in good), head=good[0].rpartition(".")[0]))
    rate = requests_per_second(url, effort, script=script)
    sizes = [resident_mib(pid)]
    sent, step = 0.0, replace(effort, seconds=max(1, round(effort.tokens / rate / 10)))
    while sent < effort.tokens:
        sent += requests_per_second(url, step, script=script) * step.seconds
        sizes.append(resident_mib(pid))
    return Row(
        name=f"resident memory over {round(sent):,} distinct tokens",
        unit="MiB",
        ours=tuple(sizes),
        theirs=(),
        target="flat: the end within 2 MiB of the first tenth",
        reached=statistics.median(sizes[-3:]) - sizes[1] <= 2,
    )


def resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def key_set(issuer: LocalIssuer) -> dict[str, list[dict[str, object]]]:
    """The issuer's public key as an outside issuer would publish it."""
    ring = issuer.ring()
    (kid,) = ring.kids
    key = ring.find(kid, "RS256")
    assert key is not None
    return {"keys": [{**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": "RS256"}]}


def library_command(port: int, kind: str, given: Path) -> list[str]:
    return [sys.executable, str(HERE / "auth_servers.py"), str(port), kind, str(given)]
