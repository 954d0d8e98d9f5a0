"""Labels that an expert gives, and the targets that they become."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_artkd.data.augment import Mixup, Rotations
from keras_artkd.data.pipeline import training_dataset
from keras_artkd.data.store import NO_LABEL, ImageStore
from keras_artkd.measure.metrics import softmax
from keras_artkd.runs.label_table import read_labels
from keras_artkd.runs.pseudo_labels import (
    NothingToLearn,
    label_images,
    learn_from,
)
from tests.runs.paintings import CLASSES, centres, store, write_corrected

LABELLED = store(6, seed=1, labels=np.arange(6) % 4)


def batches(images, **options):
    dataset = training_dataset(images, 8, 4, 0, epochs=1, **options)
    return [(x.numpy(), y.numpy()) for x, y in dataset]


def test_the_expert_sees_the_centres(noise_expert, noise_labels):
    expected = noise_expert.predict(centres(store(12)), verbose=0)
    np.testing.assert_allclose(noise_labels.logits, expected, rtol=1e-5)
    np.testing.assert_array_equal(noise_labels.labels, expected.argmax(1))
    np.testing.assert_allclose(
        noise_labels.confidence, softmax(expected).max(1), rtol=1e-5
    )
    assert noise_labels.used.all() and not noise_labels.corrected.any()


def test_an_expert_of_another_size_sees_them_resized():
    inputs = keras.Input((6, 6, 3))
    outputs = keras.layers.Dense(4)(keras.layers.Flatten()(inputs))
    labels = label_images(keras.Model(inputs, outputs), store(12), 8)
    assert labels.logits.shape == (12, 4)


def test_threshold(noise_expert, noise_labels):
    # Between two confidences, so that rounding does not decide.
    confidence = np.sort(noise_labels.confidence)
    threshold = float(confidence[4:6].mean())
    some = label_images(noise_expert, store(12), 8, threshold)
    assert some.used.sum() == 7
    np.testing.assert_array_equal(some.used, some.confidence >= threshold)
    with pytest.raises(NothingToLearn, match="of 12 confidences is 0"):
        label_images(noise_expert, store(12), 8, threshold=1.0)


def test_measures(noise_labels):
    truth = noise_labels.labels.copy()
    truth[:3] = (truth[:3] + 1) % 4
    truth[3:5] = NO_LABEL
    some = dataclasses.replace(noise_labels, used=np.arange(12) > 0)
    assert some.measure(truth) == {
        "images": 12,
        "used": 11,
        "strange": 0,
        "corrected": 0,
        "confidence": pytest.approx(noise_labels.confidence[1:].mean()),
        "known": 9,
        "right": 7,
    }
    assert noise_labels.measure()["known"] == 0


@pytest.mark.parametrize(
    "kind", ["pseudo_hard", "pseudo_soft", "equation", "mixed", "unlabelled"]
)
def test_what_is_learned(kind, noise_expert, noise_labels, tmp_path):
    (changed, *_), _ = write_corrected(tmp_path / "p.csv", noise_labels)
    labels = read_labels(tmp_path / "p.csv", noise_labels, CLASSES)
    result = learn_from(noise_expert, LABELLED, store(12), labels, 8, kind)
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
    p = softmax(noise_expert.predict(seen, verbose=0))
    has_label = np.array([True] * 6 + [index == changed for index in taken])
    expected = {
        "pseudo_hard": (own, own),
        "pseudo_soft": (own, p),
        "equation": (own + p, p),
        "mixed": (0.5 * own + 0.5 * p, p),
        "unlabelled": (own, 0 * p),
    }[kind]
    if kind == "unlabelled":
        # A corrected image is a labelled one from then on.
        np.testing.assert_array_equal(result.has_label, has_label)
    else:
        assert result.has_label.all()
    np.testing.assert_allclose(
        result.targets,
        np.where(has_label[:, None], *expected),
        rtol=1e-4,
        atol=1e-6,
    )
    assert result.targets.dtype == "float32"


def test_labelled_images_alone(noise_expert):
    result = learn_from(
        noise_expert, LABELLED, None, None, 8, "equation", weight=2
    )
    assert len(result) == 6
    np.testing.assert_allclose(result.targets.sum(1), 3, rtol=1e-6)


@pytest.mark.parametrize("views", ["one", "two", "class_pairs", "rotations"])
def test_batches_have_the_targets(views, noise_expert, noise_labels):
    """Instead of the labels, and of the same images."""
    plain = dataclasses.replace(
        learn_from(noise_expert, LABELLED, store(12), noise_labels, 8),
        targets=None,
    )
    targets = np.arange(18 * 4, dtype="float32").reshape(18, 4)
    taught = dataclasses.replace(plain, targets=targets)
    marked = dataclasses.replace(plain, labels=np.arange(18, dtype="int32"))
    learned, without = batches(taught, views=views), batches(plain, views=views)
    for (images, values), (same, _) in zip(learned, without, strict=True):
        assert values.shape == (4, 4)
        np.testing.assert_array_equal(images, same)
    if views != "class_pairs":  # It goes by the classes itself.
        rows = [labels for _, labels in batches(marked, views=views)]
        for (_, values), row in zip(learned, rows, strict=True):
            np.testing.assert_array_equal(values, targets[row])


def test_mixup_and_rotations_of_targets(noise_expert, noise_labels):
    taught = learn_from(
        noise_expert, LABELLED, store(12), noise_labels, 8, "equation"
    )
    (_, mixed), *_ = batches(taught, augmentations=[Mixup(4)])
    (_, plain), *_ = batches(taught)
    assert mixed.shape == (4, 4)
    assert not np.allclose(mixed, plain)
    np.testing.assert_allclose(mixed.sum(), plain.sum(), rtol=1e-5)
    (images, turned), *_ = batches(taught, augmentations=[Rotations()])
    assert images.shape[0] == 16 and turned.shape == (16, 16)
    upright = turned.reshape(4, 4, 4, 4).sum(axis=(1, 3))
    np.testing.assert_allclose(upright, 4 * plain, rtol=1e-5)


def test_parts_of_a_store_keep_their_targets(noise_expert, noise_labels):
    taught = learn_from(noise_expert, LABELLED, store(12), noise_labels, 8)
    part = taught.take([7, 2])
    np.testing.assert_array_equal(part.targets, taught.targets[[7, 2]])
    joined = ImageStore.concatenate([part, taught])
    assert joined.targets.shape == (20, 4)
    np.testing.assert_array_equal(joined.image(1), taught.image(2))
    np.testing.assert_array_equal(joined.image(9), taught.image(7))
    assert ImageStore.concatenate([part, LABELLED]).targets is None
