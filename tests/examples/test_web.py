"""The sample for a web page, in a real browser."""

import pathlib
import shutil

import pytest

from tests.browser import ORIGIN, launched, serve
from tests.examples.test_python import check_answers

SAMPLE = pathlib.Path(__file__).parents[2] / "examples" / "web"
# The package that its package.json names, and what a page loads of it.
PACKAGE = "@mediapipe/tasks-vision@1.1.0"
FILES = {
    "vision_bundle.mjs": "",
    "vision_wasm_internal.js": "wasm",
    "vision_wasm_internal.wasm": "wasm",
}


@pytest.fixture
def site(npm_files, model, tmp_path):
    """The sample with the model and what `npm install` puts there."""
    site = shutil.copytree(SAMPLE, tmp_path / "site")
    shutil.copy(model, site)
    name, _, version = PACKAGE.rpartition("@")
    assert f'"{name}": "{version}"' in (site / "package.json").read_text()
    members = [str(pathlib.PurePosixPath(d, f)) for f, d in FILES.items()]
    unpacked = npm_files(PACKAGE, *members)
    for file, folder in FILES.items():
        target = site / "node_modules" / name / folder
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(unpacked / file, target)
    return site


def test_answers_as_predict_does(site, model, pictures):
    errors, requests = [], []
    with launched() as browser:
        page = browser.new_page()
        serve(page, {"site": site})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"{ORIGIN}/site/index.html")
        page.wait_for_selector("#files:enabled", timeout=120_000)
        page.set_input_files("#files", [str(path) for path in pictures])
        page.wait_for_selector(f"#answers[data-done='{len(pictures)}']")
        text = page.evaluate(
            "[...document.querySelectorAll('#answers > *')]"
            ".map(e => (e.tagName === 'DD' ? '  ' : '') + e.textContent)"
            ".join('\\n')"
        )
    assert not errors
    # Nothing leaves the machine, and no name becomes a part of the page.
    own = (f"{ORIGIN}/site/", "blob:", "data:")
    assert [url for url in requests if not url.startswith(own)] == []
    check_answers(text, model, pictures, points=1)
    assert "<b>bold</b>" in text
