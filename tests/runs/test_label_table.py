"""The table of pseudo-labels: written, corrected by a person, read."""

import csv
import dataclasses

import numpy as np
import pytest

from keras_artkd.runs.label_order import labelling_order
from keras_artkd.runs.label_rows import COLUMNS
from keras_artkd.runs.label_table import read_labels, write_labels
from keras_artkd.runs.pseudo_labels import NothingToLearn, learn_from
from tests.runs.paintings import CLASSES, store, write_corrected
from tests.tables import read_table, write_table


@pytest.fixture
def path(tmp_path):
    return tmp_path / "p.csv"


def test_round_trip(noise_labels, path):
    used = noise_labels.confidence > np.median(noise_labels.confidence)
    labels = dataclasses.replace(noise_labels, used=used)
    write_labels(path, labels, CLASSES)
    rows = read_table(path)
    assert tuple(rows[0]) == COLUMNS
    assert {row["image"] for row in rows} == set(labels.keys.tolist())
    order = labelling_order(labels.probabilities, labels.corrected)
    keys = [row["image"] for row in rows]
    assert keys == labels.keys[order].tolist()
    assert {row["checked"] for row in rows} == {""}
    again = read_labels(path, labels, CLASSES)
    np.testing.assert_array_equal(again.labels, labels.labels)
    np.testing.assert_array_equal(again.used, labels.used)
    assert again.fingerprint() == labels.fingerprint()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_table_as_a_spreadsheet_saves_it(
    encoding, delimiter, noise_labels, path
):
    write_labels(path, noise_labels, CLASSES)
    rows = [*csv.reader(path.read_text("utf-8").splitlines())]
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    again = read_labels(path, noise_labels, CLASSES)
    assert again.fingerprint() == noise_labels.fingerprint()


def test_no_spreadsheet_runs_a_name(noise_labels, path):
    keys = [f"=HYPERLINK({i}).jpg" for i in range(12)]
    named = dataclasses.replace(noise_labels, keys=np.array(keys))
    classes = ["+one", "-two", "@three", "'four"]
    write_labels(path, named, classes)
    for row in read_table(path):
        for column in ("image", "label", "expert"):
            assert row[column].startswith("'")
    again = read_labels(path, named, classes)
    assert again.fingerprint() == named.fingerprint()


def test_corrections_are_obeyed(noise_labels, path):
    (changed, unused, missing), other = write_corrected(path, noise_labels)
    result = read_labels(path, noise_labels, CLASSES)
    assert result.labels[changed] == other
    assert result.corrected.tolist() == [i == changed for i in range(12)]
    assert not result.used[unused] and not result.used[missing]
    assert result.used.sum() == 10
    assert result.fingerprint() != noise_labels.fingerprint()
    # Where the threshold says no, a person may say yes.
    unsure = dataclasses.replace(noise_labels, used=np.zeros(12, bool))
    again = read_labels(path, unsure, CLASSES)
    assert again.fingerprint() == result.fingerprint()


def test_what_a_person_has_confirmed(noise_labels, path):
    """The expert's class is then a label; and written again it stays one."""
    write_labels(path, noise_labels, CLASSES)
    rows = read_table(path)
    confirmed, left_out, later = (row["image"] for row in rows[:3])
    rows[0]["checked"] = " Yes"
    rows[1] |= {"checked": "yes", "used": "no"}
    rows[2]["checked"] = "later"
    write_table(path, rows)
    result = read_labels(path, noise_labels, CLASSES)
    keys = result.keys.tolist()
    said = [keys.index(key) for key in (confirmed, left_out)]
    np.testing.assert_array_equal(
        np.flatnonzero(result.corrected), sorted(said)
    )
    np.testing.assert_array_equal(result.labels, noise_labels.labels)
    assert np.flatnonzero(~result.used).tolist() == [keys.index(left_out)]
    assert result.measure()["corrected"] == 1
    assert result.fingerprint() != noise_labels.fingerprint()
    write_labels(path, result, CLASSES)
    assert [row["checked"] for row in read_table(path)][-2:] == ["yes", "yes"]
    again = read_labels(path, noise_labels, CLASSES)
    assert again.fingerprint() == result.fingerprint()
    np.testing.assert_array_equal(again.corrected, result.corrected)


def test_a_table_of_another_expert(noise_expert, noise_labels, path):
    """Its mistakes are no corrections; a person's are."""
    (changed, unused, missing), _ = write_corrected(path, noise_labels)
    other = dataclasses.replace(noise_labels, logits=-noise_labels.logits)
    result = read_labels(path, other, CLASSES)
    assert result.corrected.tolist() == [i == changed for i in range(12)]
    rest = [i for i in range(12) if i not in (changed, missing, unused)]
    assert (result.labels == noise_labels.labels)[rest].all()
    assert (result.labels != other.logits.argmax(1))[rest].all()
    # A run that learns from it resumes with the table that it wrote.
    write_labels(path, result, CLASSES)
    again = read_labels(path, other, CLASSES)
    assert again.fingerprint() == result.fingerprint()
    # Hard targets are the table's.
    labelled = store(6, seed=1, labels=np.arange(6) % 4)
    hard = learn_from(
        noise_expert, labelled, store(12), result, 8, "pseudo_hard"
    )
    np.testing.assert_array_equal(hard.targets.argmax(1), hard.labels)


@pytest.mark.parametrize(("delimiter", "mark"), [(";", "\ufeff"), ("\t", "")])
def test_as_spreadsheets_save_it(delimiter, mark, noise_labels, path):
    write_labels(path, noise_labels, CLASSES)
    rows = [{**row, "remark": "a;b,c"} for row in read_table(path)]
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(mark)
        writer = csv.DictWriter(file, rows[0], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    result = read_labels(path, noise_labels, CLASSES)
    assert result.fingerprint() == noise_labels.fingerprint()


HEADER = "image,label,confidence,used\n"
FIRST = '"0/painting, 0.jpg",Art Nouveau,0.5,yes\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: no column image and no column label"),
        ("image,label\n", "line 1: no column used.*image,label,expert"),
        (HEADER + FIRST + "x.jpg,浮世絵,1,yes\n", "line 3: 'x.jpg' is none"),
        (HEADER + FIRST + FIRST, "line 3: .*is in line 2 already"),
        (
            HEADER + FIRST.replace("Nouveau", "Nuveau"),
            "line 2: there is no class 'Art Nuveau'. Fix: perhaps Art Nouveau",
        ),
        (HEADER + FIRST.replace("yes", "maybe"), "line 2: `used` is 'maybe'"),
        (
            HEADER.replace("confidence", "checked") + FIRST,
            "line 2: `checked` is '0.5'. Fix: yes, or nothing",
        ),
        (
            HEADER + FIRST.replace("Art Nouveau", " "),
            "line 2: there is no class. Fix: a class, or no in `used`",
        ),
        (HEADER + '"0/painting, 0.jpg"\n', "line 2: it has fewer columns"),
        (HEADER + '"0/painting', "unexpected end of data"),
    ],
)
def test_bad_tables(content, message, noise_labels, path):
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as caught:
        read_labels(path, noise_labels, CLASSES)
    assert "p.csv" in str(caught.value)


def test_files_that_are_no_tables(noise_labels, path):
    path.write_bytes(HEADER.encode() + "é".encode("latin-1"))
    with pytest.raises(ValueError, match="UTF-8.*save it as CSV, UTF-8"):
        read_labels(path, noise_labels, CLASSES)
    with pytest.raises(OSError):
        read_labels(path.with_name("nowhere.csv"), noise_labels, CLASSES)


def test_a_table_that_uses_no_image(noise_labels, path):
    # A class of an image that is not used does not matter.
    path.write_text(HEADER + FIRST.replace("Art Nouveau,0.5,yes", ",,no"))
    with pytest.raises(NothingToLearn, match="1 images and none used"):
        read_labels(path, noise_labels, CLASSES)
