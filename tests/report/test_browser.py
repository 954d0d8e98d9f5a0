"""Reports in a real browser: everything loads, nothing overflows."""

import pytest

from keras_artkd.report import write_comparison, write_report
from tests.browser import launched
from tests.report.pages import render
from tests.report.runs import HOSTILE_NAMES, write_run

# Texts that stick out of an element around them which neither scrolls nor
# shortens them with an ellipsis; SVG text by the drawing's own frame.
OVERFLOWING = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const svg = node.parentElement.closest("svg");
    for (const box of range.getClientRects()) {
      if (!box.width || !box.height) continue;
      const out = frame => box.left < frame.left - 1.5
        || box.right > frame.right + 1.5
        || (svg && (box.top < frame.top - 1.5
                    || box.bottom > frame.bottom + 1.5));
      if (svg) {
        if (out(svg.getBoundingClientRect())) found.push(node.data);
        continue;
      }
      for (let e = node.parentElement; e; e = e.parentElement) {
        const style = getComputedStyle(e);
        if (style.display === "inline") continue;
        if (style.textOverflow === "ellipsis") break;
        if (["auto", "scroll"].includes(style.overflowX)) break;
        if (out(e.getBoundingClientRect())) {
          found.push(`${e.tagName}.${e.className}: ${node.data}`);
          break;
        }
      }
    }
  }
  return found;
}"""
# Every text's contrast with the plain colour behind it, the lowest.
LOWEST_CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {
    willReadFrequently: true});
  const rgb = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  // A cell of a matrix, or another shape that is drawn below a number.
  const shape = e => {
    const box = e.getBoundingClientRect();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    return [...e.closest("svg").querySelectorAll("path")].reverse().find(p => {
      const b = p.getBoundingClientRect();
      return getComputedStyle(p).fill !== "none"
        && b.left < x && x < b.right && b.top < y && y < b.bottom;
    });
  };
  const behind = e => {
    const cell = e.closest("svg") && shape(e);
    if (cell) return rgb(getComputedStyle(cell).fill);
    const layers = [];
    for (; e; e = e.parentElement) {
      layers.unshift(rgb(getComputedStyle(e).backgroundColor));
    }
    return layers.reduce((under, [r, g, b, a]) =>
      [r, g, b].map((c, i) => (c * a + under[i] * (255 - a)) / 255));
  };
  let lowest = [99, ""];
  for (const e of document.querySelectorAll("body *:not(style)")) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) {
      continue;
    }
    const style = getComputedStyle(e);
    const colour = e.closest("svg") ? style.fill : style.color;
    const pair = [light(rgb(colour)), light(behind(e))].sort((a, b) => a - b);
    const contrast = (pair[1] + 0.05) / (pair[0] + 0.05);
    if (contrast < lowest[0]) lowest = [contrast, e.outerHTML.slice(0, 200)];
  }
  return lowest;
}"""


@pytest.fixture(scope="module")
def pages(browser, tmp_path_factory):
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
