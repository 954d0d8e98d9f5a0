import keras
import numpy as np
import pytest

from keras_artkd.models import MobileNetV2, mobilenet_v2
from tests.models.networks import Family

FAMILY = Family(
    parameters={
        "mobilenet_v2": 812_836,
        # torchvision's, for 100 classes.
        "mobilenet_v2_x1_0": 3_504_872 - 900 * 1281,
    },
    groups={
        "mobilenet_v2": ((16, 16, 12), (8, 8, 16), (4, 4, 48), (2, 2, 160))
    },
    last=1280,
    group_is="linear",
    stages=(
        (16, 1, 1),
        (24, 2, 1),
        (32, 1, 2),
        (64, 1, 2),
        (96, 1, 1),
        (160, 1, 2),
        (320, 1, 1),
    ),
    config={
        "width": 0.25,
        "expansion": 2,
        "stem": "imagenet",
        "original": True,
    },
    smallest={"auto": 32, "imagenet": 32},
    cancelled="project_bn/beta",
    # Measured on the whole network: 0.81, for untrained it tells images little
    # apart; above 0.997 after eight epochs on the stripes of
    # `tests.deploy.test_export`.
    int8_correlation=0.75,
)


@pytest.fixture(autouse=True)
def few_blocks(monkeypatch):
    monkeypatch.setattr(mobilenet_v2, "STAGES", FAMILY.stages)


def test_strides_of_the_stages():
    """At 32 pixels, and as published for ImageNet."""
    expected = {"small": (16, 16, 8, 4, 4, 2, 2), "imagenet": (32, 16, 8)}
    sizes = {"small": 32, "imagenet": 64}
    for stem, sides in expected.items():
        size = sizes[stem]
        model = MobileNetV2(3, (size, size, 3), width=0.25, stem=stem)
        outputs = [
            model.get_layer(f"stage{i}_block1_project_bn").output.shape[1]
            for i in range(1, len(sides) + 1)
        ]
        assert outputs == list(sides)


def test_width():
    """Narrower stages leave the last convolution's 1280 channels alone."""
    for width, last in ((0.25, 1280), (1.5, 1920)):
        model = MobileNetV2(3, (32, 32, 3), width=width)
        assert model.endpoints["group4"].shape[-1] == 320 * width
        assert model.endpoints["features"].shape[-1] == last


def test_block_is_residual_where_the_shape_stays():
    inputs = keras.Input((8, 8, 6))
    for filters, strides, residual in (
        (6, 1, True),
        (6, 2, False),
        (4, 1, False),
    ):
        outputs = mobilenet_v2.apply_block(
            inputs, filters, strides, expansion=2, name="b"
        )
        model = keras.Model(inputs, outputs)
        # With nothing projected, what is left is the shortcut.
        model.get_layer("b_project_bn").gamma.assign(np.zeros(filters))
        x = np.random.default_rng(0).normal(size=(1, 8, 8, 6))
        left = np.array(model(x))
        expected = x if residual else np.zeros_like(left)
        np.testing.assert_allclose(left, expected, atol=1e-6)


def test_expansion():
    model = MobileNetV2(3, (32, 32, 3))
    for block, channels in (("stage1_block1", 16), ("stage4_block1", 96)):
        layer = model.get_layer(f"{block}_depthwise_conv")
        assert layer.output.shape[-1] == channels


def test_original():
    """ReLU6, and no expansion in the first block."""
    model = MobileNetV2(3, (32, 32, 3), width=0.25, original=True)
    values = {
        layer.max_value
        for layer in model.layers
        if isinstance(layer, keras.layers.ReLU)
    }
    assert values == {6.0}
    names = [layer.name for layer in model.layers]
    assert "stage1_block1_expand_conv" not in names
    assert "stage2_block1_expand_conv" in names


@pytest.mark.parametrize("arguments", [{"width": 0.05}, {"expansion": 0}])
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match="at least 1/16 and"):
        MobileNetV2(3, (32, 32, 3), **arguments)
