"""RSA public keys that do not protect: sizes, exponents, small factors and the ROCA pattern (CVE-2017-15361)."""

import math

MIN_BITS = 2048  # NIST SP 800-131A
MAX_BITS = 8192  # verifying with 16384 bits takes ten times as long as with 2048
MIN_EXPONENT = 65537
MAX_EXPONENT_BITS = 32  # larger ones only cost time; no issuer uses them

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


def find_weakness(modulus: int, exponent: int) -> str | None:
    """Why an RSA key must not be trusted, or None. Whether the modulus has two large primes cannot be seen."""
    bits = modulus.bit_length()
    if bits < MIN_BITS:
        return f"its modulus has {bits} bits, fewer than {MIN_BITS}"
    if bits > MAX_BITS:
        return f"its modulus has {bits} bits, more than {MAX_BITS}"
    if exponent < MIN_EXPONENT or exponent % 2 == 0 or exponent.bit_length() > MAX_EXPONENT_BITS:
        return f"its exponent is not an odd number from {MIN_EXPONENT} to 2^{MAX_EXPONENT_BITS}"
    if math.gcd(modulus, _SMALL_PRIMES_PRODUCT) != 1 or math.isqrt(modulus) ** 2 == modulus:
        return "its modulus is easily factored"
    if all(modulus % prime in residues for prime, residues in _ROCA_RESIDUES):
        return "it was made by a library with a broken prime generator (CVE-2017-15361)"
    return None
