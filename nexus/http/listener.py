"""Listening sockets: bound before anything starts, with an error that says what to do."""

import asyncio
import errno
import socket
import struct
import sys
from array import array
from typing import Final

from nexus.spec.errors import NexusError

BACKLOG: Final = 1024
"""Connections that wait to be accepted; asyncio's 100 overflows in a burst of a load balancer's."""


_SO_ATTACH_FILTER: Final = 26
_DROP_SYN: Final = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFF_FFFF))
"""Classic BPF over the TCP header: load the flags, drop what has SYN, keep the rest (linux/filter.h)."""


class CannotListen(NexusError):
    """The configured address cannot be listened on."""


async def listen(host: str, port: int) -> tuple[socket.socket, ...]:
    """Gives a listening socket for each address of `host`, all on one port; port 0 takes a free one.

    Raises:
        CannotListen: the port is taken, needs rights, or `host` is none of this machine's addresses.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise CannotListen(f"the address {host!r} is not known here: correct 'global.server.host'") from error
    bound: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            bound.append(_bind(family, str(address[0]), bound[0].getsockname()[1] if bound else port, *address[2:]))
    except OSError as error:
        for listening in bound:
            listening.close()
        raise CannotListen(_reason(host, port, error)) from error
    return tuple(bound)


def _bind(family: int, host: str, port: int, *scope: int | str | bytes) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # Otherwise '::' would take the IPv4 port too, and binding that one next would fail.
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((host, port, *scope))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _reason(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use: stop what listens there, or set 'global.server.port' or --port"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {port} of {host} may not be opened by this user: take one above 1023"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine: correct 'global.server.host'"
    return f"{host}:{port} cannot be listened on: {error.strerror}"


def refuse_new(listening: socket.socket) -> None:
    """Lets the kernel answer no further connection, while those that wait already can still be accepted.

    Closing a listener resets what is in its backlog, and between the last accept and the close there is always time
    for one more. A client whose SYN is dropped asks again a second later and is refused cleanly. Linux only;
    elsewhere, and where the kernel declines, nothing happens and that gap of microseconds stays.
    """
    if sys.platform != "linux":
        return
    program = array("B", b"".join(struct.pack("HBBI", *step) for step in _DROP_SYN))
    try:
        listening.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(_DROP_SYN), program.buffer_info()[0])
        )
    except OSError:
        return


def accept_waiting(listening: socket.socket) -> list[socket.socket]:
    """Gives the connections that wait in the backlog; closing the listener would reset them."""
    accepted: list[socket.socket] = []
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return accepted
        connection.setblocking(False)
        accepted.append(connection)
