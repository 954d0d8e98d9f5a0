import numpy as np
import pytest

from keras_artkd.models import ResNet, build
from tests.models.networks import (
    Family,
    between,
    endpoint_values,
    images,
    perturbed,
)
from tests.models.reference import convolve, normalise, relu

FAMILY = Family(
    # mdistiller's; resnet8 has two blocks a group fewer than resnet20.
    parameters={
        "resnet8": 278_324 - 194_432,
        "resnet20": 278_324,
        "resnet32": 472_756,
        "resnet56": 861_620,
        "resnet110": 1_736_564,
        "resnet8x4": 1_233_540,
        "resnet32x4": 7_433_860,
        "resnet18": 11_220_132,
        "resnet34": 21_328_292,
        "resnet50": 23_705_252,
        # torchvision's, less its larger stem and 900 classes.
        "resnet101": 44_549_160 - 64 * 3 * (49 - 9) - 900 * 2049,
        "resnet152": 60_192_808 - 64 * 3 * (49 - 9) - 900 * 2049,
    },
    multiply_adds={
        # https://github.com/akamaster/pytorch_resnet_cifar10 and He et al.
        "resnet20": 41,
        "resnet32": 69,
        "resnet56": 126,
        "resnet110": 253,
        # https://github.com/weiaicunzai/pytorch-cifar100: 0.56 and 1.16 G.
        "resnet18": 556,
        "resnet34": 1160,
    },
    groups={
        "resnet20": ((32, 32, 16), (16, 16, 32), (8, 8, 64)),
        "resnet8x4": ((32, 32, 64), (16, 16, 128), (8, 8, 256)),
        "resnet18": ((32, 32, 64), (16, 16, 128), (8, 8, 256), (4, 4, 512)),
        "resnet50": ((32, 32, 256), (16, 16, 512), (8, 8, 1024), (4, 4, 2048)),
    },
    config={
        "num_blocks": (1, 1),
        "filters": (2, 4),
        "stem_filters": 3,
        "bottleneck": True,
        "stem": "imagenet",
    },
    smallest={"small": 8, "auto": 8, "imagenet": 16},
)


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
    model = build("resnet8x4", 3, (32, 32, 3))
    kernel = model.get_layer("stem_conv").get_weights()[0]
    assert kernel.shape == (3, 3, 3, 32)
    np.testing.assert_allclose(
        between(model, "rescaling", "stem_conv", x),
        convolve((x / 255 - 0.5) / 0.25, kernel),
        rtol=1e-4,
        atol=1e-4,
    )
    large = ResNet((1, 1), (4, 4), 3, (64, 64, 3), stem="imagenet")
    assert large.get_layer("stem_conv").kernel.shape == (7, 7, 3, 4)
    # Two halvings before the groups and one in them.
    assert large.endpoints["features"].shape[1:3] == (8, 8)


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
