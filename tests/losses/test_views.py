"""Losses between several views of each example."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from tests.contract import check_config, finite_difference_check
from tests.losses.reference import (
    reference_cross_entropy,
    reference_divergence,
    softmax,
)

random = np.random.default_rng(0)
EXAMPLES, CLASSES, ROTATIONS = 5, 3, 4
LABELS = np.array([0, 2, 1, 1, 2])
MIXED = 0.7 * np.eye(CLASSES)[LABELS] + 0.3 * np.eye(CLASSES)[LABELS[::-1]]
# Examples, views, then what each view has.
PAIRS = random.normal(0, 2, (EXAMPLES, 2, CLASSES))
MAPS = random.normal(0, 1, (EXAMPLES, 2, 4, 3, 6))
OWN = random.normal(0, 2, (EXAMPLES, ROTATIONS, CLASSES))
JOINT = random.normal(0, 2, (EXAMPLES, ROTATIONS, CLASSES * ROTATIONS))


def rows(views):
    """As networks give them: the views of each example together."""
    return views.reshape(-1, *views.shape[2:])


def reference_view_kd(views, temperature, mutual):
    first, second = views[:, 0], views[:, 1]
    total = reference_divergence(second, first, temperature)
    if mutual:
        total = total + reference_divergence(first, second, temperature)
    return temperature**2 * total


def reference_sla_sd(labels, joint, own, temperature):
    """Every example and rotation by itself."""
    if labels.ndim == 1:
        labels = np.eye(CLASSES)[labels]
    values = []
    for y, u, z in zip(labels, joint, own, strict=True):
        value, aggregate = 0.0, np.zeros(CLASSES)
        for j in range(ROTATIONS):
            log_probability = np.log(softmax(u[j]))
            for c in range(CLASSES):
                column = ROTATIONS * c + j
                value -= y[c] * log_probability[column] / ROTATIONS
                aggregate[c] += u[j, column] / ROTATIONS
        value += reference_cross_entropy(y[None], z[:1])[0]
        value += temperature**2 * reference_divergence(
            aggregate, z[0], temperature
        )
        values.append(value)
    return values


@pytest.mark.parametrize("mutual", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_view_kd(temperature, mutual):
    result = losses.view_kd(rows(PAIRS), temperature, mutual)
    assert result.shape == (EXAMPLES,)
    np.testing.assert_allclose(
        result, reference_view_kd(PAIRS, temperature, mutual), rtol=1e-5
    )


def test_view_kd_is_kd_of_the_second_view_to_the_first():
    np.testing.assert_allclose(
        losses.view_kd(rows(PAIRS)), losses.kd(PAIRS[:, 1], PAIRS[:, 0])
    )
    swapped = rows(PAIRS[:, ::-1])
    np.testing.assert_allclose(
        losses.view_kd(rows(PAIRS), mutual=True),
        losses.view_kd(rows(PAIRS)) + losses.view_kd(swapped),
        rtol=1e-6,
    )


def test_equal_views_have_nothing_to_learn():
    logits = np.repeat(PAIRS[:, 0], 2, axis=0)
    for mutual in (False, True):
        np.testing.assert_allclose(
            losses.view_kd(logits, mutual=mutual), 0.0, atol=1e-6
        )
    features = np.repeat(MAPS[:, 0], 2, axis=0)
    np.testing.assert_array_equal(losses.view_mmd(features), 0.0)


def test_view_mmd():
    result = losses.view_mmd(rows(MAPS))
    assert result.shape == ()
    pooled = MAPS.mean((2, 3))
    expected = ((pooled[:, 0].mean(0) - pooled[:, 1].mean(0)) ** 2).sum()
    assert float(result) == pytest.approx(expected, rel=1e-5)
    assert float(losses.view_mmd(rows(pooled))) == pytest.approx(
        expected, rel=1e-5
    )


def test_view_mmd_of_one_mean_is_zero():
    """Whichever example has which features."""
    shuffled = np.stack([MAPS[:, 0], MAPS[::-1, 0]], axis=1)
    assert float(losses.view_mmd(rows(shuffled))) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("labels", [LABELS, MIXED], ids=["integers", "mixed"])
@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_sla_sd(labels, temperature):
    result = losses.sla_sd(labels, rows(JOINT), rows(OWN), temperature)
    assert result.shape == (EXAMPLES,)
    np.testing.assert_allclose(
        result, reference_sla_sd(labels, JOINT, OWN, temperature), rtol=1e-5
    )


@pytest.mark.parametrize("labels", [LABELS, MIXED], ids=["integers", "mixed"])
def test_sla_sd_without_rotating_is_plain_distillation(labels):
    head, own = rows(PAIRS)[:EXAMPLES], rows(OWN)[:EXAMPLES]
    np.testing.assert_allclose(
        losses.sla_sd(labels, head, own, 2.0),
        losses.cross_entropy(labels, head)
        + losses.cross_entropy(labels, own)
        + losses.kd(head, own, 2.0),
        rtol=1e-6,
    )


def test_integers_are_certain_probabilities():
    for labels in (LABELS[:, None], np.eye(CLASSES)[LABELS]):
        np.testing.assert_allclose(
            losses.sla_sd(labels, rows(JOINT), rows(OWN)),
            losses.sla_sd(LABELS, rows(JOINT), rows(OWN)),
            rtol=1e-6,
        )


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_half_precision_and_huge_gaps(scale):
    pairs, maps, own, joint = (
        rows(scale * x).astype("float16") for x in (PAIRS, MAPS, OWN, JOINT)
    )
    for result in (
        losses.view_kd(pairs, mutual=True),
        losses.view_mmd(maps),
        losses.sla_sd(LABELS, joint, own),
    ):
        assert result.dtype == "float32"
        assert np.isfinite(result).all()
    if scale == 1.0:
        np.testing.assert_allclose(
            losses.sla_sd(LABELS, joint, own),
            reference_sla_sd(LABELS, JOINT, OWN, 1.0),
            rtol=5e-3,
        )


def gradient(function, x):
    x = tf.Variable(x.astype("float32"))
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(function(x))
    return np.array(tf.convert_to_tensor(tape.gradient(value, x)))


def test_gradient_of_the_view_that_learns():
    def joined(first):
        views = tf.stack([first, PAIRS[:, 1].astype("float32")], axis=1)
        return tf.reduce_sum(losses.view_kd(tf.reshape(views, (-1, CLASSES))))

    assert abs(finite_difference_check(joined, PAIRS[:, 0], step=1e-2)) > 1e-2


def test_the_view_that_teaches_gets_no_gradient():
    result = gradient(losses.view_kd, rows(PAIRS)).reshape(PAIRS.shape)
    np.testing.assert_array_equal(result[:, 1], 0.0)
    assert np.abs(result[:, 0]).max() > 1e-2


def test_views_that_teach_each_other_each_learn_as_from_a_fixed_one():
    """Each gets T (its probability less that of the other)."""
    result = gradient(lambda x: losses.view_kd(x, 4.0, True), rows(PAIRS))
    probability = softmax(PAIRS / 4)
    np.testing.assert_allclose(
        result.reshape(PAIRS.shape),
        4 * (probability - probability[:, ::-1]),
        atol=1e-5,
    )


def test_both_views_learn_to_have_one_mean():
    finite_difference_check(losses.view_mmd, rows(MAPS), step=1e-2)
    result = gradient(losses.view_mmd, rows(MAPS)).reshape(MAPS.shape)
    assert np.abs(result[:, 0]).max() > 1e-4
    np.testing.assert_allclose(result[:, 0], -result[:, 1], atol=1e-9)


def test_the_upright_view_alone_trains_the_own_head():
    def own_terms(x):
        return tf.reduce_sum(losses.sla_sd(LABELS, rows(JOINT), x, 2.0))

    finite_difference_check(own_terms, rows(OWN), step=1e-2)
    result = gradient(own_terms, rows(OWN)).reshape(OWN.shape)
    np.testing.assert_array_equal(result[:, 1:], 0.0)
    assert np.abs(result[:, 0]).max() > 1e-2


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_joint_head_learns_from_labels_alone(temperature):
    """The aggregate teaches without learning."""
    result = gradient(
        lambda x: losses.sla_sd(LABELS, x, rows(OWN), temperature), rows(JOINT)
    ).reshape(JOINT.shape)
    columns = ROTATIONS * LABELS[:, None] + np.arange(ROTATIONS)
    joint_labels = np.eye(CLASSES * ROTATIONS)[columns]
    np.testing.assert_allclose(
        result, (softmax(JOINT) - joint_labels) / ROTATIONS, atol=1e-6
    )


def test_bad_shapes():
    for function in (losses.view_kd, losses.view_mmd):
        with pytest.raises(ValueError, match="2 rows for each.*: 5 rows.*Fix"):
            function(np.zeros((5, 3)))
    with pytest.raises(ValueError, match="multiple of the 3.*10 columns"):
        losses.sla_sd(LABELS, rows(JOINT)[:, :10], rows(OWN))
    with pytest.raises(ValueError, match="4 rows for each.*: 19 rows"):
        losses.sla_sd(LABELS, rows(JOINT)[:19], rows(OWN)[:19])
    with pytest.raises(ValueError, match="Labels must be.*3.*: shape"):
        losses.sla_sd(MIXED[:, :2], rows(JOINT), rows(OWN))


def test_bad_temperature():
    for make in (losses.ViewKD, losses.RotationDistillation):
        with pytest.raises(ValueError, match="must be positive"):
            make(temperature=0.0)
    with pytest.raises(ValueError, match="must be positive"):
        losses.view_kd(rows(PAIRS), 0.0)
    with pytest.raises(ValueError, match="must be positive"):
        losses.sla_sd(LABELS, rows(JOINT), rows(OWN), -1.0)


@pytest.mark.parametrize(
    ("cls", "name", "views", "arguments"),
    [
        (losses.ViewKD, "view_kd", 2, {"temperature": 2.0, "mutual": True}),
        (losses.ViewMMD, "view_mmd", 2, {"features": "group3"}),
        (
            losses.RotationDistillation,
            "rotation_distillation",
            4,
            {"temperature": 2.0},
        ),
    ],
)
def test_config(cls, name, views, arguments):
    assert cls().name == name
    assert cls().teacher == "student"
    assert cls().views == views
    common = {"teacher": "other", "detach_teacher": False, "name": "other"}
    changed = {**arguments, **common}
    check_config(cls(**changed), **changed)


STUDENT = {
    "features": rows(MAPS),
    "vector": rows(PAIRS),
    "logits": rows(OWN),
    "rotation_logits": rows(JOINT),
}


def test_layers_read_the_student():
    student = {**STUDENT, "logits": rows(PAIRS)}
    for mutual in (False, True):
        np.testing.assert_allclose(
            losses.ViewKD(2.0, mutual)(LABELS, {}, student),
            losses.view_kd(rows(PAIRS), 2.0, mutual),
        )
    for name in ("features", "vector"):
        layer = losses.ViewMMD(features=name)
        assert layer.student_endpoints == (name,)
        np.testing.assert_allclose(
            layer(LABELS, {}, student), losses.view_mmd(student[name])
        )


@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None], MIXED])
def test_layer_and_supervised_loss_are_sla_sd(labels):
    """Labels come once for each view."""
    value = losses.RotationDistillation(2.0)(
        np.repeat(labels, ROTATIONS, axis=0), {}, STUDENT
    )
    np.testing.assert_allclose(
        value + losses.cross_entropy(labels, OWN[:, 0]),
        losses.sla_sd(labels, rows(JOINT), rows(OWN), 2.0),
        rtol=1e-6,
    )


def test_layers_take_batches_of_unknown_size():
    student = {
        name: keras.KerasTensor((None, *value.shape[1:]))
        for name, value in STUDENT.items()
    }
    labels = keras.KerasTensor((None,), "int32")
    assert losses.ViewKD()(labels, {}, student).shape == (None,)
    assert losses.ViewMMD()(labels, {}, student).shape == ()
    assert losses.RotationDistillation()(labels, {}, student).shape == (None,)
