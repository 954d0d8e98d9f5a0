"""The server of a page: its folder, for this machine, and nothing else."""

import http.client
import socket

import pytest

from keras_artkd.deploy.web.serving import make_server
from tests.deploy.web.conftest import serving

FILES = {
    "index.html": "text/html; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "keras_artkd.json": "application/json",
    "MODEL_CARD.md": "text/plain; charset=utf-8",
    "model.tflite": "application/octet-stream",
    "litert/a.wasm": "application/wasm",
}


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    root = tmp_path_factory.mktemp("served")
    folder = root / "web"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"it is {name}")
    (root / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(root / "secret.txt")
    (folder / "way").symlink_to(root)
    (folder / "inside.html").symlink_to(folder / "index.html")
    with serving(folder) as address:
        yield int(address.rsplit(":", 1)[1].strip("/"))


def get(port, path, host=None, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Host": f"127.0.0.1:{port}" if host is None else host}
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    return response, response.read().decode()


@pytest.mark.parametrize("name", FILES)
def test_files_and_their_types(port, name):
    response, text = get(port, f"/{name}")
    assert (response.status, text) == (200, f"it is {name}")
    assert response.headers["Content-Type"] == FILES[name]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-cache"
    assert "frame-ancestors" in response.headers["Content-Security-Policy"]


def test_the_page_itself(port):
    assert get(port, "/")[1] == "it is index.html"
    assert get(port, "/?device=wasm")[1] == "it is index.html"
    assert get(port, "/inside.html")[1] == "it is index.html"
    assert get(port, "/", f"localhost:{port}")[0].status == 200
    assert get(port, "/index.html", method="HEAD")[1] == ""


@pytest.mark.parametrize(
    "path",
    ["/litert/", "/none", "/link.txt", "/way/secret.txt", "/../secret.txt"]
    + ["/%2e%2e/secret.txt", "/..%2fsecret.txt", "//etc/passwd", "/way/"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_nothing_else(port, path, method):
    response, text = get(port, path, method=method)
    assert response.status == 404
    assert "secret.txt" not in text and "root:" not in text


@pytest.mark.parametrize("host", ["pictures.test", "pictures.test:80", "", "["])
def test_no_other_name(port, host):
    """Of a page elsewhere whose name was turned to this machine."""
    assert get(port, "/index.html", host)[0].status == 404


def test_nothing_is_written(port):
    assert get(port, "/index.html", method="POST")[0].status == 501


def test_nobody_else_reaches_it(tmp_path):
    with make_server(tmp_path, 0) as server:
        assert server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("port", [70_000, -1, "taken"])
def test_a_port_that_cannot_be_used(tmp_path, port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1] if port == "taken" else port
        with pytest.raises(ValueError, match=f"Received: --port {port}"):
            make_server(tmp_path, port)
