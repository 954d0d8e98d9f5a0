"""How far images are from the labelled ones, by an expert's features."""

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.data.store import ImageStore
from keras_artkd.runs.domain import Domain, answers, neighbour_distances
from keras_artkd.runs.pseudo_labels import (
    NothingToLearn,
    ask_expert,
    label_images,
)
from tests.runs.paintings import centres, make_expert, store

random = np.random.default_rng(0)


def reference_distances(known, asked, neighbours):
    """In float64, pair by pair."""
    known, asked = (
        np.asarray(each, "float64")
        / np.linalg.norm(np.asarray(each, "float64"), axis=1, keepdims=True)
        for each in (known, asked)
    )
    pairs = np.sqrt(((asked[:, None] - known[None]) ** 2).sum(-1))
    return np.sort(pairs, axis=1)[:, min(neighbours, len(known)) - 1]


@pytest.mark.parametrize("neighbours", [1, 5, 50])
def test_distances_equal_the_definition(neighbours):
    known = random.normal(size=(20, 6)).astype("float32")
    asked = random.normal(size=(9, 6)).astype("float32")
    result = neighbour_distances(known, asked, neighbours)
    expected = reference_distances(known, asked, neighbours)
    np.testing.assert_allclose(result, expected, rtol=1e-4)
    # The length of a vector says nothing.
    longer = neighbour_distances(3 * known, 0.1 * asked, neighbours)
    np.testing.assert_allclose(longer, expected, rtol=1e-4)


def test_features_are_what_the_classifier_reads():
    images, expert = store(7), make_expert()
    logits, features = answers(expert, images, 8)
    expected = expert.predict(centres(images), verbose=0)
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-6)
    kernel, bias = expert.layers[-1].get_weights()
    np.testing.assert_allclose(
        features @ kernel + bias, logits, rtol=1e-4, atol=1e-5
    )
    # Of a network whose last layer is none of its own, the logits.
    inputs = keras.Input((8, 8, 3))
    whole = keras.Model(
        inputs, keras.layers.Activation("linear")(logits_of(inputs))
    )
    said, read = answers(whole, images, 8)
    np.testing.assert_array_equal(said, read)
    # Networks of this package have a Dense one.
    network = models.build("wrn_10_1", 4, (8, 8, 3))
    assert answers(network, images, 8)[1].shape == (7, 64)


def logits_of(inputs):
    return keras.layers.Dense(4)(keras.layers.Flatten()(inputs))


def kinds(count, seed, stripes):
    """Images of noise in one colour, or of stripes."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 60, (count, 8, 10, 3))
    images[..., 0] += 180
    if stripes:
        images[:, ::2] = 255 - images[:, ::2]
    keys = [f"{stripes}/{seed}/{i}" for i in range(count)]
    return ImageStore.from_array(images.astype("uint8"), np.zeros(count), keys)


def mixed():
    """Thirty images like the labelled ones, and ten that are not."""
    return ImageStore.concatenate([kinds(30, 3, False), kinds(10, 4, True)])


def test_other_images_are_left_out_and_nearly_all_alike_stay():
    expert = make_expert()
    domain = Domain.of(
        expert, kinds(40, 1, False), kinds(40, 2, False), 8, in_domain=0.95
    )
    labels = label_images(expert, mixed(), 8, domain=domain)
    strange = np.arange(40) >= 30
    assert labels.strange[strange].all() and labels.strange[~strange].sum() < 6
    np.testing.assert_array_equal(labels.used, ~labels.strange)
    np.testing.assert_array_equal(labels.used, labels.distance <= 1)
    measured = labels.measure()
    assert measured["strange"] == 40 - measured["used"]
    # Confidence counts besides.
    threshold = float(np.median(labels.confidence))
    sure = label_images(expert, mixed(), 8, threshold, domain)
    np.testing.assert_array_equal(
        sure.used, (labels.distance <= 1) & (labels.confidence >= threshold)
    )
    np.testing.assert_array_equal(sure.strange, labels.strange)
    # Who only asks uses all.
    asked = ask_expert(expert, mixed(), 8, domain)
    assert asked.used.all() and not asked.strange.any()


@pytest.mark.parametrize("in_domain", [0.5, 0.9, 1.0])
def test_the_limit_keeps_its_share_of_the_validation_images(in_domain):
    expert, held_out = make_expert(), kinds(40, 2, False)
    domain = Domain.of(expert, kinds(30, 1, False), held_out, 8, in_domain)
    near = domain.distances(answers(expert, held_out, 8)[1]) <= 1
    assert near.mean() == pytest.approx(in_domain, abs=1 / 39)


def test_where_all_are_strange_nothing_is_learned():
    expert = make_expert()
    domain = Domain.of(expert, kinds(40, 1, False), kinds(40, 2, False), 8, 0.9)
    with pytest.raises(NothingToLearn, match="10 images, all.*in_domain 1"):
        label_images(expert, kinds(10, 4, True), 8, domain=domain)


def test_equal_images_have_no_distance_and_stay():
    """The limit is then zero."""
    expert = make_expert()
    same = kinds(1, 1, False).take(np.zeros(8, int))
    domain = Domain.of(expert, same, same, 8, 0.95)
    assert label_images(expert, same, 8, domain=domain).used.all()
