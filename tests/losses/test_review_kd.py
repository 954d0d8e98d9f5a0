"""Knowledge review (ReviewKD)."""

import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from tests.losses.contract import (
    check_connectors,
    check_connectors_learn,
    check_definition,
    check_gradient,
    check_loss_layer,
    check_training,
)
from tests.losses.networks import make_maps, sample


def make():
    return losses.ReviewKD(pairs=[("group1", "group1"), ("group3", "group3")])


def reference(teacher, student):
    def means(x):
        return (x**2).mean((1, 2, 3))

    total, weights = means(teacher - student), 1.0
    height = teacher.shape[1]
    for level, side in enumerate(s for s in (4, 2, 1) if s < height):
        window = height // side
        grid = (len(teacher), side, window, side, window, -1)
        t, s = (x.reshape(grid).mean((2, 4)) for x in (teacher, student))
        total = total + means(t - s) / 2 ** (level + 1)
        weights += 1 / 2 ** (level + 1)
    return total / weights


def test_layer():
    check_loss_layer(
        losses.ReviewKD,
        "review_kd",
        pairs=(("a", "b"),),
        pooled_pair=("c", "d"),
        max_filters=8,
    )


def test_hierarchical_context_equals_the_definition():
    for scale in (1, 100):
        check_definition(
            losses.hierarchical_context, reference, *make_maps(scale=scale)
        )


def test_gradient_of_hierarchical_context():
    teacher, student = make_maps(side=5)
    check_gradient(lambda s: losses.hierarchical_context(teacher, s), student)


@pytest.mark.parametrize("side", [1, 2, 3, 4, 8])
def test_grids_that_are_no_smaller_are_left_out(side):
    teacher, student = make_maps(side=side)
    result = losses.hierarchical_context(teacher, student)
    if side != 3:
        np.testing.assert_allclose(result, reference(teacher, student), 1e-4)
    constant = losses.hierarchical_context(teacher, teacher + 2.0)
    np.testing.assert_allclose(constant, 4.0, rtol=1e-4)


def test_fusions():
    check_connectors(make)
    check_connectors_learn(make)


def test_training(tmp_path):
    check_training(make, tmp_path)


def test_reads_pooled_features_too():
    loss = losses.ReviewKD(pairs=[("a", "b")], pooled_pair=("c", "d"))
    assert loss.teacher_endpoints == ("a", "c")
    assert loss.student_endpoints == ("b", "d")


def test_levels_have_the_teachers_shapes():
    labels, teacher, student = sample("wide_and_large")
    loss = losses.ReviewKD(max_filters=5)
    loss(labels, teacher, student)
    residual = None
    for level, fusion in reversed(list(enumerate(loss.fusions[:-1]))):
        source = student[f"group{level + 1}"]
        if residual is None:
            residual = tf.zeros((8, 1, 1, 5))
        fused, residual = fusion(source, residual)
        assert fused.shape == teacher[f"group{level + 1}"].shape
        assert residual.shape == (*fused.shape[:3], 5)
