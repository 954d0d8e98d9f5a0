"""Pages in a real browser, served as `artkd serve` does."""

import contextlib
import shutil
import threading

import pytest

from keras_artkd.deploy.export import export_tflite
from keras_artkd.deploy.formats import write_info
from keras_artkd.deploy.model_info import ModelInfo
from keras_artkd.deploy.web import litert_js
from keras_artkd.deploy.web.page import (
    MODEL,
    RUNTIME,
    write_own_files,
    write_settings,
)
from keras_artkd.deploy.web.serving import make_server
from tests.browser import launched
from tests.deploy.web.networks import make_patch_network

# Of no HTML, whatever they look like.
NAMES = ["<b>red</b>", "Jugendstil, um 1900", "浮世絵"]
INFO = ModelInfo(NAMES, 24, 36, card="---\na: 1\n---\n# A card\n", crop_size=32)


@contextlib.contextmanager
def serving(folder):
    """The address of a folder's server."""
    with make_server(folder, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def browser():
    with launched(
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"
    ) as browser:
        yield browser


@pytest.fixture(scope="session")
def runtime(tmp_path_factory):
    """The folder of LiteRT.js, from npm."""
    folder = tmp_path_factory.mktemp("litert") / RUNTIME
    try:
        litert_js.copy_runtime(folder)
    except litert_js.NoRuntime as error:
        pytest.skip(str(error))
    return folder


@pytest.fixture(scope="session")
def model_page(tmp_path_factory):
    """A page of a model, without its runtime."""
    folder = tmp_path_factory.mktemp("page")
    write_own_files(folder, has_runtime=True)
    export_tflite(make_patch_network(), folder / MODEL, "float16")
    write_info(folder / MODEL, INFO)
    write_settings(folder)
    return folder


@pytest.fixture(scope="session")
def page_folder(tmp_path_factory, model_page, runtime):
    """A whole page."""
    folder = tmp_path_factory.mktemp("whole") / "web"
    shutil.copytree(model_page, folder)
    shutil.copytree(runtime, folder / RUNTIME)
    return folder
