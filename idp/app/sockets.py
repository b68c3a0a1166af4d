"""The listening sockets, made before any worker so that a port in use is one message and not one for each."""

import socket
from typing import Final

from idp.errors import ConfigError

BACKLOG: Final = 1024
KEY: Final = "server.listen"


def parse_address(listen: str) -> tuple[str, int]:
    """Read `host:port`, with IPv6 addresses in brackets. Raises ConfigError."""
    host, _, port = listen.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise ConfigError(KEY, f"{listen} is not host:port")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - `:8080` asks for all interfaces


def listen_on(listen: str, count: int) -> list[socket.socket]:
    """Return one listening socket for each worker, all on the same port. Raises ConfigError.

    The kernel spreads connections over them. They stay open here while a worker is replaced, so that connections
    which wait in a dead worker's queue are served by the next one.
    """
    host, port = parse_address(listen)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # With SO_REUSEPORT a second server on the same port would not be noticed: look without it first.
        first = _bind(family, address, reuse_port=False)
        if count == 1:
            first.listen(BACKLOG)
            return [first]
        address = first.getsockname()
        first.close()
        sockets = [_bind(family, address, reuse_port=True) for _ in range(count)]
    except OSError as error:
        raise ConfigError(KEY, f"cannot listen on {listen}: {error.strerror}") from error
    for bound in sockets:
        bound.listen(BACKLOG)
    return sockets


def address_of(bound: socket.socket) -> str:
    """Return `host:port` of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _bind(family: socket.AddressFamily, address: tuple[object, ...], *, reuse_port: bool) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound
