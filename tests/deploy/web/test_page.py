"""The page at work, with LiteRT.js, in Chromium."""

import base64

import numpy as np
import pytest

from keras_artkd.deploy.predict import Classifier
from keras_artkd.deploy.web.page import MODEL
from tests.deploy.web.conftest import NAMES, serving
from tests.deploy.web.pictures import ANSWER, picture, upload
from tests.page_checks import LOWEST_CONTRAST, OVERFLOWING

PASTE = """(coded) => {
  const bytes = Uint8Array.from(atob(coded), (c) => c.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], "pasted.png", { type: "image/png" }));
  for (const [Kind, field, name] of [
    [ClipboardEvent, "clipboardData", "paste"],
    [DragEvent, "dataTransfer", "drop"],
  ]) {
    document.dispatchEvent(new Kind(name, { [field]: data, bubbles: true }));
  }
}"""
# What LiteRT.js says where there is no GPU.
_NO_GPU = ("No available adapters", "Failed to create default WebGPU device")


@pytest.fixture
def opened(browser, page_folder):
    """Opens the page; whatever goes wrong in it fails the test."""
    contexts, troubles = [], []
    with serving(page_folder) as address:

        def open_page(width=1280, scheme="light", query="?device=wasm"):
            context = browser.new_context(
                viewport={"width": width, "height": 800}, color_scheme=scheme
            )
            contexts.append(context)
            page = context.new_page()
            page.on("requestfailed", lambda r: troubles.append(r.url))
            page.on(
                "console",
                lambda m: m.text.startswith(_NO_GPU) or troubles.append(m.text),
            )
            page.on("pageerror", lambda e: troubles.append(str(e)))
            page.on("dialog", lambda d: troubles.append(d.message))
            page.on(
                "request",
                lambda r: (
                    r.url.startswith((address, "blob:", "data:"))
                    or troubles.append(r.url)
                ),
            )
            page.goto(address + query)
            page.locator("#status", has_text="Ready").wait_for()
            return page

        yield open_page
        for context in contexts:
            context.close()
    assert troubles == []


@pytest.mark.parametrize("query", ["", "?device=wasm"])
def test_answers_as_predict_does(opened, page_folder, query):
    page = opened(query=query)
    classifier = Classifier(page_folder / MODEL)
    for seed in range(5):
        content = picture(seed, (70 + 7 * seed, 50 + 9 * seed))
        device, found = page.evaluate(
            ANSWER, base64.b64encode(content).decode()
        )
        assert device == "wasm"
        (expected,) = classifier.probabilities(classifier.read(content)[None])
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert np.argmax(found) == expected.argmax() == seed % 3


def test_a_browser_without_relaxed_simd(browser, page_folder):
    """Such as Safari: it has a runtime of its own."""
    page = browser.new_page()
    loaded = []
    page.on("request", lambda r: loaded.append(r.url.rsplit("/", 1)[1]))
    page.add_init_script(
        """const instantiate = WebAssembly.instantiate;
        WebAssembly.instantiate = (code, ...rest) => code.byteLength < 100
          ? Promise.reject(new Error("unknown instruction"))
          : instantiate(code, ...rest);"""
    )
    content = picture(1)
    with serving(page_folder) as address:
        page.goto(address)
        coded = base64.b64encode(content).decode()
        _, found = page.evaluate(ANSWER, coded)
    page.close()
    assert "litert_wasm_compat_internal.wasm" in loaded
    assert "litert_wasm_internal.wasm" not in loaded
    classifier = Classifier(page_folder / MODEL)
    (expected,) = classifier.probabilities(classifier.read(content)[None])
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_names_are_text_and_the_newest_come_first(opened):
    page = opened()
    page.set_input_files(
        "#files",
        [upload("<i>a.png", picture(0)), upload("b.png", picture(2))]
        + [upload("notes.txt", b"no picture")],
    )
    page.locator("#status", has_text="2 of 3 pictures answered.").wait_for()
    error = page.locator("#errors p")
    assert error.text_content() == (
        "notes.txt is no picture that this browser can read."
    )
    assert page.locator("h3").all_text_contents() == ["<i>a.png", "b.png"]
    first = page.locator(".answer").first
    assert first.locator(".name").all_text_contents()[0] == NAMES[0]
    shares = [
        float(share.removesuffix("%"))
        for share in first.locator(".share").all_text_contents()
    ]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=0.2)
    assert first.locator(".time").text_content().endswith(" ms")
    assert page.locator(".answers b, .answer h3 i").count() == 0

    page.evaluate(PASTE, base64.b64encode(picture(1)).decode())
    page.locator("h3", has_text="pasted.png").nth(1).wait_for()
    assert page.locator("h3").all_text_contents() == [
        *["pasted.png"] * 2,
        *["<i>a.png", "b.png"],
    ]
    # A sentence of the last is spoken, and no old error stays.
    said = page.locator("#status").text_content()
    assert said.startswith(f"pasted.png: {NAMES[1]} ")
    assert error.count() == 0
    page.evaluate(
        "document.dispatchEvent(new ClipboardEvent('paste',"
        "{ clipboardData: new DataTransfer() }))"
    )
    assert error.all_text_contents() == ["The clipboard holds no picture."]


def test_by_keyboard(opened):
    page = opened()
    page.set_input_files("#files", [upload("a.png", picture(0))])
    page.locator(".answer").wait_for()
    focused = "document.activeElement"
    page.keyboard.press("Tab")
    assert page.evaluate(f"{focused}.id") == "files"
    outline = page.locator(".button.main").evaluate(
        "e => getComputedStyle(e).outlineStyle"
    )
    assert outline == "solid"
    for expected in ("camera", "clear", "look", "remove"):
        page.keyboard.press("Tab")
        assert expected in page.evaluate(f"{focused}.id || {focused}.className")
    page.keyboard.press("Enter")
    assert page.locator(".answer").count() == 0
    assert page.evaluate(f"{focused}.id") == "files"


def test_what_it_looks_at(opened):
    """The network of the tests looks at the top left quarter alone."""
    page = opened()
    page.set_input_files("#files", [upload("a.png", picture(1))])
    look = page.locator(".look")
    look.click()
    words = page.locator(".looked", has_text="mean colour")
    words.wait_for()
    assert f"“{NAMES[1]}” loses by it: most at the top left" in " ".join(
        words.text_content().split()
    )
    shades = page.locator(".heat").evaluate(
        "e => [...e.getContext('2d').getImageData(0, 0, 8, 8).data]"
    )
    shades = np.reshape(shades, (8, 8, 4))[..., 3]
    assert shades[:4, :4].mean() < shades[4:, 4:].min()
    assert look.get_attribute("aria-pressed") == "true"
    look.click()
    assert look.get_attribute("aria-pressed") == "false"
    assert words.count() == 0


def test_the_camera(opened):
    page = opened()
    page.locator("#camera").click()
    page.locator("#take").click()
    page.locator("h3", has_text="camera 1").wait_for()
    page.locator("#close").click()
    assert page.locator("#viewfinder").is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_looks(opened, width, scheme):
    page = opened(width, scheme)
    page.set_input_files(
        "#files", [upload("a" * 90 + ".png", picture(0)), upload("b", b"x")]
    )
    page.locator("#errors p").wait_for()
    page.locator(".look").click()
    page.locator(".looked", has_text="mean colour").wait_for()
    page.locator("summary").click()
    page.locator("#camera").click()
    page.locator("#take").wait_for()
    assert page.locator("#card").text_content() == "# A card\n"
    assert NAMES[2] in page.locator("#facts").text_content()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OVERFLOWING) == []
    contrast, element = page.evaluate(LOWEST_CONTRAST)
    assert contrast >= 4.5, element


def test_the_policy_forbids_the_rest(browser, page_folder):
    """Nothing is sent anywhere, and no text becomes code."""
    page = browser.new_page()
    with serving(page_folder) as address:
        page.goto(address)
        violated = page.evaluate(
            """async () => {
              const violated = [];
              document.addEventListener("securitypolicyviolation",
                (event) => violated.push(event.violatedDirective));
              await fetch("https://example.org/").catch(() => {});
              new Image().src = "https://example.org/a.png";
              const script = document.createElement("script");
              script.textContent = "globalThis.ran = true";
              const style = document.createElement("style");
              document.head.append(script, style);
              setTimeout("globalThis.ran = true");
              await new Promise((resolve) => setTimeout(resolve, 200));
              return [...violated.sort(), globalThis.ran];
            }"""
        )
    page.close()
    assert violated == [
        *["connect-src", "img-src", "script-src", "script-src-elem"],
        *["style-src-elem", None],
    ]
