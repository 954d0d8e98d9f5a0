"""Relational distillation (RKD)."""

import numpy as np
import pytest

from keras_artkd import losses
from tests.losses.contract import check_loss_layer
from tests.losses.relations import STUDENT, TEACHER, check_relation


def huber(error):
    return np.where(abs(error) < 1, error**2 / 2, abs(error) - 0.5).mean()


def reference_distance(teacher, student):
    def distances(rows):
        d = np.linalg.norm(rows[:, None] - rows[None], axis=-1)
        return d / d[d > 0].mean()

    return huber(distances(teacher) - distances(student))


def reference_angle(teacher, student):
    def cosines(rows):
        n = len(rows)
        result = np.zeros((n, n, n))
        for vertex in range(n):
            for i in range(n):
                for j in range(n):
                    a, b = rows[i] - rows[vertex], rows[j] - rows[vertex]
                    norms = np.linalg.norm(a) * np.linalg.norm(b)
                    result[vertex, i, j] = a @ b / norms if norms else 0.0
        return result

    return huber(cosines(teacher) - cosines(student))


def test_layer():
    check_loss_layer(
        losses.RelationalKD,
        "relational_kd",
        per_example=False,
        distance_weight=1.0,
        angle_weight=2.0,
        pair=("a", "b"),
    )


def test_distance():
    check_relation(
        losses.relational_distance, reference_distance, translated=True
    )


def test_angle():
    check_relation(losses.relational_angle, reference_angle, translated=True)


def test_vectors():
    distance = float(losses.relational_distance(TEACHER, STUDENT))
    angle = float(losses.relational_angle(TEACHER, STUDENT))
    assert distance == pytest.approx(0.048555, abs=1e-6)
    assert angle == pytest.approx(0.069148, abs=1e-6)
    assert 25 * distance + 50 * angle == pytest.approx(4.671294, abs=1e-5)
    maps = {"features": TEACHER}, {"features": STUDENT}
    assert float(losses.RelationalKD()(None, *maps)) == pytest.approx(
        4.671294, abs=1e-5
    )


def test_layer_pools_maps():
    teacher, student = np.random.default_rng(4).normal(size=(2, 5, 4, 4, 3))
    endpoints = {"features": teacher}, {"features": student}
    pooled = teacher.mean((1, 2)), student.mean((1, 2))
    for weights, expected in (
        ((1.0, 0.0), losses.relational_distance(*pooled)),
        ((0.0, 2.0), 2 * losses.relational_angle(*pooled)),
    ):
        layer = losses.RelationalKD(*weights)
        np.testing.assert_allclose(layer(None, *endpoints), expected, rtol=1e-5)
