"""Similarity-preserving distillation (SP)."""

import numpy as np
import pytest

from keras_artkd import losses
from tests.losses.contract import check_loss_layer
from tests.losses.relations import STUDENT, TEACHER, check_relation


def reference(teacher, student):
    def similarities(rows):
        gram = rows @ rows.T
        return gram / np.linalg.norm(gram, axis=1, keepdims=True)

    difference = similarities(teacher) - similarities(student)
    return (difference**2).sum() / len(teacher) ** 2


def test_layer():
    check_loss_layer(
        losses.SimilarityPreserving,
        "similarity_preserving",
        per_example=False,
        pair=("a", "b"),
    )


def test_relation():
    check_relation(losses.similarity_preserving, reference)


def test_vector():
    value = losses.similarity_preserving(TEACHER, STUDENT)
    assert float(value) == pytest.approx(0.095853, abs=1e-6)


def test_layer_flattens_maps():
    teacher, student = np.random.default_rng(4).normal(size=(2, 5, 4, 4, 3))
    flat = teacher.reshape(5, -1), student.reshape(5, -1)
    np.testing.assert_allclose(
        losses.SimilarityPreserving()(
            None, {"features": teacher}, {"features": student}
        ),
        losses.similarity_preserving(*flat),
        rtol=1e-5,
    )
