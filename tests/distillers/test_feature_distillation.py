"""Feature distillation: a first stage that reads no label, then the labels."""

import keras
import numpy as np
import pytest

from keras_artkd.distillers import build
from tests.distillers.networks import (
    CLASSES,
    batch,
    compiled,
    normalised,
    plain,
    same,
    snapshot,
)

# Of the other endpoints, shapes and sizes.
EXPERTS = {
    "same": (6, 16),
    "narrow": (2, 16),
    "larger images": (5, 32),
    "smaller images": (5, 12),
}


def make(expert=None, first_stage=1, **options):
    keras.utils.set_random_seed(0)
    return compiled(
        build(
            "feature_distillation",
            normalised(),
            expert or plain(6),
            first_stage=first_stage,
            **options,
        )
    )


def train(labels, epochs, **options):
    """Weights of the student after so many epochs, and the logs."""
    distiller = make(**options)
    images, _ = batch(16)
    logs = distiller.fit(
        images, labels, batch_size=8, epochs=epochs, shuffle=False, verbose=0
    ).history
    return snapshot(distiller.student), logs


def every_form():
    """Labels, others, as probabilities, and of images without."""
    _, labels = batch(16)
    vectors = np.eye(CLASSES, dtype="float32")[labels]
    some = vectors * (np.arange(16) < 4)[:, None]
    return labels, np.roll(labels, 1), vectors, some, np.zeros_like(vectors)


def test_the_first_stage_reads_no_label():
    """Bit for bit: shuffled, as vectors, of a few images, of none."""
    first = [train(labels, 1)[0] for labels in every_form()]
    assert all(same(first[0], other) for other in first[1:])
    # Afterwards they are what is learned.
    labels, others, *_ = every_form()
    assert not same(train(labels, 2)[0], train(others, 2)[0])


@pytest.mark.parametrize("filters, side", EXPERTS.values(), ids=EXPERTS)
def test_projectors_bridge_any_expert(filters, side):
    expert = normalised(filters, side)
    before = snapshot(expert)
    # A bank of the batch itself: the objective is the same in every step.
    distiller = make(expert, first_stage=9, queue=16)
    distiller.compile(keras.optimizers.Adam(0.003), run_eagerly=True)
    images, labels = batch(16)
    student = snapshot(distiller.student)
    logs = distiller.fit(
        images, labels, batch_size=16, epochs=4, shuffle=False, verbose=0
    ).history
    for term in ("pooled_similarity", "spatial_similarity"):
        assert logs[term][-1] < logs[term][0]
    assert same(before, snapshot(distiller.teachers["expert"]))
    assert not same(student, snapshot(distiller.student))


def test_the_stages():
    """The features alone, then the labels alone."""
    _, labels = batch(16)
    _, logs = train(labels, 2, spatial_weight=0.5)
    features = np.add(
        logs["pooled_similarity"], 0.5 * np.array(logs["spatial_similarity"])
    )
    np.testing.assert_allclose(logs["loss"][0], features[0], rtol=1e-5)
    np.testing.assert_allclose(
        logs["loss"][1], logs["supervised"][1], rtol=1e-5
    )


def test_a_weight_below_zero():
    with pytest.raises(ValueError, match="`spatial_weight` must not be"):
        make(spatial_weight=-1)
