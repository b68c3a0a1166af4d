"""The line to a server before anything is said on it: a TCP connection, or a local socket."""

import socket

from ldap_bridge.errors import DirectoryUnavailable
from ldap_bridge.servers import Server


def connected(source: str, server: Server) -> socket.socket:
    """Connect within the server's time for that. Raises DirectoryUnavailable."""
    try:
        if server.socket:
            return _local(server)
        return socket.create_connection((server.host, server.port), server.connect_timeout)
    # A host name that cannot be written for the network is a UnicodeError.
    except (OSError, UnicodeError) as error:
        raise DirectoryUnavailable(source, f"cannot connect to {server.url}: {error}") from error


def _local(server: Server) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    try:
        line.settimeout(server.connect_timeout)
        line.connect(server.socket)
    except OSError:
        line.close()
        raise
    return line
