"""A server that this machine alone reaches, and under its own name alone."""

import http.server
import sys
from typing import Any

ADDRESS = "127.0.0.1"
_NAMES = {ADDRESS, "localhost"}


class LoopbackServer(http.server.ThreadingHTTPServer):
    """An HTTP server on loopback, not yet serving.

    Args:
        handler: class of `http.server`, or what makes one, that answers a
            request.
        port: int; 0 takes any that is free.

    Attributes:
        hosts: what a request's header `Host` may be. A page elsewhere whose
            name was made to mean this machine (DNS rebinding) sends its own.

    Raises:
        ValueError: if the port cannot be had.
    """

    daemon_threads = True

    def __init__(self, handler: Any, port: int) -> None:
        try:
            super().__init__((ADDRESS, port), handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ValueError(
                f"The port must be a free one. Received: --port {port} "
                f"({reason}). Fix: another --port; 0 takes any that is free."
            ) from error
        self.hosts = {f"{name}:{self.server_port}" for name in _NAMES}
        if self.server_port == 80:  # Which browsers leave out.
            self.hosts |= _NAMES
        self.url = f"http://{ADDRESS}:{self.server_port}/"

    def server_bind(self) -> None:
        """Binds the socket, without asking who is called so."""
        # As the parent, which may wait for a name server.
        super(http.server.HTTPServer, self).server_bind()
        self.server_name, self.server_port = ADDRESS, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Is silent about a browser that went away."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)
