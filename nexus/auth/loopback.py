"""Which hosts are this machine."""

import ipaddress


def is_loopback(host: str) -> bool:
    """True for `localhost` and loopback addresses: names are not resolved."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
