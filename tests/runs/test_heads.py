"""Classifiers fitted on frozen features."""

import dataclasses

import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.runs.heads import (
    Head,
    choose_images,
    feature_model,
    fit_head,
    is_all_inherited,
)


def clusters(count, classes, seed):
    """Features around a centre for each class, of unequal spreads."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    centres = np.random.default_rng(9).normal(size=(classes, 6))
    noise = 0.3 * random.normal(size=(count, 6))
    features = 5 + (centres[labels] + noise) * [1, 10, 0.1, 1, 1, 1]
    return features.astype("float32"), labels


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_tells_clusters_apart(classes):
    head = fit_head(
        *clusters(60, classes, 0), *clusters(40, classes, 1), classes
    )
    features, labels = clusters(50, classes, 2)
    logits = head.logits(features)
    assert logits.shape == (50, classes)
    assert (logits.argmax(axis=1) == labels).mean() > 0.9
    assert head.validation_accuracy > 0.9


@pytest.mark.parametrize("rare", [False, True])
def test_equals_scikit_learn(rare):
    """The standardisation is folded into the classifier.

    Of one class more often than of the others, each weighs the same.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    (features, labels), validation = clusters(60, 3, 0), clusters(40, 3, 1)
    kept = (labels == 0) | (np.arange(60) < (20 if rare else 60))
    train = features[kept], labels[kept]
    head = fit_head(*train, *validation, 3)
    weight_of = len(train[1]) / 3 / np.bincount(train[1])
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=head.strength, max_iter=500)
    ).fit(*train, logisticregression__sample_weight=weight_of[train[1]])
    expected = model.decision_function(validation[0])
    ours = head.logits(validation[0])
    np.testing.assert_allclose(
        ours - ours.mean(1, keepdims=True),
        expected - expected.mean(1, keepdims=True),
        atol=0.02,
    )


def test_levels_weigh_the_same():
    """Together, however many features each of them has."""
    from sklearn.linear_model import LogisticRegression

    (few, labels), (others, truth) = clusters(60, 3, 0), clusters(40, 3, 1)
    random = np.random.default_rng(3)
    many = random.normal(size=(60, 30)) + 0.3 * labels[:, None]
    held = random.normal(size=(40, 30)) + 0.3 * truth[:, None]
    train = np.concatenate([few, many], axis=1).astype("float32")
    validation = np.concatenate([others, held], axis=1).astype("float32")

    def of(levels):
        head = fit_head(train, labels, validation, truth, 3, levels)
        logits = head.logits(validation)
        return head, logits - logits.mean(axis=1, keepdims=True)

    head, logits = of([6, 30])
    # The squares of the weights sum to as many as there are features.
    weights = np.repeat([np.sqrt(18 / 6), np.sqrt(18 / 30)], [6, 30])
    assert (weights**2).sum() == pytest.approx(36)
    mean, spread = train.mean(0), train.std(0)
    model = LogisticRegression(C=head.strength, max_iter=1000)
    model.fit((train - mean) / spread * weights, labels)
    expected = model.decision_function((validation - mean) / spread * weights)
    expected -= expected.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(logits, expected, atol=0.02)
    assert np.abs(of(None)[1] - expected).max() > 0.2


def test_a_common_class_counts_where_validation_says_so():
    """Of 85 % of the images, and features that hardly tell it."""
    random = np.random.default_rng(0)
    labels = (random.random(600) < 0.15).astype(int)
    features = random.normal(size=(600, 4)) + 0.2 * labels[:, None]
    halves = (features[:300], labels[:300]), (features[300:], labels[300:])
    head = fit_head(*halves[0], *halves[1], 2)
    assert not head.balanced
    assert head.validation_accuracy > 0.8
    # Where the classes are as frequent, it is all the same.
    assert fit_head(*clusters(60, 3, 0), *clusters(40, 3, 1), 3).balanced


def test_fitted_like_another():
    train, validation = clusters(60, 3, 0), clusters(40, 3, 1)
    head = fit_head(*train, *validation, 3)
    for balanced in (True, False):
        like = dataclasses.replace(head, strength=0.02, balanced=balanced)
        made = fit_head(*train, *validation, 3, like=like)
        assert (made.strength, made.balanced) == (0.02, balanced)


def test_a_class_without_images_is_never_the_answer():
    train, validation = clusters(60, 3, 0), clusters(40, 3, 1)
    head = fit_head(*train, *validation, 5)
    assert head.kernel.shape == (6, 5)
    assert head.logits(validation[0]).argmax(axis=1).max() < 3


def test_written_and_read(tmp_path):
    head = fit_head(*clusters(60, 3, 0), *clusters(40, 3, 1), 3)
    head.write(tmp_path / "head.npz")
    read = Head.read(tmp_path / "head.npz")
    for name in ("strength", "balanced", "validation_accuracy"):
        assert getattr(read, name) == getattr(head, name)
    np.testing.assert_array_equal(read.kernel, head.kernel)


def test_which_networks_have_nothing_but_a_classifier_of_their_own():
    whole = models.build("efficientnet_lite0", 3, (32, 32, 3))
    first = models.build("efficientnet_lite0_first2", 3, (32, 32, 3))
    assert is_all_inherited(whole) and not is_all_inherited(first)
    assert feature_model(whole).output_shape == (None, 1280)


def test_no_more_images_than_needed(monkeypatch):
    from tests.runs import paintings

    monkeypatch.setattr("keras_artkd.runs.heads._MOST_IMAGES", 5)
    store = paintings.store(12)
    chosen = choose_images(store, seed=0)
    assert len(chosen) == 5 and {*chosen.keys} < {*store.keys}
    assert choose_images(chosen, seed=0) is chosen
