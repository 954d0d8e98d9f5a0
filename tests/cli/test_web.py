"""`artkd export --format web` and `artkd serve`, without npm and browser."""

import base64
import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from keras_artkd.cli.main import main
from keras_artkd.deploy.formats import open_model
from keras_artkd.deploy.web import litert_js
from keras_artkd.deploy.web.page import is_page
from keras_artkd.run_folder import RunFolder
from tests.deploy.web.packages import own_digests as own_digests
from tests.deploy.web.packages import write_package


@pytest.fixture(scope="module")
def linked(finished, tmp_path_factory):
    """A copy of the run with a page, made where there is no npm."""
    run_dir = shutil.copytree(finished, tmp_path_factory.mktemp("web") / "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        with pytest.warns(match="not work offline .npm is not installed"):
            assert main(["export", str(run_dir), "--format", "web"]) == 0
    return run_dir


def files_of(folder):
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_page_of_a_run(linked, finished):
    """The model is the run's; what it says of itself lies beside it."""
    page = linked / "web"
    assert is_page(page)
    own = open_model(page / "model.tflite").info
    assert own.class_names == RunFolder(finished).data["class_names"]
    assert "tflite, quantisation: float16" in own.card
    settings = json.loads((page / "keras_artkd.json").read_text())
    assert settings["class_names"] == own.class_names
    assert settings["short_side"] == own.short_side
    assert (page / "MODEL_CARD.md").read_text() == own.card
    assert files_of(linked) - files_of(finished) == {
        f"web/{name}" for name in files_of(page)
    }


def test_every_file_of_the_page_is_loaded_by_another(linked):
    """None is forgotten, none left over."""
    page = linked / "web"
    texts = {
        name: (page / name).read_text()
        for name in files_of(page)
        if name != "model.tflite"
    }
    for name in files_of(page) - {"index.html"}:
        assert any(name in texts[other] for other in texts if other != name)


def test_without_npm_it_says_where_the_runtime_comes_from(linked):
    text = (linked / "web" / "index.html").read_text()
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)"', text)
    (imports,) = re.findall(r'<script type="importmap">(.*?)</script>', text)
    digest = base64.b64encode(hashlib.sha256(imports.encode()).digest())
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["connect-src"] == f"'self' {litert_js.URL}"
    assert directives["script-src"] == (
        f"'self' 'wasm-unsafe-eval' 'sha256-{digest.decode()}' {litert_js.URL}"
    )
    table = json.loads(imports)
    assert table["imports"][litert_js.PACKAGE].startswith(litert_js.URL)
    assert table["integrity"] == {
        litert_js.URL + name: f"sha384-{digest}"
        for name, digest in litert_js.DIGESTS.items()
    }


def test_a_whole_page(run_dir, tmp_path, own_digests, capsys):
    """From a folder; made again it replaces itself, in another kind."""
    write_package(tmp_path / "litert")
    words = ["export", str(run_dir), "--format", "web"]
    words += ["--runtime", str(tmp_path / "litert")]
    words += ["--output", str(tmp_path / "page")]
    assert main(words) == 0
    output = capsys.readouterr()
    assert re.match(
        rf"{tmp_path}/page: \d+ KiB. A browser loads \d+ KiB of it; the model "
        r"\(\d+ KiB\) agrees with the Keras model on [\d.]+% of \d+ validation "
        rf"images. To see it: artkd serve {tmp_path}/page\n$",
        output.out,
    )
    assert output.err == ""
    page = tmp_path / "page"
    assert {f"litert/{name}" for name in litert_js.DIGESTS} < files_of(page)
    text = (page / "index.html").read_text()
    assert "connect-src 'self';" in text and "https:" not in text
    before = files_of(page)
    assert main([*words, "--quantize", "int8", "--licence", "CC0-1.0"]) == 0
    assert files_of(page) == before
    card = open_model(page / "model.tflite").info.card
    assert "quantisation: int8" in card and "CC0-1.0" in card


@pytest.mark.filterwarnings("ignore:The page loads")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--quantize", "int4"], "none, float16, int8"),
        (["--batch", "open"], "--batch has no meaning for --format web"),
        (["--runtime", "{run}"], "--runtime must be a folder with @litertjs"),
        (["--output", "{run}"], "or one of web alone"),
        (["--output", "{run}/metrics.json"], "or one of web alone"),
        (["--min-agreement", "2"], "between 0 and 1"),
        (["--format", "onnx", "--runtime", "x"], "meaning for --format onnx"),
        (["--format", "page"], "saved_model, tflite, onnx, hub, web"),
    ],
)
def test_bad_input(run_dir, failing, monkeypatch, words, message):
    monkeypatch.setenv("PATH", "")
    before = files_of(run_dir)
    words = [word.format(run=run_dir) for word in words]
    assert message in failing("export", run_dir, "--format", "web", *words)
    assert files_of(run_dir) == before


def test_another_s_page_is_not_replaced(run_dir, tmp_path, failing):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("of somebody")
    words = ["--format", "web", "--output", tmp_path / "site"]
    assert "must be new, empty or a page" in failing("export", run_dir, *words)
    assert files_of(tmp_path / "site") == {"index.html"}


@pytest.mark.filterwarnings("ignore:The page loads")
def test_the_gate_keeps_the_page_that_was_there(linked, failing, monkeypatch):
    monkeypatch.setenv("PATH", "")
    (linked / "data.json").rename(linked / "kept.json")
    before = (linked / "web" / "model.tflite").read_bytes()
    failing("export", linked, "--format", "web")
    (linked / "kept.json").rename(linked / "data.json")
    assert (linked / "web" / "model.tflite").read_bytes() == before


def test_serves_and_ends_quietly(linked):
    """Without Keras, where the page is there; Ctrl-C is no error."""
    program = "import sys; from keras_artkd.cli.main import main; "
    program += "status = main(sys.argv[1:]); "
    program += "assert not {'keras', 'tensorflow'} & set(sys.modules); "
    program += "raise SystemExit(status)"
    server = subprocess.Popen(
        [sys.executable, "-c", program, "serve", str(linked), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = server.stdout.readline()
    address = re.search(r"http://127\.0\.0\.1:\d+/", line).group()
    with urllib.request.urlopen(address) as response:
        assert b"What is in the picture?" in response.read()
    time.sleep(0.1)
    server.send_signal(signal.SIGINT)
    output, errors = server.communicate(timeout=30)
    assert (server.returncode, errors) == (0, "")
    assert output.strip() == ""


def test_serve_writes_the_page_first(linked, run_dir, capsys, monkeypatch):
    def write(name, run_dir):
        shutil.copytree(linked / name, run_dir / name)

    def end(server):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras_artkd.deploy.bundles.write_bundle", write)
    monkeypatch.setattr("socketserver.BaseServer.serve_forever", end)
    assert main(["serve", str(run_dir), "--port", "0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Exporting the page ..."
    assert lines[1].startswith(f"{run_dir / 'web'}: http://127.0.0.1:")
    # A page by its own folder, too.
    assert main(["serve", str(run_dir / "web"), "--port", "0"]) == 0
    assert capsys.readouterr().out.startswith(f"{run_dir / 'web'}: http")


@pytest.mark.parametrize(
    ("name", "message"),
    [("", "folder must be a page or that"), ("none", "finished run")],
)
def test_serve_bad_input(tmp_path, failing, name, message):
    assert message in failing("serve", tmp_path / name)


def test_serve_on_a_port_that_is_no_port(linked, failing):
    assert "The port must be a free one" in failing(
        "serve", linked, "--port", "70000"
    )
