"""Reports in a real browser: everything loads, nothing overflows."""

import pytest

from keras_artkd.report import write_comparison, write_report
from tests.browser import launched
from tests.page_checks import LOWEST_CONTRAST, OVERFLOWING
from tests.report.pages import render
from tests.report.runs import HOSTILE_NAMES, write_run


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    two = write_run(
        folder / "two",
        2,
        images=30,
        epochs=1,
        logged={"skdsam_spread": [0.0]},
    )
    many = write_run(folder / "many", 125, images=600)
    odd = write_run(folder / "odd", names=HOSTILE_NAMES)
    other = write_run(folder / "other", names=HOSTILE_NAMES, seed=1)
    spread = [1e-8 * 1.1**epoch for epoch in range(30)]
    eighteen = write_run(
        folder / "eighteen", 18, logged={"skdsam_spread": spread}
    )
    medium = write_run(folder / "medium", 27)
    pages = {
        "comparison": write_comparison(
            [odd, other, two], folder / "comparison.html"
        )
    }
    for run in (two, eighteen, medium, many, odd):
        pages[run.name] = run / "report.html"
        pages[run.name].write_text(render(run), encoding="utf-8")
    # With pairs, of names that are no friends of a layout.
    write_report(odd, pages["odd"], [HOSTILE_NAMES[2:4], HOSTILE_NAMES[4:6]])
    return pages


@pytest.fixture(scope="module")
def browser():
    with launched() as browser:
        yield browser


@pytest.fixture
def opened(browser, pages):
    """Opens a page; whatever goes wrong in it fails the test."""
    contexts, troubles = [], []

    def open_page(name, width, scheme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.on("requestfailed", lambda r: troubles.append(r.url[:200]))
        page.on("console", lambda m: troubles.append(m.text))
        page.on("pageerror", lambda e: troubles.append(str(e)))
        page.on("dialog", lambda d: troubles.append(d.message))
        page.on(
            "request",
            lambda r: (
                r.url.startswith(("file:", "data:"))
                or troubles.append(r.url[:200])
            ),
        )
        page.goto(pages[name].as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


NAMES = ["two", "eighteen", "medium", "many", "odd", "comparison"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_overflows(opened, name, width):
    page = opened(name, width)
    page.evaluate(
        "document.querySelectorAll('details').forEach(d => d.open = 1)"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OVERFLOWING) == []
    broken = "[...document.images].filter(i => !i.naturalWidth).length"
    assert page.evaluate(broken) == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(opened, name, scheme):
    page = opened(name, 1280, scheme)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground[4:-1].split(","))) < 128) == (scheme == "dark")
    contrast, element = page.evaluate(LOWEST_CONTRAST)
    assert contrast >= 4.5, element


@pytest.mark.parametrize("name", NAMES)
def test_prints_light_and_within_the_paper(opened, name):
    # A4 less its margins, in CSS pixels.
    page = opened(name, 680, "dark")
    page.emulate_media(media="print")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(254, 254, 254)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    assert page.evaluate(OVERFLOWING) == []
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_the_check_itself_finds_overflow(browser):
    page = browser.new_page()
    page.set_content(
        "<p style='width: 50px'>Wordlongerthanthat</p>"
        "<svg width=50 height=20><text x=30 y=15>Long words</text></svg>"
        "<p style='width: 50px; overflow: auto'>Wordlongerthanthat</p>"
    )
    assert page.evaluate(OVERFLOWING) == [
        "P.: Wordlongerthanthat",
        "Long words",
    ]
    page.set_content("<p style='color: #ccc; background: #fff'>faint</p>")
    assert page.evaluate(LOWEST_CONTRAST)[0] < 2
    page.close()
