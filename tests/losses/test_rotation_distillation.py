"""Self-distillation from rotations (SLA+SD)."""

import numpy as np
import pytest

from keras_artkd import losses
from tests.losses.contract import (
    check_definition,
    check_gradient,
    check_loss_layer,
    gradients,
)
from tests.losses.reference import (
    reference_cross_entropy,
    reference_divergence,
    softmax,
)
from tests.losses.views import (
    CLASSES,
    EXAMPLES,
    JOINT,
    OWN,
    PAIRS,
    ROTATIONS,
    rows,
)

LABELS = np.array([0, 2, 1, 1, 2])
MIXED = 0.7 * np.eye(CLASSES)[LABELS] + 0.3 * np.eye(CLASSES)[LABELS[::-1]]


def reference(labels, joint, own, temperature):
    """Every example and rotation by itself."""
    if labels.ndim == 1:
        labels = np.eye(CLASSES)[labels]
    joint, own = joint.reshape(JOINT.shape), own.reshape(OWN.shape)
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


def test_layer():
    check_loss_layer(
        losses.RotationDistillation,
        "rotation_distillation",
        role="student",
        views=4,
        temperature=2.0,
    )


@pytest.mark.parametrize("labels", [LABELS, MIXED], ids=["integers", "mixed"])
@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_equals_the_definition(labels, temperature):
    check_definition(
        lambda u, z: losses.sla_sd(labels, u, z, temperature),
        lambda u, z: reference(labels, u, z, temperature),
        rows(JOINT),
        rows(OWN),
    )


@pytest.mark.parametrize("labels", [LABELS, MIXED], ids=["integers", "mixed"])
def test_without_rotating_it_is_plain_distillation(labels):
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


def test_huge_gaps():
    heads = (rows(1e3 * x).astype("float16") for x in (JOINT, OWN))
    assert np.isfinite(losses.sla_sd(LABELS, *heads)).all()


def test_the_upright_view_alone_trains_the_own_head():
    def of_own_head(x):
        return losses.sla_sd(LABELS, rows(JOINT), x, 2.0)

    check_gradient(of_own_head, rows(OWN), step=1e-2)
    (gradient,) = gradients(of_own_head, rows(OWN))
    gradient = gradient.reshape(OWN.shape)
    np.testing.assert_array_equal(gradient[:, 1:], 0.0)
    assert np.abs(gradient[:, 0]).max() > 1e-2


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_joint_head_learns_from_labels_alone(temperature):
    """The aggregate teaches without learning."""
    (gradient,) = gradients(
        lambda x: losses.sla_sd(LABELS, x, rows(OWN), temperature), rows(JOINT)
    )
    columns = ROTATIONS * LABELS[:, None] + np.arange(ROTATIONS)
    joint_labels = np.eye(CLASSES * ROTATIONS)[columns]
    np.testing.assert_allclose(
        gradient.reshape(JOINT.shape),
        (softmax(JOINT) - joint_labels) / ROTATIONS,
        atol=1e-6,
    )


def test_bad_arguments():
    joint, own = rows(JOINT), rows(OWN)
    with pytest.raises(ValueError, match="multiple of the 3.*10 columns"):
        losses.sla_sd(LABELS, joint[:, :10], own)
    with pytest.raises(ValueError, match="4 rows for each.*: 19 rows"):
        losses.sla_sd(LABELS, joint[:19], own[:19])
    with pytest.raises(ValueError, match="Labels must be.*3.*: shape"):
        losses.sla_sd(MIXED[:, :2], joint, own)
    with pytest.raises(ValueError, match="must be positive"):
        losses.sla_sd(LABELS, joint, own, -1.0)
    with pytest.raises(ValueError, match="must be positive"):
        losses.RotationDistillation(temperature=0.0)


@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None], MIXED])
def test_layer_and_supervised_loss_are_sla_sd(labels):
    """Labels come once for each view."""
    student = {"logits": rows(OWN), "rotation_logits": rows(JOINT)}
    value = losses.RotationDistillation(2.0)(
        np.repeat(labels, ROTATIONS, axis=0), {}, student
    )
    np.testing.assert_allclose(
        value + losses.cross_entropy(labels, OWN[:, 0]),
        losses.sla_sd(labels, rows(JOINT), rows(OWN), 2.0),
        rtol=1e-6,
    )
