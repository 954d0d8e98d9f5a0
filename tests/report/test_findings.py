"""The page of what is wrong in a folder: it shows, and it runs nothing."""

import base64
import io
import os
import re
import sys

import pytest
from PIL import Image

from keras_artkd.report import findings
from keras_artkd.report.findings import write_findings
from tests.doctor.pictures import paint, save
from tests.report.pages import Page

HOSTILE = "<img src=x onerror=alert(1)>.png"


def write(folder, *sections, summary="3 images"):
    path = folder.parent / "page.html"
    write_findings(path, folder, summary, sections)
    text = path.read_text(encoding="utf-8")
    return Page(text), text


def section(*items, headline="Look at these two", is_note=False):
    return {"headline": headline, "is_note": is_note, "items": list(items)}


def item(*names, words="0.97 similar", **facts):
    files = [
        {"file": name, "class": name.split("/")[0], **facts} for name in names
    ]
    return {"words": words, "files": files}


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "images"
    for seed, name in enumerate(("a/one.png", "b/two.jpg", "b/three.png")):
        save(paint(seed, (600, 400)), root / name)
    return root


def shown(image):
    """The picture of a tag."""
    head, _, content = image["src"].partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_both_pictures_of_a_pair(folder):
    facts = {"width": 600, "height": 400, "bytes": 5200, "mirrored": True}
    page, text = write(folder, section(item("a/one.png", "b/two.jpg", **facts)))
    images = page.all("img")
    assert [image["alt"] for image in images] == ["a/one.png", "b/two.jpg"]
    for seed, image in enumerate(images):
        small = shown(image)
        assert small.size == (240, 160)
        middle = paint(seed, (600, 400)).getpixel((300, 200))
        near = small.convert("RGB").getpixel((120, 80))
        off = [abs(a - b) for a, b in zip(middle, near, strict=True)]
        assert max(off) < 12
    assert "Look at these two (1)" in page.text
    assert "0.97 similar" in page.text and "3 images" in page.text
    assert "600 × 400, 5 kB" in page.text and ", mirrored" in page.text
    # Offline, and whatever a name holds: no script, nothing fetched.
    assert not page.all("script") and not page.all("link")
    assert not re.search(r"https?://", text)
    assert "default-src 'none'" in text and "prefers-color-scheme: dark" in text


@pytest.mark.skipif(sys.platform == "win32", reason="names have no < there")
def test_names_are_text_and_keep_their_direction(folder):
    names = [HOSTILE, "gnp.\u202eexe.png", 'a"b.png', "{{ 7 * 7 }}.png"]
    for name in names:
        save(paint(5), folder / "a" / name)
    keys = [f"a/{name}" for name in names]
    page, text = write(
        folder,
        section(item(*keys, words="<b>bold</b>"), headline="<i>odd</i>"),
        summary="<u>three</u>",
    )
    images = page.all("img")
    assert len(images) == 4 and not any("onerror" in i for i in images)
    assert not page.all("b") and not page.all("i") and not page.all("u")
    assert images[0]["alt"] == f"a/{HOSTILE}"
    assert "\u202e" not in text and r"gnp.\u202eexe.png" in page.text
    assert images[2]["alt"] == 'a/a"b.png'
    assert "{{ 7 * 7 }}.png" in page.text


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux")
def test_a_name_that_is_not_utf8(folder):
    odd = os.fsdecode(b"a/andr\xe9.png")
    (folder / "a/one.png").rename(folder / odd)
    page, _ = write(folder, section(item(odd)))
    assert page.all("img")[0]["alt"] == r'"a/andr\udce9.png"'


def test_what_shows_no_picture_is_named(folder):
    (folder / "a" / "cut.jpg").write_bytes(b"\xff\xd8\xffx")
    (folder / "a" / "notes.txt").write_text("x")
    bare = {"words": "empty file", "files": [{"file": "a/notes.txt"}]}
    words = {"words": "Baroque: 2 usable", "files": []}
    page, _ = write(
        folder, section(item("a/cut.jpg", "a/gone.png"), bare, words)
    )
    assert page.all("img") == [] and page.text.count("no picture") == 3
    for name in ("a/cut.jpg", "a/gone.png", "a/notes.txt", "Baroque: 2 usable"):
        assert name in page.text


def test_a_page_stays_small(folder, monkeypatch):
    monkeypatch.setattr(findings, "_MOST_ITEMS", 2)
    monkeypatch.setattr(findings, "_MOST_NOTES", 1)
    monkeypatch.setattr(findings, "_MOST_FILES", 2)
    three = item("a/one.png", "b/two.jpg", "b/three.png")
    page, _ = write(
        folder, section(*[three] * 5), section(*[three] * 5, is_note=True)
    )
    assert len(page.all("img")) == 2 * 2 + 2
    assert "3 more, --json has all" in page.text
    assert "4 more, --json has all" in page.text
    assert page.text.count("1 more of these files") == 3
    assert "Note: Look at these two (5)" in page.text


def test_nothing_found(folder):
    page, _ = write(folder)
    assert "Nothing was found." in page.text
    noted, _ = write(folder, section(item("a/one.png"), is_note=True))
    assert "Nothing was found." in noted.text and len(noted.all("img")) == 1


def test_a_page_never_replaces_a_folder(folder):
    with pytest.raises(ValueError, match="Fix: another path"):
        write_findings(folder, folder, "", [])
    assert len(list(folder.iterdir())) == 2
