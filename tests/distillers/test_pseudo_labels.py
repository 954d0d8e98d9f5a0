"""Methods that learn what an expert has said of unlabelled images."""

import keras
import numpy as np
import pytest

from keras_artkd.distillers import Distiller, build, get_method
from keras_artkd.losses import cross_entropy
from tests.distillers.networks import (
    CLASSES,
    batch,
    normalised,
    plain,
    same,
    snapshot,
)

KINDS = ("pseudo_hard", "pseudo_soft", "equation", "mixed")


def targets(size=16, sum_=1.0):
    shares = np.random.default_rng(1).dirichlet(np.ones(CLASSES), size)
    return (sum_ * shares).astype("float32")


def make(method, **options):
    keras.utils.set_random_seed(0)
    distiller = build(method, normalised(), plain(6), plain(5), **options)
    distiller.compile(
        keras.optimizers.SGD(0.05), metrics=["accuracy"], run_eagerly=True
    )
    return distiller


@pytest.mark.parametrize("method", KINDS)
def test_it_is_supervised_learning_of_the_targets(method):
    """The very training of the student alone; no expert runs in it."""
    distiller = make(method)
    calls = []
    network = distiller._networks["expert"]
    distiller._networks["expert"] = lambda *args, **kwargs: calls.append(args)
    keras.utils.set_random_seed(0)
    alone = Distiller(normalised())
    alone.compile(
        keras.optimizers.SGD(0.05), metrics=["accuracy"], run_eagerly=True
    )
    images, _ = batch()
    for model in (distiller, alone):
        model.fit(images, targets(sum_=2.0), shuffle=False, verbose=0)
    assert same(snapshot(distiller.student), snapshot(alone.student))
    assert not calls and list(distiller.teachers) == ["expert"]
    assert network.model is distiller.teachers["expert"]


@pytest.mark.parametrize("shape", [(16,), (16, 1)])
def test_class_numbers_are_rejected_in_training_alone(shape):
    distiller = make("pseudo_soft")
    images, labels = batch()
    labels = labels.reshape(shape)
    with pytest.raises(ValueError, match="must be given targets.*learn_from"):
        distiller.fit(images, labels, verbose=0)
    distiller = make("pseudo_soft")
    logs = distiller.fit(
        images, targets(), validation_data=(images, labels), verbose=0
    ).history
    logits = distiller.student.predict(images, verbose=0)
    expected = np.mean(cross_entropy(labels, logits))
    assert logs["val_loss"][0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("other", ["collaborative", "skdsam"])
def test_joined_methods_learn_the_targets_too(other):
    distiller = make(f"equation+{other}")
    assert distiller.soft_labels
    images, labels = batch()
    logs = distiller.fit(images, targets(sum_=2.0), verbose=0).history
    assert all(np.isfinite(values).all() for values in logs.values())
    with pytest.raises(ValueError, match="must be given targets"):
        make(f"equation+{other}").fit(images, labels, verbose=0)
    ran = distiller.call_teachers(images)
    assert list(ran) == ([] if other == "skdsam" else ["expert"])


def test_what_the_table_says():
    for kind in KINDS:
        assert get_method(kind).pseudo_labels == kind
        assert get_method(f"kd+{kind}+skdsam").pseudo_labels == kind
    assert get_method("kd").pseudo_labels is None
    assert get_method("kd+rkd").pseudo_labels is None


def test_options_of_the_labels():
    """Those of other methods that have the same names are not meant."""
    alone = get_method("equation").pseudo_label_options({"weight": 3.0})
    joined = get_method("kd+equation").pseudo_label_options(
        {"kd.temperature": 2.0, "equation.weight": 3.0}
    )
    expected = {"threshold": 0.0, "temperature": 1.0, "weight": 3.0}
    assert alone == joined == expected
