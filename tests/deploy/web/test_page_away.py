"""The page elsewhere: without its files, with a runtime from a URL."""

import shutil

import pytest

from keras_artkd.deploy.web import litert_js
from keras_artkd.deploy.web.page import MODEL, write_own_files
from tests.deploy.web.conftest import serving
from tests.deploy.web.pictures import picture, upload


@pytest.fixture
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


def error_of(page):
    page.locator("#errors p").wait_for()
    return page.locator("#errors p").text_content()


def test_keeps_nothing_on_loopback(page, page_folder):
    """There other pages have the same address at other times."""
    with serving(page_folder) as address:
        page.goto(address)
        page.locator("#status", has_text="Ready").wait_for()
        assert page.evaluate("caches.keys()") == []
        workers = "navigator.serviceWorker.getRegistrations()"
        assert page.evaluate(workers) == []


def test_says_that_files_are_missing(page, model_page):
    """Without the runtime."""
    with serving(model_page) as address:
        page.goto(address)
        assert error_of(page).startswith("The network cannot be loaded: ")
        # And pictures do no harm.
        page.set_input_files("#files", [upload("a.png", picture(0))])
        assert page.locator(".answer").count() == 0


def test_says_that_the_model_is_missing(page, page_folder, tmp_path):
    folder = shutil.copytree(page_folder, tmp_path / "web")
    (folder / MODEL).unlink()
    with serving(folder) as address:
        page.goto(address)
        assert error_of(page) == (
            f"The network cannot be loaded: {MODEL} is not there."
        )


def test_says_that_it_needs_a_server(page, page_folder):
    page.goto((page_folder / "index.html").as_uri())
    page.locator("#unserved", has_text="artkd serve").wait_for()


@pytest.fixture
def linked(model_page, tmp_path):
    """A page that loads its runtime from a URL."""
    folder = shutil.copytree(model_page, tmp_path / "web")
    write_own_files(folder, has_runtime=False)
    return folder


def answer_for(page, runtime, spoilt=""):
    """Answers for the address of the runtime, from its folder."""

    def handle(route):
        name = route.request.url.removeprefix(litert_js.URL)
        content = (runtime / name).read_bytes()
        ending = name.rsplit(".", 1)[1]
        route.fulfill(
            body=content + b" " * (name == spoilt),
            content_type={"js": "text/javascript", "wasm": "application/wasm"}[
                ending
            ],
            headers={"Access-Control-Allow-Origin": "*"},
        )

    page.route(f"{litert_js.URL}**", handle)


def test_a_runtime_from_a_url(page, linked, runtime):
    answer_for(page, runtime)
    with serving(linked) as address:
        page.goto(address)
        page.locator("#status", has_text="Ready").wait_for()
        page.set_input_files("#files", [upload("a.png", picture(0))])
        page.locator(".answer").wait_for()
        assert "needs the network" in page.locator("#runtime").text_content()


@pytest.mark.parametrize(
    "name",
    [
        litert_js.LIBRARY,
        "wasm/litert_wasm_internal.js",
        "wasm/litert_wasm_internal.wasm",
    ],
)
def test_a_runtime_that_is_another(page, linked, runtime, name):
    """No byte of it runs: browsers compare the digests."""
    answer_for(page, runtime, spoilt=name)
    with serving(linked) as address:
        page.goto(address)
        assert error_of(page).startswith("The network cannot be loaded: ")
