"""Connections between process 0 and the others that train with it.

They are beside JAX's own. What process 0 decides goes over them, and where one
breaks, the process at its other end is gone: a collective that waits for it may
wait for ever.
"""

import contextlib
import ctypes
import json
import os
import queue
import secrets
import signal
import socket
import sys
import threading
from typing import IO, Any

# A handler in C's sense: Python's own are called when it is too late.
_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_int)

# A machine that is gone closes no connection: it is asked after so many
# seconds of silence, so often; or has so many milliseconds for what was sent.
_KEEPALIVE = {
    "TCP_KEEPIDLE": 15,
    "TCP_KEEPINTVL": 5,
    "TCP_KEEPCNT": 4,
    "TCP_USER_TIMEOUT": 35_000,
}
SECONDS_TO_MEET = 300


def _libc_signal(number: int, handler: Any) -> None:
    function = ctypes.CDLL(None).signal
    function.argtypes = [ctypes.c_int, _HANDLER]
    function.restype = ctypes.c_void_p
    function(number, handler)


class Peers:
    """The connections between process 0 and each of the others.

    Args:
        process: int, this one.
        processes: int, of all.
    """

    def __init__(self, process: int, processes: int) -> None:
        self.process, self.processes = process, processes
        self._connections: dict[int, socket.socket] = {}
        self._told: queue.Queue[dict[str, Any]] = queue.Queue()
        self._listeners: list[threading.Thread] = []
        self._on_abort = _HANDLER(self._aborted)

    def meet(self, host: str) -> None:
        """Connects the processes; JAX's own are connected already."""
        from jax.experimental import multihost_utils

        if self.process == 0:
            server = _listen(host, self.processes)
            port, secret = server.getsockname()[1], secrets.randbits(62)
        else:
            port, secret = 0, 0
        # As halves: JAX's integers have 32 bits.
        numbers = [port, secret >> 31, secret & (2**31 - 1)]
        port, *halves = map(
            int, multihost_utils.broadcast_one_to_all(integers(numbers))
        )
        if self.process == 0:
            with server:
                while len(self._connections) < self.processes - 1:
                    self._admit(server.accept()[0], halves)
            return
        connection = socket.create_connection((host, port), SECONDS_TO_MEET)
        self._add(0, connection)
        self._send(0, {"process": self.process, "secret": halves})

    def _admit(self, connection: socket.socket, secret: list[int]) -> None:
        connection.settimeout(10.0)
        with contextlib.suppress(OSError, ValueError):
            # Byte by byte: what comes after the line is read by its thread.
            line = b""
            while not line.endswith(b"\n") and len(line) < 200:
                line += connection.recv(1) or b"\n"
            hello = json.loads(line)
            if isinstance(hello, dict) and hello.get("secret") == secret:
                self._add(int(hello["process"]), connection)
                return
        connection.close()

    def _add(self, process: int, connection: socket.socket) -> None:
        connection.settimeout(None)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):
                option = getattr(socket, name)
                connection.setsockopt(socket.IPPROTO_TCP, option, value)
        self._connections[process] = connection
        listener = threading.Thread(
            target=self._listen_to, args=(process, connection), daemon=True
        )
        self._listeners.append(listener)
        listener.start()

    def _listen_to(self, process: int, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection.makefile("r") as lines:
            for line in lines:
                message = json.loads(line)
                if message == "end":
                    return
                self._told.put(message)
        self._end_without(f"Process {process}")

    def _end_without(self, who: str) -> None:
        """Ends this process, wherever it waits for another that is gone."""
        print(
            f"error: {who} of {self.processes} has ended, and this one cannot "
            "go on without it. What was trained is kept to the last whole "
            "epoch. Fix: --resume resumes it, with any number of processes.",
            file=sys.stderr,
        )
        os._exit(1)

    def watch_aborts(self, held: IO[bytes], not_met: str) -> None:
        """Says in a line why JAX ends this process.

        Its own connections break when these do, and it is as quick.

        Args:
            held: what native code printed.
            not_met: what is wrong while there are no connections yet.
        """
        self._held, self._not_met = held, not_met
        _libc_signal(signal.SIGABRT, self._on_abort)

    def _aborted(self, number: int) -> None:
        """Called by C within `abort`."""
        self._held.seek(0)
        said = self._held.read().decode(errors="replace")
        if not self._connections:
            print(f"error: {self._not_met}", file=sys.stderr)
            os._exit(2)
        if "JAX distributed service detected fatal errors" in said:
            self._end_without("A process")
        print(said[-5000:], file=sys.stderr)
        os._exit(128 + number)

    def _send(self, process: int, message: Any) -> None:
        # One that is gone is told by the thread that listens to it.
        with contextlib.suppress(OSError):
            line = json.dumps(message) + "\n"
            self._connections[process].sendall(line.encode())

    def tell(self, what: str, value: Any) -> Any:
        """See `keras_artkd.runs.hosts.told`."""
        if self.process == 0:
            for process in self._connections:
                self._send(process, {"what": what, "value": value})
            return value
        message = self._told.get()
        if message["what"] != what:
            raise RuntimeError(
                f"Process {self.process} is at {what!r}, process 0 at "
                f"{message['what']!r}."
            )
        return message["value"]

    def part(self) -> None:
        """Says that this process ends as it should, and waits to be told."""
        for process in self._connections:
            self._send(process, "end")
        for listener in self._listeners:
            listener.join()

    def close(self) -> None:
        """Closes the connections, when all have parted."""
        signal.signal(signal.SIGABRT, signal.SIG_DFL)
        for connection in self._connections.values():
            connection.close()


def _listen(host: str, processes: int) -> socket.socket:
    """A server where others reach `host`: there, or at every address."""
    family = socket.getaddrinfo(host, None)[0][0]
    for place in (host, ""):
        with contextlib.suppress(OSError):
            server = socket.create_server(
                (place, 0), family=family, backlog=processes
            )
            server.settimeout(SECONDS_TO_MEET)
            return server
    raise ValueError(
        f"Process 0 must run on {host}, which --coordinator names. Received: "
        "a machine that has no such address."
    )


def integers(values: list[int]) -> Any:
    """An array of int32, as JAX's collectives take it."""
    import numpy as np

    return np.array(values, "int32")
