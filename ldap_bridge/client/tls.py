"""TLS for ldap3 by a context of our own, which checks host names and IP addresses the way the standard library does."""

import ssl
from typing import Any

from ldap3 import Tls

from ldap_bridge.servers import Server


class VerifyingTls(Tls):  # type: ignore[misc]  # ldap3 ships no annotations, so its classes are Any
    """Wraps the socket by `context_for`; ldap3's own wrapping matches no IP addresses and sends no server name.

    `failure` keeps what went wrong, because ldap3 flattens it to text.
    """

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._context = context_for(server)
        self._host = server.host
        self.failure: Exception | None = None

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """Put TLS on the connection's socket; the handshake is part of it."""
        try:
            connection.socket = self._context.wrap_socket(connection.socket, server_hostname=self._host)
        except (OSError, ValueError) as error:
            self.failure = error
            raise


def context_for(server: Server) -> ssl.SSLContext:
    """Return a context that trusts the configured CA, or the system's."""
    context = ssl.create_default_context(cafile=server.ca_file or None)
    if not server.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if server.cert_file:
        context.load_cert_chain(server.cert_file, server.key_file or None)
    return context
