"""The server answers one person's page and nobody else."""

import contextlib
import http.client
import io
import json
import re
import socket
import threading
import urllib.parse

import pytest
from PIL import Image

from keras_artkd.label.pictures import Pictures
from keras_artkd.label.server import LabelServer
from keras_artkd.label.session import Session
from keras_artkd.report.text import display_name
from tests.label.runs import CLASSES, NAMES, table, write_label_run

JSON = {"Content-Type": "application/json"}


class Client:
    """A browser, as far as HTTP goes."""

    def __init__(self, server):
        self.server, self.port = server, server.server_port
        self.home = urllib.parse.urlsplit(server.url).path
        self.origin = f"http://127.0.0.1:{self.port}"

    def call(self, method, path, headers=(), body=None):
        """Status, headers and body of the answer to any request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, 10)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    def get(self, path, **headers):
        return self.call("GET", self.home + path, headers.items())

    def post(self, path, body, **headers):
        sent = {**JSON, "Origin": self.origin, **headers}
        sent = {k: v for k, v in sent.items() if v is not None}
        text = body if isinstance(body, str) else json.dumps(body)
        status, _, content = self.call("POST", self.home + path, sent, text)
        return status, json.loads(content)

    def state(self):
        return json.loads(self.get("state")[2])


@contextlib.contextmanager
def serving(folder, port=0):
    session = Session(folder)
    pictures = Pictures(session.load, session.images)
    with LabelServer(session, pictures, port, "artkd train <x>") as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        try:
            yield Client(server)
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def folder(tmp_path):
    return write_label_run(tmp_path)[0]


@pytest.fixture
def client(folder):
    with serving(folder) as client:
        yield client


def test_the_page(client):
    status, headers, body = client.get("")
    page = body.decode()
    assert status == 200 and headers["Cache-Control"] == "no-store"
    assert "artkd train &lt;x&gt;" in page and "<x>" not in page
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    (nonce,) = re.findall(r"style-src 'nonce-([^']+)'", policy)
    styles = re.findall(r"<style([^>]*)>", page)
    assert styles == [f' nonce="{nonce}"'] * 2
    # A policy of the page's own would forbid its script.
    assert "http-equiv" not in page and ' style="' not in page
    assert nonce not in client.get("")[2].decode()
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Python" not in headers["Server"]
    status, headers, script = client.get("label.js")
    assert status == 200 and headers["Content-Type"].startswith("text/java")
    # Names are text: nothing in it makes elements of text.
    assert not re.search(rb"innerHTML|insertAdjacent|document.write", script)


def test_a_day_of_labelling(client, folder):
    state = client.state()
    assert state["classes"] == [display_name(name) for name in CLASSES]
    picture = state["picture"]
    answer = {"picture": picture["number"], "choice": 2}
    status, state = client.post("answer", answer)
    assert status == 200 and state["done"] == 1
    assert table(folder.pseudo_labels)[0]["label"] == CLASSES[2]
    # The same again is to a picture that is no longer asked about.
    status, same = client.post("answer", answer)
    assert status == 409 and "another window" in same["error"]
    assert same["picture"] == state["picture"]
    status, state = client.post("undo", {})
    assert status == 200 and state["picture"] == picture
    assert client.post("answer", {**answer, "choice": "skip"})[0] == 200
    assert client.post("again", {})[1]["later"] == 1
    for wrong in ({**answer, "choice": 99}, {**answer, "choice": "<b>"}):
        wrong["picture"] = client.state()["picture"]["number"]
        status, told = client.post("answer", wrong)
        assert status == 400 and "Received" in told["error"]


def test_the_other_program(client, folder):
    text = folder.pseudo_labels.read_text("utf-8")
    folder.pseudo_labels.write_text(text + "\n", "utf-8")
    number = client.state()["picture"]["number"]
    status, told = client.post("answer", {"picture": number, "choice": 1})
    assert status == 409 and told["changed"]
    assert folder.pseudo_labels.read_text("utf-8") == text + "\n"
    assert client.post("reload", {})[1]["restored"] == 0
    assert client.post("answer", {"picture": number, "choice": 1})[0] == 200
    folder.pseudo_labels.write_text("nonsense", "utf-8")
    status, told = client.post("reload", {})
    assert status == 400 and "line 1" in told["error"]


def test_pictures_are_jpegs_of_a_size(client, folder, tmp_path):
    big = tmp_path / "others" / "scan.tif"
    Image.new("RGB", (3000, 200)).save(big)
    for number, name in enumerate(NAMES):
        status, headers, body = client.get(f"picture/{number}")
        if name == "broken.jpg":
            assert status == 404 and b"error" in body
            continue
        assert status == 200 and headers["Content-Type"] == "image/jpeg"
        image = Image.open(io.BytesIO(body))
        assert image.format == "JPEG"
        assert image.width == (1200 if name == "scan.tif" else 30 + 20 * number)
    (tmp_path / "others" / "last.webp").unlink()
    assert client.get(f"picture/{len(NAMES) - 1}")[0] == 404


@pytest.mark.parametrize(
    "path",
    ["6", "-1", "99999999999", "x", "", "1/..", "%2e%2e/x", "٣", "1e0", "+1"],
)
def test_pictures_are_called_by_number_alone(client, path):
    quoted = urllib.parse.quote(path, safe="%/+.")
    status, headers, _ = client.get(f"picture/{quoted}")
    assert status == 404 and headers["Content-Type"] == "application/json"


def test_nobody_enters_without_the_secret(client):
    secret = client.home.strip("/")
    assert len(secret) > 20
    for path in ("/", "/state", f"/{secret[:-1]}/", f"/{secret}", "/é/state"):
        path = urllib.parse.quote(path)
        assert client.call("GET", path)[0] == 404
        assert secret.encode() not in client.call("GET", path)[2]
    status, *_ = client.call(
        "POST", "/answer", {**JSON, "Origin": client.origin}, "{}"
    )
    assert status == 404


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1", ""],
)
def test_a_foreign_name_is_refused(client, host):
    """DNS may lead it here: the browser then takes it for its own."""
    host = host.format(port=client.port)
    status, _, body = client.get("state", Host=host)
    assert status == 421 and b"picture" not in body
    assert client.post("undo", {}, Host=host)[0] == 421


def test_the_other_own_name(client):
    host = f"localhost:{client.port}"
    assert client.get("state", Host=host)[0] == 200
    assert client.post("undo", {}, Host=host, Origin=f"http://{host}")[0] == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": None}, 403),
        ({"Origin": "https://127.0.0.1:{port}"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": None}, 415),
        ({"Content-Length": "x"}, 411),
        ({"Content-Length": "9999999"}, 413),
    ],
)
def test_other_pages_change_nothing(client, folder, headers, status):
    written = folder.pseudo_labels.read_bytes()
    number = client.state()["picture"]["number"]
    headers = {
        name: value and value.format(port=client.port)
        for name, value in headers.items()
    }
    told, answer = client.post(
        "answer", {"picture": number, "choice": 1}, **headers
    )
    assert told == status and "error" in answer
    assert folder.pseudo_labels.read_bytes() == written
    assert client.state()["done"] == 0


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_pages_see_nothing(client, site):
    assert client.get("picture/0", **{"Sec-Fetch-Site": site})[0] == 403


@pytest.mark.parametrize("body", ["", "{", "[1]", "1", "[" * 999])
def test_bodies_that_are_no_answers(client, body):
    assert client.post("answer", body)[0] in (400, 409)
    assert client.post("nothing", {})[0] == 404
    assert client.call("PUT", client.home)[0] == 501


def test_finish_ends_the_server(folder):
    with serving(folder) as client:
        assert client.post("end", {})[0] == 200
        # It ends by itself; the context's own end is no harm.


def test_it_listens_on_this_machine_alone(client):
    assert client.server.socket.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        session = Session(folder)
        pictures = Pictures(session.load, session.images)
        for wrong in (port, 70000):
            with pytest.raises(ValueError, match=rf"port {wrong} .*another"):
                LabelServer(session, pictures, wrong, "")
