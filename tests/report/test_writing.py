"""Files that `write_report` writes: one page, and its figures."""

import re
import subprocess
import sys

import pytest
from PIL import Image

from keras_artkd.report import write_report
from tests.report.runs import write_run


def test_nothing_is_fetched(seventeen):
    path, page = seventeen
    for image in page.all("img"):
        assert image["src"].startswith("data:image/jpeg;base64,")
    assert not page.all("script") and not page.all("link")
    source = (path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://(?!www\.w3\.org/)", source)


def test_ids_are_unique_and_references_hold(seventeen):
    path, page = seventeen
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len({*ids})
    source = (path / "report.html").read_text(encoding="utf-8")
    used = re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", source)
    assert {a or b for a, b in used} <= {*ids}


def test_figures_are_png_files(seventeen):
    path, _ = seventeen
    names = {file.stem for file in (path / "figures").iterdir()}
    assert names >= {
        "training-accuracy",
        "training-loss",
        "training-awgram",
        "confusion",
        "classes",
        "calibration",
        "mistakes",
        "attention",
    }
    for file in (path / "figures").iterdir():
        with Image.open(file) as image:
            assert image.format == "PNG" and min(image.size) > 300


def test_another_place_changes_only_the_words_about_it(tmp_path):
    run = write_run(tmp_path / "run", 2, images=12, epochs=2)
    elsewhere = write_report(run, tmp_path / "new" / "page.html")
    assert elsewhere == tmp_path / "new" / "page.html"
    assert not (run / "report.html").exists()
    figures = {f.name: f.read_bytes() for f in (run / "figures").iterdir()}
    assert "confusion.png" in figures
    page = elsewhere.read_text(encoding="utf-8")
    there = "PNG files in the folder figures/ of that run."
    assert there in page
    # The same files give the same bytes, every time.
    again = write_report(run).read_text(encoding="utf-8")
    assert again == page.replace(there, "PNG files beside it, in figures/.")
    assert figures == {
        f.name: f.read_bytes() for f in (run / "figures").iterdir()
    }


@pytest.mark.parametrize("place", ["figures", "figures/page.html"])
def test_no_page_among_the_figures(tmp_path, place):
    run = write_run(tmp_path / "run", 2, images=12)
    with pytest.raises(ValueError, match="Fix: "):
        write_report(run, run / place)
    assert not (run / "figures").exists()


def test_a_file_in_place_of_the_figures_is_kept(tmp_path):
    run = write_run(tmp_path / "run", 2, images=12)
    (run / "figures").write_text("mine")
    with pytest.raises(ValueError, match="Fix: move it away"):
        write_report(run)
    assert (run / "figures").read_text() == "mine"
    assert not (run / "report.html").exists()


def test_needs_neither_keras_nor_tensorflow(tmp_path):
    run = write_run(tmp_path / "run", 2, images=12)
    code = (
        f"import sys, keras_artkd.report as r; r.write_report({str(run)!r}); "
        "print([m for m in ('keras', 'tensorflow', 'jax', 'torch') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""
