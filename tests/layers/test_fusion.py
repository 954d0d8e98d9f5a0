import numpy as np
import pytest

from keras_artkd.layers import FastNormalizedFusion
from tests.contract import check_config


def test_weighted_sum():
    layer = FastNormalizedFusion()
    maps = [np.full((2, 3, 3, 1), value, "float32") for value in (1, 2, 6)]
    np.testing.assert_allclose(layer(maps), np.full((2, 3, 3, 1), 3), rtol=1e-6)
    # Equal before training; a negative weight takes its map away.
    layer.fusion_weights.assign([3.0, 1.0, -5.0])
    np.testing.assert_allclose(layer(maps)[0, 0, 0], [1.25], rtol=1e-6)
    layer.fusion_weights.assign([-1.0, -1.0, -1.0])
    np.testing.assert_array_equal(layer(maps)[0, 0, 0], [0.0])
    assert layer.compute_output_shape([(None, 4, 4, 2)] * 2) == (None, 4, 4, 2)
    check_config(layer)


@pytest.mark.parametrize(
    "inputs",
    [
        np.ones((1, 4, 4, 2)),
        [np.ones((1, 4, 4, 2))],
        [np.ones((1, 4, 4, 2)), np.ones((1, 2, 2, 2))],
    ],
)
def test_bad_maps(inputs):
    with pytest.raises(ValueError, match="two or more, of the same shape.*Fix"):
        FastNormalizedFusion()(inputs)
