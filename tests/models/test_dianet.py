import numpy as np
import pytest

from keras_artkd.models import DIANet, ResNet
from tests.models.networks import (
    Family,
    count_trainable,
    endpoint_values,
    images,
    perturbed,
)
from tests.models.reference import convolve, normalise, relu


def count_units(*channels):
    """Parameters of the attention, by formula: four dense layers a group."""
    return sum((5 * c**2 + 17 * c) // 2 for c in channels)


UNITS = count_units(64, 128, 256, 512)
# The ResNets' and the units'.
FAMILY = Family(
    parameters={
        "dianet": 11_220_132 + UNITS,
        "dianet34": 21_328_292 + UNITS,
        "dianet50": 23_705_252 + count_units(256, 512, 1024, 2048),
    },
    groups={"dianet": ((32, 32, 64), (16, 16, 128), (8, 8, 256), (4, 4, 512))},
    small={"num_blocks": (2, 2), "filters": (8, 16)},
    config={
        "num_blocks": (1, 1),
        "filters": (2, 4),
        "stem_filters": 3,
        "bottleneck": True,
        "stem": "imagenet",
    },
    smallest={"auto": 16, "imagenet": 32},
)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_group_equals_the_equations():
    """Three blocks, so that what is remembered is made of what was."""
    model = perturbed(DIANet((3,), (8,), 3, (8, 8, 3)))

    def weights(layer):
        return model.get_layer(layer).get_weights()

    def dense(x, name):
        kernel, bias = weights(f"group1_attention_{name}")
        return x @ kernel + bias

    def gates(pooled, hidden):
        total = dense(relu(dense(pooled, "input_reduce")), "input_expand")
        return total + dense(
            relu(dense(hidden, "hidden_reduce")), "hidden_expand"
        )

    x = images(2, 8)
    values = endpoint_values(model, x)
    x = convolve((x / 255 - 0.5) / 0.25, *weights("stem_conv"))
    x = relu(normalise(x, weights("stem_bn")))
    hidden = cell = np.zeros((2, 8))
    for block in ("group1_block1", "group1_block2", "group1_block3"):
        residual = convolve(x, *weights(f"{block}_1_conv"))
        residual = relu(normalise(residual, weights(f"{block}_1_bn")))
        residual = convolve(residual, *weights(f"{block}_2_conv"))
        residual = normalise(residual, weights(f"{block}_2_bn"))
        write, keep, new, answer = np.split(
            gates(residual.mean(axis=(1, 2)), hidden), 4, axis=-1
        )
        cell = sigmoid(keep) * cell + sigmoid(write) * np.tanh(new)
        hidden = sigmoid(answer) * sigmoid(cell)
        total = residual * hidden[:, None, None] + x
        x = relu(total)
    np.testing.assert_allclose(
        values["preactivation1"], total, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("blocks", [1, 2])
def test_a_group_has_one_unit(blocks):
    """However many blocks it has: those of the authors' ResNet-164."""
    arguments = ((blocks,) * 3, (16, 32, 64), 100, (8, 8, 3))
    counts = [
        count_trainable(network(*arguments, bottleneck=True))
        for network in (ResNet, DIANet)
    ]
    assert counts[1] - counts[0] == 10_784 + 42_048 + 166_016
