"""All rows of the attack list, and those that are not tried over HTTP, with the reason."""

ROWS = {
    "H": 25,  # JWS header and algorithm
    "C": 34,  # encoding, size, claims
    "T": 22,  # HTTP transport
    "J": 17,  # keys and discovery
    "K": 6,  # remembered tokens
    "E": 7,  # the local issuer
}

NOT_OVER_HTTP = {
    "E3": "an address to listen on is refused before anything listens: tests/auth/test_local_issuer.py",
    "E6": "the lifetime and the permissions of a token are decided where it is minted: tests/auth/test_local_issuer.py",
    "E7": "what is shipped is a matter of files: tests/auth/test_local_issuer.py",
}
"""Tried one level below; the row's number stands in the names of those tests too."""

NOT_APPLICABLE = {
    "J16": "keys are never kept in a shared cache: each replica fetches its own, and its copy on disk is private",
    "J17": (
        "an issuer on a private address is what many operators have; addresses come from the configuration, or from"
        " the metadata of the configured issuer if they are on its own host, never from a token"
    ),
}
