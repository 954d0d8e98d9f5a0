"""The parts of a batch that several processes read."""

import numpy as np
import pytest
import tensorflow as tf

from keras_artkd.data.augment import Mixup, Rotations
from keras_artkd.data.pipeline import evaluation_dataset, training_dataset
from keras_artkd.data.recorded import RecordedViews
from keras_artkd.data.shares import Share
from tests.data.test_pipeline import make_store, make_stream

SHARES = [Share(0, 2, 4), Share(1, 2, 4)]


def joined(make, **options):
    """The batches of all processes, as their devices have them together."""
    parts = zip(*(make(share=s, **options) for s in SHARES), strict=True)
    return [
        tf.nest.map_structure(lambda *x: np.concatenate(x), *part)
        for part in parts
    ]


def assert_rows(filled, whole):
    """Whole batches, with rows behind them that fill them up."""
    for full, batch in zip(filled, whole, strict=True):
        for values, expected in zip(
            tf.nest.flatten(full), tf.nest.flatten(batch), strict=True
        ):
            assert len(values) % 4 == 0
            np.testing.assert_array_equal(values[: len(expected)], expected)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"views": "two"},
        {"views": "class_pairs"},
        {"views": "rotations"},
        {"crop_and_mirror": False},
        {"augmentations": [Mixup(5), Rotations()]},
    ],
)
@pytest.mark.parametrize("batch_size", [8, 5, 2])
def test_together_they_are_the_batch(options, batch_size):
    store = make_store()

    def make(share=None, **options):
        return training_dataset(
            store, 16, batch_size, 0, 2, share=share, **options
        )

    assert_rows(joined(make, **options), list(make(**options)))


def test_of_a_stream(tmp_path):
    stream = make_stream(tmp_path)

    def make(share=None):
        return training_dataset(stream, 16, 5, 0, 1, share=share)

    assert_rows(joined(make), list(make()))


def test_of_recorded_views():
    store = make_store()
    views = RecordedViews.of(store, 16, 3, 0)
    answers = np.random.default_rng(0).normal(size=(20, 3, 2))
    views = RecordedViews(views.corners, views.mirrored, {"expert": answers})

    def make(share=None):
        return training_dataset(store, 16, 5, 0, 2, share=share, recorded=views)

    assert_rows(joined(make), list(make()))


def test_no_other_images_are_read(monkeypatch):
    store, read = make_store(), []
    monkeypatch.setattr(
        "keras_artkd.data.crops.Crops.__call__",
        lambda self, indices, *_: (
            (read.append(indices.shape[0]), indices)[1:] * 2
        ),
    )
    list(training_dataset(store, 16, 8, 0, 1, share=SHARES[0]))
    assert read == [4]


@pytest.mark.parametrize("batch_size", [8, 7, 30])
def test_an_evaluation_weighs_every_image_alike(batch_size):
    store = make_store()

    def make(share=None):
        return evaluation_dataset(store, 16, batch_size, share=share)

    whole = [np.concatenate(x) for x in zip(*make(), strict=True)]
    batches = joined(make)
    assert len({len(labels) for _, labels, _ in batches}) == 1
    images, labels, weights = (
        np.concatenate(x) for x in zip(*batches, strict=True)
    )
    np.testing.assert_array_equal(images[weights > 0], whole[0])
    np.testing.assert_array_equal(labels[weights > 0], whole[1])
    # As Keras has it: the mean of the batches' means.
    means = [np.mean(labels * weights) for _, labels, weights in batches]
    assert np.mean(means) == pytest.approx(whole[1].mean(), rel=1e-6)
