"""Maximum mean discrepancy between two views (DDGSD)."""

import numpy as np
import pytest

from keras_artkd import losses
from tests.losses.contract import (
    check_definition,
    check_gradient,
    check_loss_layer,
    gradients,
)
from tests.losses.views import EXAMPLES, MAPS, PAIRS, rows


def reference(features):
    if features.ndim == 4:
        features = features.mean((1, 2))
    views = features.reshape(EXAMPLES, 2, -1)
    return ((views[:, 0].mean(0) - views[:, 1].mean(0)) ** 2).sum()


def test_layer():
    check_loss_layer(
        losses.ViewMMD,
        "view_mmd",
        role="student",
        views=2,
        per_example=False,
        features="group3",
    )


def test_equals_the_definition():
    for features in (MAPS, MAPS.mean((2, 3)), 1e3 * PAIRS):
        check_definition(losses.view_mmd, reference, rows(features))


def test_equal_views_have_nothing_to_learn():
    features = np.repeat(MAPS[:, 0], 2, axis=0)
    np.testing.assert_array_equal(losses.view_mmd(features), 0.0)


def test_of_one_mean_is_zero():
    """Whichever example has which features."""
    shuffled = np.stack([MAPS[:, 0], MAPS[::-1, 0]], axis=1)
    assert float(losses.view_mmd(rows(shuffled))) == pytest.approx(0, abs=1e-12)


def test_huge_features():
    maps = rows(1e3 * MAPS).astype("float16")
    assert np.isfinite(losses.view_mmd(maps))


def test_both_views_learn():
    check_gradient(losses.view_mmd, rows(MAPS), step=1e-2)
    (gradient,) = gradients(losses.view_mmd, rows(MAPS))
    gradient = gradient.reshape(MAPS.shape)
    assert np.abs(gradient[:, 0]).max() > 1e-4
    np.testing.assert_allclose(gradient[:, 0], -gradient[:, 1], atol=1e-9)


def test_bad_shapes():
    with pytest.raises(ValueError, match="2 rows for each.*: 5 rows.*Fix"):
        losses.view_mmd(np.zeros((5, 3)))


def test_layer_reads_its_endpoint_of_the_student():
    student = {"features": rows(MAPS), "vector": rows(PAIRS)}
    for name in student:
        layer = losses.ViewMMD(features=name)
        assert layer.student_endpoints == (name,)
        np.testing.assert_allclose(
            layer(np.zeros(EXAMPLES), {}, student),
            losses.view_mmd(student[name]),
        )
