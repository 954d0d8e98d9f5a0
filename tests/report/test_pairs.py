"""Pairs of classes that somebody names, with their confused images."""

import numpy as np
import pytest
from PIL import Image

from keras_artkd.report import write_report
from keras_artkd.report.pairs import draw_pairs, find_pairs
from keras_artkd.report.run import read_run
from tests.report.pages import read_page
from tests.report.runs import HOSTILE_NAMES, write_run

NAMES = ["05_Baroque", "Post_Impressionism", "06_Rococo", "Rococo"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of four classes that are often confused."""
    path = tmp_path_factory.mktemp("pairs") / "run"
    return write_run(path, names=NAMES, images=120, epochs=2, skill=0.1)


@pytest.fixture
def run(folder):
    return read_run(folder)


def test_images_of_both_ways_the_surest_first(run):
    arrays = np.load(run.path / "predictions.npz")
    labels, logits = arrays["labels"], arrays["student"].astype("float64")
    sure = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).max(1)
    ((there, back),) = find_pairs(run, [("05_Baroque", "06_Rococo")])
    for taken, true, predicted in ((there, 0, 2), (back, 2, 0)):
        assert (taken.true, taken.predicted) == (NAMES[true], NAMES[predicted])
        confused = (labels == true) & (logits.argmax(1) == predicted)
        assert taken.of == (labels == true).sum()
        assert taken.count == confused.sum() > 0
        assert {*taken.kept} == {*np.flatnonzero(confused)} & {*run.gallery}
        assert len(taken.kept) >= min(6, taken.count)
        assert (np.diff(sure[taken.kept]) <= 0).all()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("05_Baroque", "05_Baroque"),
        ("baroque", "05_Baroque"),
        ("05 BAROQUE", "05_Baroque"),
        ("post impressionism", "Post_Impressionism"),
        # There is a class of exactly that name, in spite of the other.
        ("Rococo", "Rococo"),
        ("rococo", "Rococo"),
        ("06 rococo", "06_Rococo"),
    ],
)
def test_names_as_people_write_them(run, given, name):
    other = "05_Baroque" if name != "05_Baroque" else "Rococo"
    ((taken, _),) = find_pairs(run, [(given, other)])
    assert taken.true == name


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (("barok", "Rococo"), "'barok'. Perhaps you meant 05_Baroque. Fix: "),
        (("Rococo", "zzz"), "'zzz'. Fix: give one of 05_Baroque, Post_Imp"),
        (("baroque", "05_Baroque"), "must be of two classes"),
    ],
)
def test_no_such_pair(folder, pair, message):
    before = sorted(folder.iterdir())
    with pytest.raises(ValueError, match=message):
        write_report(folder, pairs=[pair])
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("name", ["predictions.npz", "gallery"])
def test_a_run_that_kept_too_little(tmp_path, name):
    run = write_run(tmp_path / "run", 2, images=12, without=(name,))
    names = read_run(run).class_names
    with pytest.raises(ValueError, match=f"which kept no {name}. Fix: "):
        write_report(run, pairs=[names])
    # Without a pair it has its report.
    assert write_report(run).is_file()


def test_the_page_and_the_figure_say_how_many(tmp_path):
    folder = write_run(
        tmp_path / "run", names=NAMES[:3], images=150, epochs=2, skill=0.1
    )
    ((there, back),) = find_pairs(
        read_run(folder), [("05_Baroque", "06_Rococo")]
    )
    for row in there.kept[1:]:
        (folder / "gallery" / f"{row}.jpg").unlink()
    page = read_page(write_report(folder, pairs=[("baroque", "rococo")]))
    assert there.count > 1
    ways = f"05 Baroque taken for 06 Rococo: {there.count} of {there.of} 1 of"
    assert ways in page.text
    assert f"06 Rococo taken for 05 Baroque: {back.count} of" in page.text
    assert "pairs" in [
        attributes.get("id") for attributes in page.all("section")
    ]
    with Image.open(folder / "figures" / "pair-1.png") as image:
        assert image.width > 600
    run = read_run(folder)
    (drawing,) = draw_pairs(
        run, find_pairs(run, [("05_Baroque", "06_Rococo")])
    ).values()
    titles = [text.get_text() for text in drawing.figure.texts]
    assert (
        f"05 Baroque, taken for 06 Rococo: {there.count} of {there.of} "
        "images, 1 shown" in titles
    )


def test_what_was_never_confused_is_said(tmp_path):
    folder = write_run(
        tmp_path / "run", names=HOSTILE_NAMES, images=60, epochs=2, skill=9.0
    )
    pair = (HOSTILE_NAMES[0], HOSTILE_NAMES[6])
    page = read_page(write_report(folder, pairs=[pair]))
    of = int((np.load(folder / "predictions.npz")["labels"] == 0).sum())
    assert f"{pair[0]} taken for {pair[1]}: 0 of {of} " in page.text
    assert (folder / "figures" / "pair-1.png").is_file()
