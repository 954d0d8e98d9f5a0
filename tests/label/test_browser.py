"""The page in a real browser: by keys, by touch, and whatever names say."""

import pytest

from keras_artkd.report.text import display_name
from tests.browser import launched
from tests.label.runs import CLASSES, NAMES, table, write_label_run
from tests.label.test_server import serving
from tests.page_checks import LOWEST_CONTRAST, OVERFLOWING

# All but the one that no browser shows.
GOOD = tuple(name for name in NAMES if name != "broken.jpg")


@pytest.fixture(scope="module")
def browser():
    with launched() as browser:
        yield browser


@pytest.fixture
def troubles():
    """What must not happen; it fails the test."""
    seen = []
    yield seen
    assert seen == []


@pytest.fixture
def start(browser, troubles, tmp_path):
    """Opens the page of a new run; returns it, the run and the server."""
    with_run = []

    def open_page(width=1280, names=GOOD, classes=CLASSES, **settings):
        folder, _ = write_label_run(tmp_path, classes, names)
        serve = serving(folder)
        client = serve.__enter__()
        context = browser.new_context(
            viewport={"width": width, "height": 800}, **settings
        )
        with_run.append((context, serve))
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda m: troubles.append(m.text))
        page.on("pageerror", lambda e: troubles.append(str(e)))
        page.on("dialog", lambda d: troubles.append(d.message))
        page.on(
            "request",
            lambda r: (
                r.url.startswith((client.server.url, "data:"))
                or troubles.append(r.url)
            ),
        )
        page.goto(client.server.url)
        page.wait_for_selector("#picture:not(.waiting)")
        return page, folder, client

    yield open_page
    for context, serve in with_run:
        context.close()
        serve.__exit__(None, None, None)


def progress(page, text):
    """Waits until the page says how many are labelled, and skipped."""
    labelled, *skipped = text.split(", ")
    words = ", ".join([f"{labelled} labelled", *skipped])
    page.locator("#progress-text").get_by_text(words, exact=True).wait_for()


def checked(folder):
    return [row["checked"] for row in table(folder.pseudo_labels)]


def test_by_keys_alone(start):
    page, folder, client = start()
    before = table(folder.pseudo_labels)
    second = client.state()["picture"]["guesses"][1]["class"]
    page.keyboard.press("2")
    progress(page, "1 of 5")
    assert table(folder.pseudo_labels)[0]["label"] == CLASSES[second]
    page.keyboard.press("0")
    progress(page, "2 of 5")
    assert table(folder.pseudo_labels)[1]["used"] == "no"
    page.keyboard.press(" ")
    progress(page, "2 of 5, 1 skipped")
    # A class that is no guess, by a part of its name.
    guesses = client.state()["picture"]["guesses"]
    other = ({*range(12)} - {guess["class"] for guess in guesses}).pop()
    page.keyboard.press("/")
    page.keyboard.type(display_name(CLASSES[other])[1:])
    page.keyboard.press("Enter")
    progress(page, "3 of 5, 1 skipped")
    assert table(folder.pseudo_labels)[3]["label"] == CLASSES[other]
    page.keyboard.press("u")
    progress(page, "2 of 5, 1 skipped")
    page.keyboard.press("Control+z")
    progress(page, "2 of 5")
    page.keyboard.press("Control+z")
    progress(page, "1 of 5")
    assert table(folder.pseudo_labels)[1:] == before[1:]
    # Again from where one was.
    page.reload()
    progress(page, "1 of 5")
    for count in range(1, 5):
        page.keyboard.press("ArrowRight")
        progress(page, f"1 of 5, {count} skipped")
    page.get_by_role("heading", name="You have seen every picture").wait_for()
    page.get_by_role("button", name="Look at the skipped ones again").click()
    page.get_by_text("What is it?").wait_for()
    assert checked(folder) == ["yes", *["later"] * 4]


def test_the_space_bar_presses_no_button_that_was_clicked(start):
    page, folder, _ = start()
    page.locator("#guesses button").first.click()
    progress(page, "1 of 5")
    assert page.evaluate("document.activeElement.id") == "question"
    page.keyboard.press(" ")
    progress(page, "1 of 5, 1 skipped")
    assert checked(folder) == ["yes", "later", "", "", ""]


def test_single_keys_can_be_turned_off(start):
    page, folder, _ = start()
    page.get_by_label("Single keys answer at once").uncheck()
    page.keyboard.press("1")
    page.keyboard.press("0")
    page.wait_for_timeout(300)
    assert checked(folder) == [""] * 5
    # With Tab and Enter everything is there.
    page.locator("#guesses button").nth(2).focus()
    page.keyboard.press("Enter")
    progress(page, "1 of 5")


def test_by_touch(start):
    page, folder, _ = start(360, has_touch=True, is_mobile=True)
    buttons = page.locator("#guesses button, .actions button")
    for box in (b.bounding_box() for b in buttons.all() if b.is_visible()):
        assert box["height"] >= 44
    page.locator("#guesses button").first.tap()
    progress(page, "1 of 5")
    page.get_by_role("button", name="Undo").first.tap()
    progress(page, "0 of 5")
    assert checked(folder) == [""] * 5


def test_names_are_text(start):
    """Of classes and of files, whatever they look like."""
    page, folder, client = start()
    for count in range(1, 6):
        picture = client.state()["picture"]
        page.locator("#name", has_text=picture["name"]).wait_for()
        shown = page.locator("#guesses .class").all_inner_texts()
        assert shown == [
            display_name(CLASSES[g["class"]]) for g in picture["guesses"]
        ]
        assert page.locator("b, #name *, .class *").count() == 0
        page.keyboard.press("1")
        progress(page, f"{count} of 5")
    assert checked(folder) == ["yes"] * 5


def test_a_picture_that_is_gone(start, troubles):
    page, folder, _ = start()
    for path in (folder.path.parents[1] / "others").rglob("*.*"):
        path.unlink()
    # The browser has the first two.
    for count in (1, 2):
        page.keyboard.press("1")
        progress(page, f"{count} of 5")
    page.get_by_text("cannot be shown any more").wait_for()
    page.keyboard.press("1")
    progress(page, "3 of 5")
    # The browser says so, too, as often as it asks for one ahead.
    assert troubles and all("404" in text for text in troubles)
    page.goto("about:blank")
    troubles.clear()


def test_the_file_has_changed(start, troubles):
    page, folder, _ = start()
    page.keyboard.press("1")
    progress(page, "1 of 5")
    path = folder.pseudo_labels
    text = path.read_text("utf-8") + "\n"
    path.write_text(text, "utf-8")
    page.keyboard.press("1")
    page.get_by_role("alert").get_by_text("Another program has").wait_for()
    assert path.read_text("utf-8") == text
    page.get_by_role("button", name="Go on with the file").click()
    page.get_by_text("The file was read again.").wait_for()
    page.keyboard.press("1")
    progress(page, "2 of 5")
    assert troubles.pop().endswith("409 (Conflict)")


def test_finish_says_how_to_go_on(start):
    page, _, client = start()
    page.get_by_role("button", name="Finish").click()
    page.get_by_role("heading", name="Finished").wait_for()
    assert client.server.then in page.locator("pre").inner_text()
    assert not page.locator("#asking").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_is_readable(start, width, scheme):
    page, *_ = start(width, color_scheme=scheme)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground[4:-1].split(","))) < 128) == (scheme == "dark")
    page.evaluate("document.querySelector('details').open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OVERFLOWING) == []
    contrast, element = page.evaluate(LOWEST_CONTRAST)
    assert contrast >= 4.5, element
