"""The page's server: for this machine alone, and for one person.

Who reaches a port of a machine may be another of its users, or a page in the
person's own browser that sends requests there. So the address holds a secret,
and every request is checked: that it names this server (a foreign name that
points here could read it otherwise), and that no other page sent it.
"""

import dataclasses
import hmac
import http.server
import json
import pathlib
import secrets
import threading
import urllib.parse
from collections.abc import Callable
from typing import Any

from keras_artkd.data.images import UnreadableImage
from keras_artkd.files import first_line
from keras_artkd.label.pictures import Pictures
from keras_artkd.label.session import (
    GUESSES,
    OutOfStep,
    Session,
    TableChanged,
)
from keras_artkd.loopback import LoopbackServer
from keras_artkd.output import escaped
from keras_artkd.report.page import environment
from keras_artkd.report.text import display_name

_HOME = pathlib.Path(__file__).parent
# Of the body of a request, bytes: an answer is a number.
_LONGEST = 1000
# For a request to arrive in.
_SECONDS = 30
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'nonce-{nonce}'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclasses.dataclass(frozen=True)
class _Answer:
    """An answer to a request."""

    content: bytes
    kind: str
    status: int = 200
    # Whether the browser may keep it: a picture stays what it is.
    keep: bool = False


class LabelServer(LoopbackServer):
    """Serves the page of a session, at `url`.

    Args:
        session: `Session`.
        pictures: `Pictures` of it.
        port: int; 0 takes any that is free.
        then: str, the command that goes on with the labels.

    Raises:
        ValueError: if the port cannot be had.
    """

    def __init__(
        self, session: Session, pictures: Pictures, port: int, then: str
    ) -> None:
        super().__init__(_Handler, port)
        self.session, self.pictures, self.then = session, pictures, then
        self._secret = secrets.token_urlsafe(16)
        self.url += f"{self._secret}/"

    def within(self, path: str) -> str | None:
        """What a path asks for; None if it does not hold the secret."""
        first, slash, rest = path.removeprefix("/").partition("/")
        known = hmac.compare_digest(first.encode(), self._secret.encode())
        return rest if known and slash else None


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers one request."""

    server: LabelServer
    server_version = "artkd"
    sys_version = ""
    timeout = _SECONDS
    # Of the policy, where the answer is a page.
    _nonce = "none"
    _is_last = False

    def do_GET(self) -> None:
        """Answers with the page, what it needs, or a picture."""
        self._serve(self._get, {"same-origin", "none", None})

    def do_POST(self) -> None:
        """Takes an answer of the person."""
        self._serve(self._post, {"same-origin", None})
        if self._is_last:
            # Not in this thread, which the end may wait for.
            threading.Thread(target=self.server.shutdown).start()

    def log_message(self, *arguments: Any) -> None:
        """Prints nothing: the terminal is for what a person must know."""

    def _serve(
        self, answer: Callable[[str], _Answer], sites: set[str | None]
    ) -> None:
        parts = urllib.parse.urlsplit(self.path)
        wanted = self.server.within(parts.path)
        if self.headers.get("Host") not in self.server.hosts:
            result = _refused(
                421,
                "This server answers to its own address alone. Fix: open the "
                "address that artkd label printed; a tunnel must have the same "
                "port at both ends.",
            )
        elif self.headers.get("Sec-Fetch-Site") not in sites:
            result = _refused(403, "Another page sent this request.")
        elif wanted is None:
            result = _refused(
                404,
                "There is no such page. Fix: open the whole address that artkd "
                "label printed; it is another at each start.",
            )
        else:
            result = self._answered(answer, wanted)
        self._send(result)

    def _answered(
        self, answer: Callable[[str], _Answer], wanted: str
    ) -> _Answer:
        try:
            return answer(wanted)
        except OutOfStep as error:
            return _refused(409, str(error), **self.server.session.state())
        except TableChanged as error:
            return _refused(409, str(error), changed=True)
        except ValueError as error:
            return _refused(400, escaped(first_line(error)))
        except OSError as error:
            return _refused(500, f"Not saved: {escaped(first_line(error))}")

    def _get(self, wanted: str) -> _Answer:
        if wanted == "":
            return self._page()
        if wanted == "label.js":
            script = (_HOME / "label.js").read_bytes()
            return _Answer(script, "text/javascript; charset=utf-8")
        if wanted == "state":
            return _json(self._facts())
        folder, _, number = wanted.partition("/")
        images = self.server.session.images
        # Digits of other scripts are digits, too.
        if folder == "picture" and number.isascii() and number.isdecimal():
            if len(number) < 10 and int(number) < len(images):
                return self._picture(images[int(number)])
        return _refused(404, "There is no such page.")

    def _picture(self, key: str) -> _Answer:
        try:
            picture = self.server.pictures.read(key)
        except UnreadableImage as error:
            return _refused(404, escaped(str(error)))
        return _Answer(picture, "image/jpeg", keep=True)

    def _page(self) -> _Answer:
        self._nonce = secrets.token_urlsafe(16)
        page = (
            environment(_HOME)
            .get_template("label.html")
            .render(
                nonce=self._nonce,
                table=escaped(str(self.server.session.table)),
                then=escaped(self.server.then),
                many=len(self.server.session.class_names) > GUESSES,
            )
        )
        return _Answer(page.encode(), "text/html; charset=utf-8")

    def _facts(self) -> dict[str, Any]:
        """The state, and what does not change."""
        session = self.server.session
        names = [display_name(name) for name in session.class_names]
        return {**session.state(), "classes": names}

    def _post(self, wanted: str) -> _Answer:
        own = {f"http://{host}" for host in self.server.hosts}
        if self.headers.get("Origin") not in own:
            return _refused(403, "Another page sent this request.")
        if self.headers.get_content_type() != "application/json":
            return _refused(415, "A request must be JSON.")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()):
            return _refused(411, "A request must say how long it is.")
        if len(length) > 9 or int(length) > _LONGEST:
            return _refused(413, "A request must be short.")
        try:
            asked = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            return _refused(400, "A request must be JSON.")
        return self._do(wanted, asked if isinstance(asked, dict) else {})

    def _do(self, wanted: str, asked: dict[str, Any]) -> _Answer:
        session = self.server.session
        if wanted == "answer":
            return _json(
                session.answer(asked.get("picture", -1), asked.get("choice"))
            )
        if wanted == "undo":
            return _json(session.undo())
        if wanted == "again":
            return _json(session.again())
        if wanted == "reload":
            return _json(session.reload())
        if wanted == "end":
            self._is_last = True
            return _json(session.state())
        return _refused(404, "There is no such page.")

    def _send(self, answer: _Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.content)))
        self.send_header(
            "Cache-Control",
            "private, max-age=3600" if answer.keep else "no-store",
        )
        self.send_header(
            "Content-Security-Policy", _POLICY.format(nonce=self._nonce)
        )
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.content)


def _json(value: dict[str, Any], status: int = 200) -> _Answer:
    content = json.dumps(value).encode()
    return _Answer(content, "application/json", status)


def _refused(status: int, message: str, **more: Any) -> _Answer:
    return _json({"error": message, **more}, status)
