"""What may ruin a run is told by the run."""

import dataclasses

import numpy as np

from keras_artkd.datasets import Collection, Skipped
from keras_artkd.runs.data_notes import data_notes
from tests.runs.paintings import store

NAMES = ["Baroque", "Rococo", "rococo", "Cubism"]


def collection(train, validation, test, skipped=()):
    stores = {
        name: store(len(labels), labels=np.array(labels))
        for name, labels in {
            "train": train,
            "validation": validation,
            "test": test,
        }.items()
    }
    groups = {name: list(each.keys) for name, each in stores.items()}
    return Collection(
        "folder", NAMES, **stores, skipped=[*skipped], groups=groups
    )


def test_nothing_to_say():
    names = ["Baroque", "Rococo", "Naive", "Cubism"]
    whole = collection([0, 0, 1, 1, 2, 2, 3, 3], range(4), range(4))
    whole = dataclasses.replace(whole, class_names=names)
    assert [*data_notes(whole)] == []


def test_classes_that_miss_a_split_and_single_images():
    data = collection([0, 0, 1, 2, 2], [0, 2, 3], [0, 1, 2, 3])
    notes = [*data_notes(data)]
    assert "'Rococo' of 6 characters, 'rococo' of 6" in notes[0]
    assert notes[1:] == [
        "no image to learn from of Cubism",
        "no image to choose the epoch by of Rococo",
        "a single image to learn from of Rococo",
    ]


def test_files_that_are_not_read_are_counted_by_kind():
    skipped = [Skipped(f"a/{i}.heic", "x") for i in range(3)]
    skipped += [Skipped("a/x.nef", "x"), Skipped("a/notes.txt", "x")]
    data = collection([0, 0, 1, 1], range(2), range(2), skipped)
    notes = [note for note in data_notes(data) if "left out" in note]
    assert [note.partition(",")[0] for note in notes] == [
        "3 files left out",
        "1 file left out",
    ]
    assert "pip install pillow-heif" in notes[0] and "convert it" in notes[1]
