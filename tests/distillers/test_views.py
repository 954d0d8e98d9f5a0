"""Several views of each example, and methods that learn from them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from keras_artkd.catalogue.methods import get_method
from keras_artkd.data.augment import Rotations, mixup
from keras_artkd.distillers import Distiller, build
from keras_artkd.models import with_rotations, without_exits
from keras_artkd.runs.optimizer import set_weight_decay
from tests.distillers.networks import (
    CLASSES,
    batch,
    normalised,
    plain,
    snapshot,
)
from tests.losses.reference import (
    reference_cross_entropy,
    reference_divergence,
)


def fit(distiller, images, labels, **options):
    """A few steps of one batch; returns the history."""
    distiller.compile(
        keras.optimizers.SGD(0.05), metrics=["accuracy"], run_eagerly=True
    )
    return distiller.fit(
        images, labels, epochs=3, batch_size=len(images), verbose=0, **options
    )


def student(make=normalised):
    keras.utils.set_random_seed(1)
    return make()


def assert_same_weights(first, second):
    for a, b in zip(
        first.student.get_weights(), second.student.get_weights(), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_equal_views_are_plain_training():
    images, labels = batch(8)
    one = Distiller(student())
    two = Distiller(student(), views=2)
    logs_one = fit(one, images, labels).history
    logs_two = fit(two, np.stack([images, images], 1), labels).history
    assert_same_weights(one, two)
    assert set(logs_one) == set(logs_two)
    for name, values in logs_one.items():
        np.testing.assert_allclose(logs_two[name], values, rtol=1e-4)


def test_mixup_with_share_one_is_plain_training():
    images, labels = batch(8)
    one_hot = np.eye(CLASSES, dtype="float32")[labels]
    mixed = mixup(images, one_hot, np.arange(8)[::-1], 1.0)
    plainly = Distiller(student())
    by_mixup = Distiller(student())
    fit(plainly, images, labels)
    fit(by_mixup, *map(np.array, mixed))
    assert_same_weights(plainly, by_mixup)


def test_labels_of_the_first_views_alone():
    """Without batch normalisation views do not touch each other."""
    images, labels = batch(8, views=4)
    one = Distiller(student(plain))
    four = Distiller(student(plain), views=4, labelled_views=1)
    logs_one = fit(one, images[:, 0], labels).history
    logs_four = fit(four, images, labels).history
    assert_same_weights(one, four)
    assert logs_one["accuracy"] == logs_four["accuracy"]


def test_every_view_counts_in_losses_of_one_example():
    """A teacher's term over two views is that over all images."""
    images, labels = batch(8, views=2)
    expert = plain()
    weights = np.linspace(0, 2, 8).astype("float32")
    flat = build("kd", student(plain), expert=expert)
    views = Distiller(
        student(plain),
        teachers={"expert": expert},
        transfer_losses=[losses.KD()],
        transfer_weights=[0.9],
        supervised_weight=0.1,
        views=2,
    )
    fit(
        flat,
        images.reshape(-1, *images.shape[2:]),
        labels.repeat(2),
        sample_weight=weights.repeat(2),
    )
    fit(views, images, labels, sample_weight=weights)
    assert_same_weights(flat, views)


def divergence(teacher, student, temperature):
    return temperature**2 * reference_divergence(teacher, student, temperature)


@pytest.mark.parametrize("weighted", [False, True])
def test_objectives_of_two_views(weighted):
    """CS-KD and DDGSD by hand, with weights for the examples."""
    images, labels = batch(8, views=2)
    weights = np.linspace(0, 2, 8) if weighted else np.ones(8)
    network = plain()
    endpoints = keras.Model(network.inputs[0], network.endpoints)
    found = [
        {k: np.array(v) for k, v in endpoints(images[:, i]).items()}
        for i in (0, 1)
    ]
    z = [view["logits"] for view in found]
    pooled = [view["group3"].mean((1, 2)) for view in found]
    entropies = [reference_cross_entropy(labels, logits) for logits in z]

    def mean(values):
        return (weights * values).mean()

    expected = {
        "cs_kd": mean(entropies[0]) + mean(divergence(z[1], z[0], 4)),
        "ddgsd": mean(entropies[0])
        + mean(entropies[1])
        + mean(divergence(z[1], z[0], 3) + divergence(z[0], z[1], 3))
        + 5e-4
        * ((pooled[0].mean(0) - pooled[1].mean(0)) ** 2).sum()
        * weights.mean(),
    }
    for method, value in expected.items():
        distiller = build(method, network)
        distiller.compile()
        total = distiller.compute_loss(
            y=labels,
            y_pred=distiller(images, training=True),
            sample_weight=weights,
        )
        np.testing.assert_allclose(total, value, rtol=1e-4, err_msg=method)


@pytest.mark.parametrize(
    ("method", "shape", "message"),
    [
        ("cs_kd", (8, 16, 16, 3), r"2 views .*\(batch, 2, .*\(8, 16, 16, 3"),
        ("cs_kd", (8, 4, 16, 16, 3), "2 views .*, 4, 16"),
        ("baseline", (8, 2, 16, 16, 3), r"1 view of .*\(8, 2, 16"),
    ],
)
def test_wrong_number_of_views(method, shape, message):
    distiller = build(method, plain())
    with pytest.raises(ValueError, match=message):
        distiller(np.zeros(shape, "float32"), training=True)


def test_evaluation_takes_plain_images():
    distiller = build("sla_sd", plain())
    images, labels = batch(8, views=4)
    logs = fit(
        distiller, images, labels, validation_data=(images[:, 0], labels)
    ).history
    assert not any(
        name.startswith("val_") and name not in ("val_loss", "val_accuracy")
        for name in logs
    )
    assert distiller.predict(images[:, 0], verbose=0).shape == (8, CLASSES)


def test_losses_of_another_number_of_views_are_rejected():
    for loss, views in (
        (losses.ViewKD(), 1),
        (losses.ViewMMD(), 4),
        (losses.RotationDistillation(), 2),
    ):
        with pytest.raises(ValueError, match=f"compares.*views={views}.*Fix"):
            Distiller(plain(), transfer_losses=[loss], views=views)


@pytest.mark.parametrize("method", ["skdsam", "frskd"])
def test_validation_is_of_the_plain_network(method):
    """Its loss has the weight decay of what is deployed alone."""
    images, labels = batch(8)
    network = normalised()
    distiller = build(method, network)
    set_weight_decay(distiller, 5e-4)
    alone = Distiller(network)
    values = []
    for model in (distiller, alone):
        model.compile("sgd", weighted_metrics=["accuracy"], run_eagerly=True)
        values.append(
            model.evaluate(images, labels, verbose=0, return_dict=True)
        )
    assert values[0] == pytest.approx(values[1], rel=1e-5)
    assert set(values[0]) == {"loss", "accuracy"}


def test_rotations_are_told_apart_in_training_alone():
    """Of a plain network labels with other columns are still rejected."""
    images, labels = batch(8)
    one_hot = np.eye(CLASSES, dtype="float32")[labels]
    augmented = Rotations()(tf.constant(images), tf.constant(one_hot), None)
    made = Distiller(with_rotations(plain(classes=4 * CLASSES)))
    logs = fit(
        made, *map(np.array, augmented), validation_data=(images, labels)
    ).history
    assert made.predict(images, verbose=0).shape == (8, CLASSES)
    found = made.evaluate(images, one_hot, verbose=0, return_dict=True)
    assert found["accuracy"] == pytest.approx(logs["val_accuracy"][-1])
    plain_ = Distiller(plain())
    plain_.compile(metrics=["accuracy"], run_eagerly=True)
    with pytest.raises(ValueError, match="integers.*or probabilities"):
        plain_.evaluate(images, np.repeat(one_hot, 2, 1), verbose=0)


def test_one_rotation_is_plain_training():
    images, labels = batch(8)
    augmented = Rotations(1)(tf.constant(images), tf.constant(labels), None)
    plainly = Distiller(student())
    by_rotations = Distiller(with_rotations(student(), 1))
    fit(plainly, images, labels)
    fit(by_rotations, *map(np.array, augmented))
    assert_same_weights(plainly, by_rotations)


def test_accuracy_of_mixed_labels_by_any_name():
    """As a metric, weighted or not; labels of the validation are integers."""
    images, labels = batch(8)
    one_hot = np.eye(CLASSES, dtype="float32")[labels]
    distiller = Distiller(plain())
    distiller.compile(
        keras.optimizers.SGD(0.0),
        metrics=["acc"],
        weighted_metrics=["accuracy"],
        run_eagerly=True,
    )
    logs = distiller.fit(
        images,
        one_hot,
        batch_size=8,
        verbose=0,
        validation_data=(images, labels),
    ).history
    right = (distiller.predict(images, verbose=0).argmax(1) == labels).mean()
    assert logs["val_acc"] == logs["val_accuracy"] == [pytest.approx(right)]


def test_bad_number_of_labelled_views():
    with pytest.raises(ValueError, match="at most `views`.*=3, views=2"):
        Distiller(plain(), views=2, labelled_views=3)


def test_a_network_with_exits_joins_other_methods():
    network, expert = plain(), plain(6)
    made = build("skdsam+kd+cs_kd", network, expert=expert)
    assert without_exits(made.student) is network
    assert (made.views, made.labelled_views) == (2, 1)
    assert [loss.name for loss in made.transfer_losses] == [
        "skdsam",
        "kd",
        "view_kd",
    ]
    images, labels = batch(8, views=2)
    before = snapshot(network)
    logs = fit(made, images, labels).history
    assert np.isfinite(logs["loss"]).all()
    assert not all(map(np.array_equal, before, network.get_weights()))


def test_joined_methods_that_do_not_fit():
    with pytest.raises(ValueError, match="exits of one.*skdsam, byot"):
        build("skdsam+byot", plain())
    with pytest.raises(ValueError, match="ddgsd with 'two', cs_kd with"):
        get_method("ddgsd+cs_kd")
