"""What a person says is in the table at once, and nothing else changes."""

import csv
import json
import shutil

import numpy as np
import pytest

from keras_artkd.label.session import (
    NONE,
    SKIP,
    OutOfStep,
    Session,
    TableChanged,
    find_tables,
)
from keras_artkd.measure.metrics import softmax
from keras_artkd.run_folder import METRICS, RunFolder
from tests.label.runs import CLASSES, NAMES, table, write_label_run


@pytest.fixture
def run(tmp_path):
    return write_label_run(tmp_path)


@pytest.fixture
def folder(run):
    return run[0]


@pytest.fixture
def order(run):
    """Keys in the order of the table."""
    return run[1]


def asked(session):
    """The key of the picture that is asked about; None after the last."""
    picture = session.state()["picture"]
    return picture and session.images[picture["number"]]


def answer(session, choice):
    return session.answer(session.state()["picture"]["number"], choice)


def test_the_first_question(folder, order):
    session = Session(folder)
    state = session.state()
    assert (state["total"], state["done"], state["later"]) == (6, 0, 0)
    assert asked(session) == order[0]
    assert session.images[state["next"]] == order[1]
    assert state["picture"]["name"] == order[0].rpartition("/")[2]
    assert not state["can_undo"]
    arrays = np.load(folder.expert_answers)
    row = arrays["keys"].tolist().index(order[0])
    shares = softmax(arrays["logits"])[row]
    guesses = state["picture"]["guesses"]
    assert len(guesses) == 9
    assert [g["share"] for g in guesses] == sorted(shares)[:2:-1]
    assert [g["class"] for g in guesses] == np.argsort(-shares)[:9].tolist()
    json.dumps(state)


def test_answers_are_in_the_table_at_once(folder, order):
    before = table(folder.pseudo_labels)
    session = Session(folder)
    guesses = session.state()["picture"]["guesses"]
    # The expert was right; then wrong; then the picture is none.
    answer(session, guesses[0]["class"])
    answer(session, 8)
    state = answer(session, NONE)
    assert (state["done"], state["later"]) == (3, 0)
    rows = table(folder.pseudo_labels)
    assert [row["checked"] for row in rows] == ["yes"] * 3 + [""] * 3
    assert [row["used"] for row in rows] == ["yes", "yes", "no"] + ["yes"] * 3
    labels = [row["label"] for row in before]
    labels[1] = "=Impressionism"
    assert [row["label"] for row in rows] == labels
    for column in ("image", "expert", "confidence"):
        assert [row[column] for row in rows] == [r[column] for r in before]
    assert asked(session) == order[3]


def test_it_goes_on_where_one_left_with_what_was_skipped_last(folder, order):
    session = Session(folder)
    answer(session, SKIP)
    answer(session, 3)
    assert asked(session) == order[2]
    again = Session(folder)
    state = again.state()
    assert (state["done"], state["later"]) == (1, 1)
    seen = []
    while asked(again):
        seen.append(asked(again))
        answer(again, SKIP)
    assert seen == [*order[2:], order[0]]
    # Nothing is asked until they are wanted again.
    assert again.state()["picture"] is None and again.state()["later"] == 5
    again.again()
    assert asked(again) == order[0]


def write_rows(path, rows):
    """As a spreadsheet would."""
    cells = [[*rows[0]], *([*row.values()] for row in rows)]
    with open(path, "w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL).writerows(cells)


def test_what_was_corrected_by_hand_is_done(folder, order):
    rows = table(folder.pseudo_labels)
    rows[0]["label"] = next(n for n in CLASSES if n != rows[0]["expert"])
    write_rows(folder.pseudo_labels, rows)
    session = Session(folder)
    assert session.state()["done"] == 1 and asked(session) == order[1]


def test_undo(folder, order):
    original = table(folder.pseudo_labels)
    session = Session(folder)
    for choice in (5, NONE, SKIP):
        answer(session, choice)
    for count in (2, 1, 0):
        state = session.undo()
        assert asked(session) == order[count]
        assert state["can_undo"] == (count > 0)
    assert table(folder.pseudo_labels) == original
    assert session.undo()["done"] == 0


def test_a_second_window_cannot_answer_twice(folder):
    session = Session(folder)
    first = session.state()["picture"]["number"]
    session.answer(first, 1)
    written = folder.pseudo_labels.read_bytes()
    with pytest.raises(OutOfStep):
        session.answer(first, 2)
    assert folder.pseudo_labels.read_bytes() == written


@pytest.mark.parametrize("choice", [-1, 12, 1.0, True, "Baroque", None, [1]])
def test_choices_that_are_none(choice, folder):
    session = Session(folder)
    written = folder.pseudo_labels.read_bytes()
    with pytest.raises(ValueError, match="number of a class, none or skip"):
        answer(session, choice)
    assert folder.pseudo_labels.read_bytes() == written


def test_another_program_is_not_written_over(folder, order):
    session = Session(folder)
    answer(session, 1)
    rows = table(folder.pseudo_labels)
    rows[3]["label"], rows[3]["remark"] = "Dada", "sure"
    for row in rows:
        row.setdefault("remark", "")
    write_rows(folder.pseudo_labels, rows)
    written = folder.pseudo_labels.read_bytes()
    for change in (lambda: answer(session, 2), session.undo, session.again):
        with pytest.raises(TableChanged, match="pseudo_labels.csv since"):
            change()
        assert folder.pseudo_labels.read_bytes() == written
    state = session.reload()
    assert (state["restored"], state["lost"]) == (0, 0)
    assert state["done"] == 2 and not state["can_undo"]
    assert asked(session) == order[1]
    answer(session, 2)
    rows[1] |= {"label": CLASSES[2], "checked": "yes"}
    assert table(folder.pseudo_labels) == rows


def test_answers_that_another_program_undid_are_put_back(folder, order):
    """But not where it says something of its own."""
    original = table(folder.pseudo_labels)
    session = Session(folder)
    expert = CLASSES.index(original[0]["expert"])
    answer(session, (expert + 1) % 12)
    answer(session, NONE)
    answer(session, 4)
    # A spreadsheet that was opened before saves what it had, and a correction;
    # a line was removed.
    original[1]["used"] = "yes"
    original[2]["label"] = "Kitsch"
    own = original[2]
    kept = [original[1], own, *original[3:]]
    write_rows(folder.pseudo_labels, kept)
    state = session.reload()
    assert (state["restored"], state["lost"]) == (1, 2)
    rows = table(folder.pseudo_labels)
    assert rows[0]["used"] == "no" and rows[0]["checked"] == "yes"
    assert rows[1] == own
    assert len(rows) == 5 and state["done"] == 2


def test_a_run_that_has_learned_keeps_its_table(folder, order):
    folder.write(METRICS, {})
    learned = folder.pseudo_labels.read_bytes()
    assert find_tables(folder) == (
        folder.pseudo_labels,
        folder.corrected_labels,
    )
    session = Session(folder)
    assert not folder.corrected_labels.exists()
    answer(session, 3)
    session.undo()
    answer(session, 4)
    assert folder.pseudo_labels.read_bytes() == learned
    assert table(folder.corrected_labels)[0]["label"] == "Early_Renaissance"
    assert asked(Session(folder)) == order[1]


def test_a_copy_that_came_in_between_is_not_written_over(folder):
    folder.write(METRICS, {})
    session = Session(folder)
    folder.corrected_labels.write_text("mine", "utf-8")
    with pytest.raises(TableChanged):
        answer(session, 3)
    assert folder.corrected_labels.read_text("utf-8") == "mine"


def test_a_file_that_cannot_be_written_changes_nothing(folder, monkeypatch):
    session = Session(folder)
    state = session.state()

    def fail(path, text):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("keras_artkd.runs.label_rows.write_text", fail)
        with pytest.raises(OSError, match="No space"):
            answer(session, 3)
        assert session.state() == state
    assert answer(session, 3)["done"] == 1
    assert [row["checked"] for row in table(folder.pseudo_labels)] == [
        "yes",
        *[""] * 5,
    ]


def test_without_the_experts_answers_its_class_is_the_first_guess(folder):
    folder.expert_answers.unlink()
    expert = table(folder.pseudo_labels)[0]["expert"]
    guesses = Session(folder).state()["picture"]["guesses"]
    assert CLASSES[guesses[0]["class"]] == expert
    assert len({guess["class"] for guess in guesses}) == 9
    assert {guess["share"] for guess in guesses} == {None}


def test_few_classes_are_all_guesses(tmp_path):
    folder, _ = write_label_run(tmp_path, ("a", "b", "c"), NAMES[:1])
    state = Session(folder).state()
    assert sorted(g["class"] for g in state["picture"]["guesses"]) == [0, 1, 2]
    assert state["next"] is None


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: shutil.rmtree(f.path), "must be that of a run.*data.json"),
        (
            lambda f: f.pseudo_labels.unlink(),
            "table of pseudo.*--labels",
        ),
        (lambda f: f.write("data.json", {}), "not what this version writes"),
        (
            lambda f: f.write("data.json", {**f.data, "load": {"name": 3}}),
            "not what this version writes.*name is a int",
        ),
        (lambda f: f.pseudo_labels.write_text("x"), "line 1: no column image"),
        (lambda f: f.expert_answers.write_bytes(b"x"), "damaged.*remove it"),
        (
            lambda f: f.write_arrays(
                f.expert_answers, keys=np.array(["a"]), logits=np.ones((1, 2))
            ),
            "keys and logits of the run's classes",
        ),
    ],
)
def test_folders_that_cannot_be_labelled(spoil, message, folder):
    spoil(folder)
    with pytest.raises(ValueError, match=message):
        Session(RunFolder(folder.path))
