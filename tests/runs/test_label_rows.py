"""A table is written again as a person left it, with a few cells changed."""

import csv

import pytest

from keras_artkd.runs.label_rows import Entry, LabelRows

CLASSES = ["red", "=green", "blue"]
IMAGES = ["a.jpg", "b, c.jpg", "'d.jpg"]
TABLE = (
    "image,label,expert,confidence,used\n"
    "a.jpg,red,red,0.5,yes\n"
    '"b, c.jpg",\'=green,red,0.6,YES \n'
    "\n"
    "''d.jpg,,blue,0.7,no\n"
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_what_lines_say(path):
    entries = [*LabelRows(path).entries(IMAGES, CLASSES)]
    assert entries == [
        Entry(0, "a.jpg", True, 0, 0, ""),
        Entry(1, "b, c.jpg", True, 1, 0, ""),
        Entry(2, "'d.jpg", False, None, 2, ""),
    ]
    assert [entry.is_by_person() for entry in entries] == [False, True, False]


def test_whose_word_a_label_is():
    def said(expert_here=None, **changes):
        values = {"used": True, "label": 1, "expert": None, "checked": ""}
        return Entry(0, "x", **values | changes).is_by_person(expert_here)

    assert not said()
    assert not said(1) and said(0)
    # The line's own expert counts.
    assert said(1, expert=0) and not said(0, expert=1)
    assert said(checked="yes") and not said(checked="later")
    # A class of an image that is left out is nobody's word.
    assert not said(0, used=False) and said(used=False, checked="yes")


def test_only_what_is_put_changes(path):
    rows = LabelRows(path)
    rows.put(1, "label", "=green")
    rows.put(2, "used", "yes")
    rows.write(path)
    before = list(csv.reader(TABLE.splitlines()))
    before = [cells for cells in before if cells]
    before[3][4] = "yes"
    assert rows_of(path) == before
    assert rows.get(2, "image") == "'d.jpg" and rows.get(0, "remark") is None


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_persons_own_columns_stay(delimiter, path):
    own = [
        ["remark", "image", "used", "label"],
        ["why, so?", "a.jpg", "yes", "red"],
        ["", "b, c.jpg", "yes", "blue", "beyond the header"],
    ]
    with open(path, "w", encoding="utf-16", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(own)
    rows = LabelRows(path)
    rows.put(1, "label", "=green")
    rows.put(0, "checked", "yes")
    rows.write(path)
    own[0].append("checked")
    own[1].append("yes")
    own[2][3:] = ["'=green", "", "beyond the header"]
    assert rows_of(path) == own
    *_, last = LabelRows(path).entries(IMAGES, CLASSES)
    assert last == Entry(1, "b, c.jpg", True, 1, None, "")


def test_changes_by_others_are_seen(path, tmp_path):
    rows = LabelRows(path)
    assert not rows.has_changed()
    rows.put(0, "label", "blue")
    rows.write(path)
    assert not rows.has_changed()
    # As large as before, and as old, as far as anybody can tell.
    path.write_bytes(path.read_bytes().replace(b"a.jpg,blue", b"a.jpg,redd"))
    assert rows.has_changed()
    rows.write(tmp_path / "other.csv")
    assert not rows.has_changed() and rows.path == tmp_path / "other.csv"
    rows.path.unlink()
    assert rows.has_changed()
