import numpy as np
import pytest

from keras_artkd.models import ResNet, build
from tests.models.networks import (
    between,
    built,
    endpoint_values,
    images,
    perturbed,
)
from tests.models.reference import convolve, normalise, relu


@pytest.mark.parametrize("bottleneck", [False, True])
def test_blocks_equal_the_equations(bottleneck):
    model = perturbed(
        ResNet((1, 2), (4, 6), 3, (16, 16, 3), bottleneck=bottleneck)
    )

    def weights(layer):
        return model.get_layer(layer).get_weights()

    def conv_bn(x, name, strides=1):
        x = convolve(x, weights(f"{name}_conv")[0], strides)
        return normalise(x, weights(f"{name}_bn"))

    def block(x, name, strides):
        """The 3x3 convolution that comes first, or alone, is strided."""
        if bottleneck:
            y = relu(conv_bn(x, f"{name}_1"))
            y = relu(conv_bn(y, f"{name}_2", strides))
            y = conv_bn(y, f"{name}_3")
        else:
            y = relu(conv_bn(x, f"{name}_1", strides))
            y = conv_bn(y, f"{name}_2")
        changed = strides > 1 or x.shape[-1] != y.shape[-1]
        return y + (conv_bn(x, f"{name}_shortcut", strides) if changed else x)

    values = endpoint_values(model, images(2, 16))
    first = relu(block(values["group1"], "group2_block1", 2))
    total = block(first, "group2_block2", 1)
    np.testing.assert_allclose(
        values["preactivation2"], total, rtol=1e-4, atol=1e-4
    )
    np.testing.assert_allclose(
        values["group2"], relu(total), rtol=1e-4, atol=1e-4
    )
    names = [layer.name for layer in model.layers]
    # Four filters in, four out; a bottleneck has sixteen out.
    assert ("group1_block1_shortcut_conv" in names) == bottleneck
    assert "group2_block1_shortcut_conv" in names
    assert "group2_block2_shortcut_conv" not in names


def test_stem():
    x = images(2)
    model = built("resnet8x4")
    kernel = model.get_layer("stem_conv").get_weights()[0]
    assert kernel.shape == (3, 3, 3, 32)
    np.testing.assert_allclose(
        between(model, "rescaling", "stem_conv", x),
        convolve((x / 255 - 0.5) / 0.25, kernel),
        rtol=1e-4,
        atol=1e-4,
    )
    kernel = build("resnet18", 3, (64, 64, 3), stem="imagenet").get_layer(
        "stem_conv"
    )
    assert kernel.kernel.shape == (7, 7, 3, 64)


@pytest.mark.parametrize(
    ("num_blocks", "filters", "message"),
    [
        ((1, 1), (4,), "one number for each group"),
        ((), (), "one number for each group"),
        ((1, 0), (4, 4), "at least 1"),
        ((1,), (0,), "at least 1"),
    ],
)
def test_bad_arguments(num_blocks, filters, message):
    with pytest.raises(ValueError, match=message):
        ResNet(num_blocks, filters, 3, (16, 16, 3))
