"""A server of a page's folder for the browsers of this machine alone."""

import functools
import http.server
import os
import pathlib
from typing import Any, cast

from keras_artkd.loopback import LoopbackServer

_HEADERS = {
    # A page that was exported again is a new one at once.
    "Cache-Control": "no-cache",
    # What a page's own policy cannot say.
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


class _Handler(http.server.SimpleHTTPRequestHandler):
    server_version = "artkd"
    sys_version = ""
    # Of the system's own table nobody knows what it says.
    extensions_map = {
        "": "application/octet-stream",
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".md": "text/plain; charset=utf-8",
        ".tflite": "application/octet-stream",
        ".wasm": "application/wasm",
    }

    def send_head(self) -> Any:
        own = cast(LoopbackServer, self.server).hosts
        # Links inside the folder may lead out of it.
        path = pathlib.Path(self.translate_path(self.path)).resolve()
        root = pathlib.Path(self.directory).resolve()
        if self.headers.get("Host") not in own or not path.is_relative_to(root):
            self.send_error(http.HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def list_directory(self, path: str | os.PathLike[str]) -> None:
        self.send_error(http.HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: whoever looks at a page sees what it does."""


def make_server(folder: pathlib.Path, port: int) -> LoopbackServer:
    """A server of the files in a folder, on loopback; not yet serving.

    Args:
        folder: what is served, and nothing else.
        port: int; 0 for any that is free.

    Raises:
        ValueError: if the port cannot be had.
    """
    return LoopbackServer(
        functools.partial(_Handler, directory=str(folder)), port
    )
