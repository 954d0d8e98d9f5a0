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


def test_images_without_a_label_teach_by_the_expert_alone():
    """The objective in float64, over a batch of both kinds of images."""
    distiller = make("unlabelled", temperature=2.0, weight=0.7)
    images, labels = batch()
    has_label = np.arange(16) % 4 == 0
    learned = np.eye(CLASSES)[labels] * has_label[:, None]
    endpoints = distiller.call(images, training=True)
    terms, total = distiller.compute_terms(learned, endpoints)
    student, expert = (
        np.asarray(endpoints[role]["logits"], "float64")
        for role in ("student", "expert")
    )

    def log_softmax(logits):
        shifted = logits - logits.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

    supervised = -log_softmax(student)[np.arange(16), labels]
    p, q = log_softmax(expert / 2), log_softmax(student / 2)
    divergence = 4 * (np.exp(p) * (p - q)).sum(axis=1)
    expected = (supervised * has_label).mean() + 0.7 * divergence.mean()
    assert float(terms["supervised"]) == pytest.approx(
        (supervised * has_label).mean(), rel=1e-5
    )
    assert float(total - terms["regularization"]) == pytest.approx(
        expected, rel=1e-5
    )


def test_the_accuracy_of_the_training_is_that_of_labelled_images():
    distiller = make("unlabelled")
    images, labels = batch()
    has_label = np.arange(16) % 4 == 0
    learned = np.eye(CLASSES, dtype="float32")[labels] * has_label[:, None]
    logs = distiller.train_on_batch(images, learned, return_dict=True)
    distiller = make("unlabelled")
    logits = distiller.call_trained(images)["student"]["logits"]
    right = np.argmax(logits, axis=1) == labels
    assert logs["accuracy"] == pytest.approx(right[has_label].mean())


def test_no_part_in_the_domain_is_rejected():
    for share in (0.0, 1.5):
        with pytest.raises(ValueError, match=f"in_domain={share}"):
            make("unlabelled", in_domain=share)


def test_what_the_table_says():
    for kind in (*KINDS, "unlabelled"):
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
