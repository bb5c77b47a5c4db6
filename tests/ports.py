"""Ports for servers that have to be told theirs."""

import contextlib
import secrets
import socket
from pathlib import Path

_LOWEST = 11_000  # browsers refuse 10080


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens, out of those that the system gives to no client meanwhile."""
    lowest_of_clients = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        # Not from `random`: its seed is the same in all processes that run tests.
        port = _LOWEST + secrets.randbelow(max(lowest_of_clients - _LOWEST, 1000))
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
