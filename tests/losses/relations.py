"""Checks of losses on the relations of a batch: RKD, SP, PKT."""

import numpy as np
import pytest
import tensorflow as tf

from tests.losses.contract import check_gradient

TEACHER = np.array([[2.0, 0], [0, 1], [0, 2]])
STUDENT = np.array([[1.0, 0], [0, 1], [1, 1]])


def check_relation(function, reference, translated=False):
    """The definition, the gradient, invariances and degenerate batches.

    Args:
        function: of teacher and student, `(batch, dim)`, gives a scalar.
        reference: the same in NumPy.
        translated: whether a translation of either side changes nothing.
    """
    random = np.random.default_rng(0)
    teacher, student = random.normal(size=(7, 5)), random.normal(size=(7, 3))
    for offset in (0.0, 2.0):
        sides = teacher + offset, student - offset
        result = function(*sides)
        assert result.shape == ()
        assert float(result) == pytest.approx(reference(*sides), rel=1e-4)
    slope = check_gradient(
        lambda s: 100 * function(teacher[:5], s), student[:5], step=1e-2
    )
    assert abs(slope) > 1e-2
    _check_invariances(function, translated)
    _check_degenerate(function)


def _check_invariances(function, translated):
    """Orthogonal maps and scale, of either side."""
    random = np.random.default_rng(1)
    teacher, student = random.normal(size=(6, 4)), random.normal(size=(6, 4))
    rotation, _ = np.linalg.qr(random.normal(size=(4, 4)))
    expected = float(function(teacher, student))
    assert expected > 1e-4
    changed = [
        (teacher @ rotation, student),
        (teacher, 7 * student @ rotation),
        (1e-3 * teacher, student),
    ]
    if translated:
        changed.append((teacher + 3.0, student - 1.0))
    for sides in changed:
        assert float(function(*sides)) == pytest.approx(expected, rel=1e-3)
    assert float(function(teacher, 5 * teacher @ rotation)) == pytest.approx(
        0.0, abs=1e-6
    )


def _check_degenerate(function):
    """Finite where examples coincide or vanish, in either precision."""
    random = np.random.default_rng(2)
    plain = random.normal(size=(4, 3))
    coinciding = np.repeat(plain[:2], 2, axis=0)
    opposite = np.concatenate([plain[:2], -plain[:2]])
    either = [np.zeros((4, 3)), coinciding, opposite, 6e4 * np.ones((4, 3))]
    out_of_range = [1e25 * plain, 1e-25 * plain]
    for dtype, batches in (
        ("float16", either),
        ("float32", either + out_of_range),
    ):
        for rows in batches:
            rows = tf.Variable(rows.astype(dtype))
            for sides in ((plain, rows), (rows, rows)):
                with tf.GradientTape() as tape:
                    value = function(*sides)
                assert value.dtype == "float32"
                assert np.isfinite(value)
                assert np.isfinite(tape.gradient(value, rows)).all()
