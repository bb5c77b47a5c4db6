"""RSA public keys that do not protect: sizes, exponents, small factors and the ROCA pattern (CVE-2017-15361)."""

import math
from dataclasses import dataclass

MIN_EXPONENT = 65537

_FACTORBASE = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
               107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167)  # fmt: skip


def _powers(prime: int) -> frozenset[int]:
    residues = {1}
    power = MIN_EXPONENT % prime
    while power not in residues:
        residues.add(power)
        power = power * MIN_EXPONENT % prime
    return frozenset(residues)


# Primes of the broken library are k*M + (65537**a mod M), so their product is a power of 65537 modulo each factor of M.
_ROCA_RESIDUES = tuple((prime, _powers(prime)) for prime in _FACTORBASE)
_SMALL_PRIMES_PRODUCT = math.prod(n for n in range(2, 1000) if all(n % d for d in range(2, math.isqrt(n) + 1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RsaBounds:
    """Bits of what is used: a modulus from NIST SP 800-131A's least to what is verified quickly, and an exponent."""

    min_bits: int = 2048
    max_bits: int = 8192
    max_exponent_bits: int = 32


DEFAULT_BOUNDS = RsaBounds()


def find_weakness(modulus: int, exponent: int, bounds: RsaBounds = DEFAULT_BOUNDS) -> str | None:
    """Why an RSA key must not be trusted, or None. Whether the modulus has two large primes cannot be seen."""
    bits = modulus.bit_length()
    if bits < bounds.min_bits:
        return f"its modulus has {bits} bits, fewer than {bounds.min_bits}"
    if bits > bounds.max_bits:
        return f"its modulus has {bits} bits, more than {bounds.max_bits}"
    if exponent < MIN_EXPONENT or exponent % 2 == 0 or exponent.bit_length() > bounds.max_exponent_bits:
        return f"its exponent is not an odd number from {MIN_EXPONENT} to 2^{bounds.max_exponent_bits}"
    if math.gcd(modulus, _SMALL_PRIMES_PRODUCT) != 1 or math.isqrt(modulus) ** 2 == modulus:
        return "its modulus is easily factored"
    if all(modulus % prime in residues for prime, residues in _ROCA_RESIDUES):
        return "it was made by a library with a broken prime generator (CVE-2017-15361)"
    return None
