"""Labels that an expert gives: their table, corrections, and targets."""

import csv
import dataclasses

import keras
import numpy as np
import pytest

from keras_artkd.augment import Mixup, Rotations
from keras_artkd.data import training_dataset
from keras_artkd.evaluate import softmax
from keras_artkd.image_store import NO_LABEL, ImageStore
from keras_artkd.pseudo_labels import (
    NothingToLearn,
    label_images,
    learn_from,
    read_labels,
    write_labels,
)
from tests.tables import read_table, write_table

CLASSES = ["Art Nouveau", "Cubism, late", 'The "Fauves"', "浮世絵"]


def store(count, seed=0, labels=None):
    """Images of noise, wider than high."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 8, 10, 3), dtype="uint8")
    if labels is None:
        labels = np.full(count, NO_LABEL)
    keys = [f"{seed}/painting, {i}.jpg" for i in range(count)]
    return ImageStore.from_array(images, labels, keys)


@pytest.fixture(scope="module")
def expert():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(4, 3, strides=2)(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(inputs, keras.layers.Dense(4)(x))


def centres(images):
    return np.stack(
        [images.image(i)[:, 1:9].astype("float32") for i in range(len(images))]
    )


@pytest.fixture
def labels(expert):
    return label_images(expert, store(12), 8)


def test_the_expert_sees_the_centres(expert, labels):
    expected = expert.predict(centres(store(12)), verbose=0)
    np.testing.assert_allclose(labels.logits, expected, rtol=1e-5)
    np.testing.assert_array_equal(labels.labels, expected.argmax(1))
    np.testing.assert_allclose(
        labels.confidence, softmax(expected).max(1), rtol=1e-5
    )
    assert labels.used.all() and not labels.corrected.any()


def test_an_expert_of_another_size_sees_them_resized(labels):
    inputs = keras.Input((6, 6, 3))
    outputs = keras.layers.Dense(4)(keras.layers.Flatten()(inputs))
    small = label_images(keras.Model(inputs, outputs), store(12), 8)
    assert small.logits.shape == (12, 4)


def test_threshold(expert, labels):
    sure = np.sort(labels.confidence)
    some = label_images(expert, store(12), 8, threshold=sure[5])
    assert some.used.sum() == 7
    np.testing.assert_array_equal(some.used, some.confidence >= sure[5])
    with pytest.raises(NothingToLearn, match=f"confidences is {sure[-1]:.4f}"):
        label_images(expert, store(12), 8, threshold=1.0)


def test_round_trip(labels, tmp_path):
    path = tmp_path / "pseudo_labels.csv"
    labels = dataclasses.replace(labels, used=labels.confidence > 0.3)
    write_labels(path, labels, CLASSES)
    rows = read_table(path)
    assert list(rows[0]) == [
        *("image", "label", "expert", "confidence", "used")
    ]
    assert {row["image"] for row in rows} == set(labels.keys.tolist())
    confidence = [float(row["confidence"]) for row in rows]
    assert confidence == sorted(confidence)
    again = read_labels(path, labels, CLASSES)
    np.testing.assert_array_equal(again.labels, labels.labels)
    np.testing.assert_array_equal(again.used, labels.used)
    assert again.fingerprint() == labels.fingerprint()


def corrected(labels, path):
    """The table with a class changed, one left out, one line removed."""
    write_labels(path, labels, CLASSES)
    rows = read_table(path)
    rows[0]["label"] = CLASSES[(CLASSES.index(rows[0]["label"]) + 1) % 4]
    rows[1]["used"] = " NO "
    write_table(path, [*rows[3:], *rows[:2]])
    position = {key: i for i, key in enumerate(labels.keys.tolist())}
    return [position[row["image"]] for row in rows[:3]], rows


def test_corrections_are_obeyed(labels, tmp_path):
    path = tmp_path / "p.csv"
    (changed, unused, missing), rows = corrected(labels, path)
    result = read_labels(path, labels, CLASSES)
    assert result.labels[changed] == CLASSES.index(rows[0]["label"])
    assert result.corrected.tolist() == [i == changed for i in range(12)]
    assert not result.used[unused] and not result.used[missing]
    assert result.used.sum() == 10
    assert result.fingerprint() != labels.fingerprint()
    # Where the threshold says no, a person may say yes.
    unsure = dataclasses.replace(labels, used=np.zeros(12, bool))
    again = read_labels(path, unsure, CLASSES)
    assert again.fingerprint() == result.fingerprint()


def test_a_table_of_another_expert(expert, labels, tmp_path):
    """Its mistakes are no corrections; a person's are."""
    path = tmp_path / "p.csv"
    (changed, unused, missing), rows = corrected(labels, path)
    of_another = dataclasses.replace(labels, logits=-labels.logits)
    result = read_labels(path, of_another, CLASSES)
    assert result.corrected.tolist() == [i == changed for i in range(12)]
    others = [i for i in range(12) if i not in (changed, missing, unused)]
    assert (result.labels == labels.labels)[others].all()
    assert (result.labels != of_another.logits.argmax(1))[others].all()
    hard = learn_from(
        expert, LABELLED, store(12), result, 8, kind="pseudo_hard"
    )
    np.testing.assert_array_equal(hard.targets.argmax(1), hard.labels)


@pytest.mark.parametrize(("delimiter", "mark"), [(";", "\ufeff"), ("\t", "")])
def test_as_spreadsheets_save_it(delimiter, mark, labels, tmp_path):
    path = tmp_path / "p.csv"
    write_labels(path, labels, CLASSES)
    rows = [{**row, "remark": "a;b,c"} for row in read_table(path)]
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(mark)
        writer = csv.DictWriter(file, rows[0], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    result = read_labels(path, labels, CLASSES)
    assert result.fingerprint() == labels.fingerprint()


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
            HEADER + FIRST.replace("Art Nouveau", " "),
            "line 2: there is no class. Fix: a class, or no in `used`",
        ),
        (HEADER + '"0/painting, 0.jpg"\n', "line 2: it has fewer columns"),
        (HEADER + '"0/painting', "unexpected end of data"),
    ],
)
def test_bad_tables(content, message, labels, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as caught:
        read_labels(path, labels, CLASSES)
    assert "p.csv" in str(caught.value)


def test_tables_that_are_none(labels, tmp_path):
    path = tmp_path / "p.csv"
    path.write_bytes(HEADER.encode() + "é".encode("latin-1"))
    with pytest.raises(ValueError, match="UTF-8.*save it as CSV, UTF-8"):
        read_labels(path, labels, CLASSES)
    with pytest.raises(OSError):
        read_labels(tmp_path / "nowhere.csv", labels, CLASSES)
    # A class of an image that is not used does not matter.
    path.write_text(HEADER + FIRST.replace("Art Nouveau,0.5,yes", ",,no"))
    with pytest.raises(NothingToLearn, match="1 images and none used"):
        read_labels(path, labels, CLASSES)


def test_measures(labels):
    truth = labels.labels.copy()
    truth[:3] = (truth[:3] + 1) % 4
    truth[3:5] = NO_LABEL
    used = np.arange(12) > 0
    some = dataclasses.replace(labels, used=used)
    assert some.measure(truth) == {
        "images": 12,
        "used": 11,
        "corrected": 0,
        "confidence": pytest.approx(labels.confidence[1:].mean()),
        "known": 9,
        "right": 7,
    }
    assert labels.measure()["known"] == 0


LABELLED = store(6, seed=1, labels=np.arange(6) % 4)


@pytest.mark.parametrize(
    "kind", ["pseudo_hard", "pseudo_soft", "equation", "mixed"]
)
def test_what_is_learned(kind, expert, labels, tmp_path):
    (changed, unused, missing), rows = corrected(labels, tmp_path / "p.csv")
    labels = read_labels(tmp_path / "p.csv", labels, CLASSES)
    result = learn_from(expert, LABELLED, store(12), labels, 8, kind)
    assert len(result) == 16
    keys = result.keys.tolist()
    assert keys[:6] == LABELLED.keys.tolist()
    taken = np.flatnonzero(labels.used)
    assert keys[6:] == labels.keys[taken].tolist()
    for row, index in zip(range(6, 16), taken, strict=True):
        np.testing.assert_array_equal(result.image(row), store(12).image(index))
    # Classes are there for what goes by classes.
    assert result.labels.tolist() == [
        *LABELLED.labels.tolist(),
        *labels.labels[taken].tolist(),
    ]
    own = np.eye(4)[result.labels]
    seen = np.concatenate([centres(LABELLED), centres(store(12))[taken]])
    p = softmax(expert.predict(seen, verbose=0))
    has_label = np.array([True] * 6 + [index == changed for index in taken])
    expected = {
        "pseudo_hard": (own, own),
        "pseudo_soft": (own, p),
        "equation": (own + p, p),
        "mixed": (0.5 * own + 0.5 * p, p),
    }[kind]
    np.testing.assert_allclose(
        result.targets,
        np.where(has_label[:, None], *expected),
        rtol=1e-4,
        atol=1e-6,
    )
    assert result.targets.dtype == "float32"


def test_labelled_images_alone(expert):
    result = learn_from(expert, LABELLED, None, None, 8, "equation", weight=2)
    assert len(result) == 6
    np.testing.assert_allclose(result.targets.sum(1), 3, rtol=1e-6)


def batches(images, **options):
    dataset = training_dataset(images, 8, 4, 0, epochs=1, **options)
    return [(x.numpy(), y.numpy()) for x, y in dataset]


@pytest.mark.parametrize("views", ["one", "two", "class_pairs", "rotations"])
def test_batches_have_the_targets(views, expert, labels):
    """Instead of the labels, and of the same images."""
    plain = dataclasses.replace(
        learn_from(expert, LABELLED, store(12), labels, 8), targets=None
    )
    targets = np.arange(18 * 4, dtype="float32").reshape(18, 4)
    taught = dataclasses.replace(plain, targets=targets)
    marked = dataclasses.replace(plain, labels=np.arange(18, dtype="int32"))
    if views == "class_pairs":  # Goes by the classes itself.
        marked = None
    for number, (images, learned) in enumerate(batches(taught, views=views)):
        assert learned.shape == (4, 4)
        np.testing.assert_array_equal(
            images, batches(plain, views=views)[number][0]
        )
        if marked is not None:
            rows = batches(marked, views=views)[number][1]
            np.testing.assert_array_equal(learned, targets[rows])


def test_mixup_and_rotations_of_targets(expert, labels):
    taught = learn_from(expert, LABELLED, store(12), labels, 8, "equation")
    (_, mixed), *_ = batches(taught, augmentations=[Mixup(4)])
    (_, plain), *_ = batches(taught)
    assert mixed.shape == (4, 4)
    assert not np.allclose(mixed, plain)
    np.testing.assert_allclose(mixed.sum(), plain.sum(), rtol=1e-5)
    (images, turned), *_ = batches(taught, augmentations=[Rotations()])
    assert images.shape[0] == 16 and turned.shape == (16, 16)
    upright = turned.reshape(4, 4, 4, 4).sum(axis=(1, 3))
    np.testing.assert_allclose(upright, 4 * plain, rtol=1e-5)


def test_parts_of_a_store_keep_their_targets(expert, labels):
    taught = learn_from(expert, LABELLED, store(12), labels, 8)
    part = taught.take([7, 2])
    np.testing.assert_array_equal(part.targets, taught.targets[[7, 2]])
    joined = ImageStore.concatenate([part, taught])
    assert joined.targets.shape == (20, 4)
    np.testing.assert_array_equal(joined.image(1), taught.image(2))
    np.testing.assert_array_equal(joined.image(9), taught.image(7))
    assert ImageStore.concatenate([part, LABELLED]).targets is None
