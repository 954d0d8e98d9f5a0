import keras
import numpy as np
import pytest

from keras_artkd.models import VGG
from tests.models.networks import Family, built, endpoint_values, images
from tests.models.reference import convolve, normalise, relu

GROUPS = ((16, 16, 128), (8, 8, 256), (4, 4, 512), (4, 4, 512))
FAMILY = Family(
    # mdistiller's.
    parameters={"vgg8": 3_965_028, "vgg13": 9_462_180},
    groups={"vgg8": GROUPS, "vgg13": GROUPS},
    config={"depth": 13},
    smallest={None: 16},
    cancelled="conv/bias",
)


def test_block_equals_the_equations():
    model = built("vgg13")
    values = endpoint_values(model, images(2))
    # Pooled by two, as windows of a reshaped map.
    x = values["group2"].reshape(2, 4, 2, 4, 2, 256).max(axis=(2, 4))
    for i in (1, 2):
        kernel, bias = model.get_layer(f"block4_{i}_conv").get_weights()
        before = normalise(
            convolve(x, kernel) + bias,
            model.get_layer(f"block4_{i}_bn").get_weights(),
        )
        x = relu(before)
    tolerance = {"rtol": 1e-4, "atol": 1e-4 * np.abs(before).max()}
    np.testing.assert_allclose(values["preactivation3"], before, **tolerance)
    np.testing.assert_allclose(values["group3"], x, **tolerance)


@pytest.mark.parametrize(("size", "pools"), [(32, 3), (63, 3), (64, 4)])
def test_poolings(size, pools):
    model = VGG(8, 3, (size, size + 9, 3))
    found = [
        x for x in model.layers if isinstance(x, keras.layers.MaxPooling2D)
    ]
    assert len(found) == pools
    if size != 63:
        assert model.endpoints["features"].shape[1] == 4


def test_bad_depth():
    with pytest.raises(ValueError, match="8, 13.*depth=16"):
        VGG(16, 3, (32, 32, 3))
