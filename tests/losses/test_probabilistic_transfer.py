"""Probabilistic knowledge transfer (PKT)."""

import numpy as np
import pytest

from keras_artkd import losses
from tests.losses.contract import check_loss_layer
from tests.losses.relations import STUDENT, TEACHER, check_relation


def reference(teacher, student):
    def probabilities(rows):
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        similarity = (rows @ rows.T + 1) / 2
        return similarity / similarity.sum(1, keepdims=True)

    p, q = probabilities(teacher), probabilities(student)
    return (p * np.log((p + 1e-7) / (q + 1e-7))).mean()


def test_layer():
    check_loss_layer(
        losses.ProbabilisticTransfer,
        "probabilistic_transfer",
        per_example=False,
        pair=("a", "b"),
    )


def test_relation():
    check_relation(losses.probabilistic_transfer, reference)


def test_vector():
    value = losses.probabilistic_transfer(TEACHER, STUDENT)
    assert float(value) == pytest.approx(0.007558, abs=1e-6)


def test_layer_pools_maps():
    teacher, student = np.random.default_rng(4).normal(size=(2, 5, 4, 4, 3))
    pooled = teacher.mean((1, 2)), student.mean((1, 2))
    np.testing.assert_allclose(
        losses.ProbabilisticTransfer()(
            None, {"features": teacher}, {"features": student}
        ),
        losses.probabilistic_transfer(*pooled),
        rtol=1e-5,
    )


def test_layer_reads_the_endpoints_of_its_pair():
    layer = losses.ProbabilisticTransfer(pair=("deep", "last"))
    assert layer.teacher_endpoints == ("deep",)
    assert layer.student_endpoints == ("last",)
    value = layer(None, {"deep": TEACHER}, {"last": STUDENT})
    assert float(value) == pytest.approx(0.007558, abs=1e-6)
