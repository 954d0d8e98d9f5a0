import sys

import keras

from keras_artkd.models import build
from tests.models.networks import Family, described, images, saved_and_loaded

# torchvision's, for 100 classes.
FAMILY = Family(
    parameters={
        "convnext_tiny": 28_589_128 - 900 * 769,
        "convnext_small": 50_223_688 - 900 * 769,
        "convnext_base": 88_591_464 - 900 * 1025,
    },
    groups={"convnext_tiny": ((4, 4, 192), (2, 2, 384), (1, 1, 768))},
)


def test_groups_are_what_the_next_stage_reads():
    """A stage ends in a sum, which has no name of its own."""
    model = described("convnext_tiny")
    for i in (1, 2):
        reader = model.get_layer(f"convnext_tiny_downsampling_block_{i}")
        assert model.endpoints[f"group{i}"] is reader.input


def test_saving(tmp_path, monkeypatch):
    """Of a few small blocks, by which Keras makes it."""
    file = sys.modules[keras.applications.ConvNeXtTiny.__module__]
    config = {"depths": [1, 1, 2, 1], "projection_dims": [8, 16, 16, 32]}
    monkeypatch.setitem(
        file.MODEL_CONFIGS, "tiny", {**file.MODEL_CONFIGS["tiny"], **config}
    )
    model = build("convnext_tiny", 4, (32, 32, 3))
    assert model.endpoints["group3"].shape == (None, 1, 1, 32)
    saved_and_loaded(model, images(2), tmp_path / "m.keras")
