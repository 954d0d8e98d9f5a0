import keras
import numpy as np
import pytest

from keras_artkd.models.shuffle_blocks import (
    apply_grouped_pointwise,
    channel_shuffle,
)
from tests.models.networks import count_trainable


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_channel_shuffle(groups):
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 12)).astype("float32")
    per_group = 12 // groups
    order = [g * per_group + i for i in range(per_group) for g in range(groups)]
    np.testing.assert_array_equal(channel_shuffle(x, groups), x[..., order])


def test_grouped_pointwise_keeps_groups_apart():
    inputs = keras.Input((2, 3, 6))
    model = keras.Model(inputs, apply_grouped_pointwise(inputs, 9, 3, name="c"))
    # A third of what one convolution of all channels has.
    assert count_trainable(model) == 6 * 9 // 3
    x = np.random.default_rng(0).normal(size=(1, 2, 3, 6))
    expected = [
        x[..., 2 * g : 2 * g + 2] @ model.get_layer(f"c{g + 1}").kernel[0, 0]
        for g in range(3)
    ]
    np.testing.assert_allclose(
        model(x), np.concatenate(expected, axis=-1), atol=1e-5
    )
