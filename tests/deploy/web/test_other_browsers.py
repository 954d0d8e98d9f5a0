"""The page in browsers that were started in other ways: each has its own."""

import base64
import functools
import http.server
import threading
import urllib.request

import numpy as np
import pytest

from keras_artkd.deploy.predict import Classifier
from keras_artkd.deploy.web.page import MODEL
from tests.browser import launched
from tests.deploy.web.conftest import serving
from tests.deploy.web.pictures import ANSWER, picture, upload


def test_a_gpu_answers_alike(page_folder):
    """A software one, asked for: none is taken by itself."""
    flags = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
    classifier = Classifier(page_folder / MODEL)
    with (
        launched(*flags, gpu=True) as browser,
        serving(page_folder) as address,
    ):
        page = browser.new_page()
        page.goto(address)
        if not page.evaluate(
            "navigator.gpu?.requestAdapter().then(Boolean) ?? false"
        ):
            pytest.skip("no software GPU in this Chromium")
        content = picture(1)
        coded = base64.b64encode(content).decode()
        assert page.evaluate(ANSWER, coded)[0] == "wasm"
        page.goto(f"{address}?device=webgpu")
        device, found = page.evaluate(ANSWER, coded)
    assert device == "webgpu"
    (expected,) = classifier.probabilities(classifier.read(content)[None])
    np.testing.assert_allclose(found, expected, atol=1e-3)


def plain_server(folder):
    """Any server of files, not ours."""
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=str(folder)
    )
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_works_offline(page_folder):
    """On a site of its own the page keeps itself."""
    server = plain_server(page_folder)
    site = f"http://pictures.test:{server.server_address[1]}"
    mapped = [
        "--host-resolver-rules=MAP pictures.test 127.0.0.1",
        f"--unsafely-treat-insecure-origin-as-secure={site}",
    ]
    with launched(*mapped) as browser:
        page = browser.new_page()
        page.goto(site)
        page.locator("#runtime", has_text="works offline").wait_for(
            state="attached"
        )
        server.shutdown()
        server.server_close()
        with pytest.raises(OSError):
            urllib.request.urlopen(site.replace("pictures.test", "127.0.0.1"))
        page.goto(site)
        page.set_input_files("#files", [upload("a.png", picture(0))])
        page.locator(".answer").wait_for()
