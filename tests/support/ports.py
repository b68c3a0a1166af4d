"""Loopback addresses for servers that tests start."""

import atexit
import socket
from collections import deque

HOST = "127.0.0.1"
# Bound, but not listening: nobody else is given such a port, and a server that asks for this very one gets it.
_reserved: deque[socket.socket] = deque(maxlen=50)


@atexit.register
def _let_go() -> None:
    for held in _reserved:
        held.close()


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on, and that stays so for a server to come.

    The server must set SO_REUSEADDR, as all do that can be restarted.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind((HOST, 0))
    if len(_reserved) == _reserved.maxlen:
        _reserved.popleft().close()
    _reserved.append(held)
    port: int = held.getsockname()[1]
    return port


def is_listening(port: int) -> bool:
    """Tell whether somebody accepts connections on the loopback interface at this port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
