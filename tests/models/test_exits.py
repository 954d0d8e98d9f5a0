"""Exits on a network's inner maps, and their removal."""

import keras
import numpy as np
import pytest

from keras_artkd import losses, models
from keras_artkd.distillers import Distiller
from keras_artkd.models import (
    ExitModel,
    build,
    get_endpoints,
    with_endpoints,
    with_exits,
    without_exits,
)
from keras_artkd.models.endpoints import group_names
from tests.models.families import CLASSES, built_small
from tests.models.networks import (
    count_trainable,
    described,
    endpoint_values,
    images,
    perturbed,
    saved_and_loaded,
    shapes,
)

KINDS = ("byot", "pd_byot", "skdsam")
# Heads that are no exits.
OTHER_KINDS = ("sla", "frskd")
# Shifts, and before the first step scales, that the next batch normalisation
# takes away again.
CANCELLED = ("conv/bias", "projection1_2_bn/gamma")


def resnet8(num_classes=4, side=16):
    return build("resnet8", num_classes, (side, side, 3))


def count_exit(model, name):
    """Trainable parameters of the exits' layers that begin with a name."""
    return sum(
        count_trainable(layer)
        for layer in model.exit_layers
        if layer.name.startswith(name)
    )


def find_layer(model, name):
    return next(layer for layer in model.exit_layers if layer.name == name)


def test_parameters():
    """The thesis's ResNet18: bottlenecks of figures 4.7 to 4.9."""
    network = described("resnet18")
    with keras.StatelessScope():
        attentive, plain = (
            with_exits(network, "skdsam"),
            with_exits(network, "byot"),
        )
    for i, expected in enumerate((268_800, 254_976, 202_752), start=1):
        for model in (attentive, plain):
            assert count_exit(model, f"exit{i}_bottleneck") == expected
            assert count_exit(model, f"exit{i}_logits") == 512 * 100 + 100
    for i, channels in enumerate((64, 128, 256, 512), start=1):
        # 9 c + c^2 + 2 c, 9 c + 512 c + 1024, and the last normalisation.
        unit = channels**2 + (9 + 2 + 9 + 512) * channels + 1024
        assert count_exit(attentive, f"exit{i}_projection") == unit + 1024
        assert count_exit(plain, f"exit{i}_projection") == 0
    assert count_exit(plain, "exit4") == 0
    assert count_trainable(network) == 11_220_132
    assert count_trainable(attentive) == 11_220_132 + count_exit(
        attentive, "exit"
    )


def test_parameters_of_patches():
    """128 channels inside, with bias; a patch is 8, 4 and 2 pixels wide."""
    with keras.StatelessScope():
        model = with_exits(described("resnet18"), "pd_byot")
    for i, channels, side in ((1, 64, 8), (2, 128, 4), (3, 256, 2)):
        expected = (
            (channels * 128 + 3 * 128)
            + (side**2 * 128 * 128 + 3 * 128)
            + (128 * 512 + 3 * 512)
        )
        assert count_exit(model, f"exit{i}_bottleneck") == expected
        patches = find_layer(model, f"exit{i}_bottleneck2_conv").output
        assert tuple(patches.shape[1:]) == (4, 4, 128)


# SKDSAM's exits are BYOT's, and projections.
@pytest.mark.parametrize(
    "kind",
    [pytest.param("byot", marks=pytest.mark.exhaustive), "pd_byot", "skdsam"],
)
@pytest.mark.parametrize(
    ("name", "exits", "channels"),
    [
        ("resnet8", 3, 64),
        ("wrn_10_1", 3, 64),
        # Its last two groups are of one size.
        ("vgg8", 4, 512),
        # Its last map is not a group.
        ("mobilenet_v2", 4, 1280),
        ("shufflenet_v1", 2, 480),
    ],
)
def test_endpoints(name, exits, channels, kind):
    network = built_small(name)
    with keras.StatelessScope():
        model = with_exits(network, kind)
    added = {}
    for i in range(1, exits + 1):
        added[f"exit{i}_logits"] = (None, 10)
        added[f"exit{i}_features"] = (None, channels)
        if kind == "skdsam":
            added[f"exit{i}_projection"] = (None, channels)
    own = list(network.endpoints)
    assert list(model.endpoints) == [*own[:-1], *added, "logits"]
    for endpoint, shape in added.items():
        assert tuple(model.endpoints[endpoint].shape) == shape
    assert set(get_endpoints(network)) <= set(get_endpoints(model))
    assert model.endpoints["logits"] is model.outputs[0]
    assert model.endpoints[f"exit{exits}_logits"] is model.outputs[0]
    assert model.name == name
    assert count_trainable(model) > count_trainable(network)
    assert without_exits(model) is network


def test_exits_read_what_they_say():
    model = with_exits(resnet8(), "skdsam")
    values = endpoint_values(model, images(2, 16))
    np.testing.assert_array_equal(values["exit3_logits"], values["logits"])
    pooled = values["features"].mean((1, 2))
    np.testing.assert_allclose(values["exit3_features"], pooled, rtol=1e-5)
    for i in (1, 2):
        kernel, bias = find_layer(model, f"exit{i}_logits").get_weights()
        np.testing.assert_allclose(
            values[f"exit{i}_logits"],
            values[f"exit{i}_features"] @ kernel + bias,
            rtol=1e-4,
            atol=1e-5,
        )
        assert values[f"exit{i}_features"].min() >= 0
    for i in (1, 2, 3):
        projection = values[f"exit{i}_projection"]
        assert 0.5 <= projection.min() < projection.max() <= 1.0


@pytest.mark.parametrize("name", ["resnet8", "mobilenet_v2"])
def test_classifier_of_rotations(name):
    """Of the pooled last map, which MobileNetV2's is not a group."""
    network = built_small(name)
    model = with_exits(network, "sla")
    own = list(network.endpoints)
    assert list(model.endpoints) == [*own[:-1], "rotation_logits", "logits"]
    assert model.endpoints["rotation_logits"].shape == (None, 40)
    assert [layer.name for layer in model.exit_layers] == [
        "rotation_pool",
        "rotation_logits",
    ]
    values = endpoint_values(model, images(2))
    kernel, bias = find_layer(model, "rotation_logits").get_weights()
    np.testing.assert_allclose(
        values["rotation_logits"],
        values["features"].mean((1, 2)) @ kernel + bias,
        rtol=1e-4,
        atol=1e-5,
    )
    seven = with_exits(network, "sla", num_classes=7)
    assert seven.endpoints["rotation_logits"].shape == (None, 28)


# Raw groups, those of one size, and those of no activation.
UNLIKE = ("wrn_10_1", "vgg8", "mobilenet_v2")


@pytest.mark.parametrize(
    "name",
    [
        name
        if name in UNLIKE
        else pytest.param(name, marks=pytest.mark.exhaustive)
        for name in CLASSES
    ],
)
def test_self_teacher(name):
    network = built_small(name)
    with keras.StatelessScope():
        model = with_exits(network, "frskd")
    added, refined = {}, {}
    for group in group_names(network):
        *size, channels = network.endpoints[group].shape[1:]
        added[group.replace("group", "activated")] = (*size, channels)
        refined[group.replace("group", "refined")] = (*size, 2 * channels)
    added |= {**refined, "refined_logits": (10,)}
    own = list(network.endpoints)
    assert list(model.endpoints) == [*own[:-1], *added, "logits"]
    assert {name: shapes(model)[name] for name in added} == added


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_other_heads_are_saved(kind, tmp_path):
    model = perturbed(with_exits(resnet8(), kind, num_classes=3))
    x = images(2, 16)
    expected = endpoint_values(model, x)
    restored = saved_and_loaded(model, x, tmp_path / "model.keras")
    assert (restored.kind, restored.num_classes) == (kind, 3)
    stripped = without_exits(restored)
    assert type(stripped) is models.ResNet
    assert len(stripped.weights) == len(resnet8().weights)
    np.testing.assert_array_equal(stripped(x), expected["logits"])


@pytest.mark.parametrize("kind", [*KINDS, *OTHER_KINDS])
def test_network_stays_as_it_is(kind):
    network = resnet8()
    x = images(2, 16)
    before = np.array(network(x))
    model = with_exits(network, kind)
    assert without_exits(model) is network
    assert without_exits(network) is network
    np.testing.assert_array_equal(model(x), before)
    assert len(network.weights) == len(resnet8().weights)
    own = {id(v) for v in network.weights}
    added = [v for v in model.weights if id(v) not in own]
    assert len(added) + len(own) == len(model.weights)
    beginnings = ("exit", "rotation", "refined")
    assert all(v.path.startswith(beginnings) for v in added)


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        pytest.param("byot", losses.Byot(), marks=pytest.mark.exhaustive),
        ("pd_byot", losses.Byot(decay=(0.6, 1.1, 1.0))),
        ("skdsam", losses.Skdsam(attention="cosine")),
    ],
)
def test_training_and_saving(kind, loss, tmp_path):
    """A step trains all; loaded and stripped, the student answers the same."""
    network = resnet8()
    distiller = Distiller(with_exits(network, kind), transfer_losses=[loss])
    # Graphs of methods with exits are traced in `tests/distillers`.
    distiller.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    before = [v.numpy() for v in distiller.student.trainable_variables]
    x, y = images(8, 16), np.arange(8) % 4
    logs = distiller.train_on_batch(x, y, return_dict=True)
    assert np.isfinite(logs["loss"])
    student = distiller.student
    for old, variable in zip(before, student.trainable_variables, strict=True):
        cancelled = variable.path.endswith(CANCELLED)
        assert cancelled or np.any(old != variable), variable.path

    logits = np.array(student(x))
    np.testing.assert_array_equal(network(x), logits)
    restored = saved_and_loaded(student, x, tmp_path / "student.keras")
    assert restored.kind == kind

    stripped = without_exits(restored)
    assert type(stripped) is models.ResNet
    assert stripped.get_config() == network.get_config()
    assert list(stripped.endpoints) == list(network.endpoints)
    assert [v.path for v in stripped.weights] == [
        v.path for v in network.weights
    ]
    np.testing.assert_array_equal(stripped(x), logits)


def test_config():
    network = resnet8()
    model = ExitModel(network, "pd_byot", 7, name="other", trainable=False)
    assert model.endpoints["exit1_logits"].shape == (None, 7)
    restored = ExitModel.from_config(model.get_config())
    for copy in (model, restored):
        assert (copy.kind, copy.num_classes) == ("pd_byot", 7)
        assert (copy.name, copy.trainable) == ("other", False)
        assert not copy.trainable_variables
    paths = [v.path for v in model.weights]
    assert [v.path for v in restored.weights] == paths


def test_any_functional_model():
    """Without `features` the last group is the last map."""
    inputs = x = keras.Input((8, 8, 3))
    for i in (1, 2):
        x = keras.layers.Conv2D(2 * i, 3, 2, "same", name=f"conv{i}")(x)
    x = keras.layers.GlobalAveragePooling2D(name="vector")(x)
    network = keras.Model(inputs, keras.layers.Dense(3)(x))
    named = with_endpoints(network, {"group1": "conv1", "group2": "conv2"})
    values = endpoint_values(with_exits(named, "skdsam"), images(2, 8))
    pooled = values["group2"].mean((1, 2))
    np.testing.assert_allclose(values["exit2_features"], pooled, rtol=1e-5)
    assert values["exit1_logits"].shape == (2, 3)
    # One group is enough for what reads the last map alone.
    one = with_exits(with_endpoints(network, {"group7": "conv1"}), "sla")
    values = endpoint_values(one, images(2, 8))
    np.testing.assert_allclose(
        values["rotation_logits"],
        values["group7"].mean((1, 2))
        @ find_layer(one, "rotation_logits").get_weights()[0],
        rtol=1e-4,
    )


def test_mixed_precision():
    network = build("resnet8", 4, (16, 16, 3), dtype="mixed_bfloat16")
    model = with_exits(network, "skdsam")
    assert model.dtype_policy.name == "mixed_bfloat16"
    assert model.endpoints["exit1_logits"].dtype == "float32"
    assert model.endpoints["exit1_projection"].dtype == "bfloat16"
    distiller = Distiller(model, transfer_losses=[losses.Skdsam()])
    distiller.compile()
    endpoints = distiller(images(2, 16), training=True)
    _, objective = distiller.compute_terms(np.arange(2), endpoints)
    assert np.isfinite(objective)


def small_model(side=8):
    inputs = keras.Input((side, side, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", name="conv1")(inputs)
    x = keras.layers.Conv2D(4, 3, padding="same", name="conv2")(x)
    x = keras.layers.GlobalAveragePooling2D(name="vector")(x)
    return keras.Model(inputs, keras.layers.Dense(3)(x), name="small")


def test_bad_arguments():
    known = "byot, pd_byot, skdsam, sla, frskd"
    with pytest.raises(ValueError, match=f"{known}.*'sad'"):
        with_exits(resnet8(), "sad")
    with pytest.raises(ValueError, match="'sla'.*an endpoint.*'small'.*Fix"):
        with_exits(small_model(), "sla")
    with pytest.raises(ValueError, match="two endpoints.*'small'.*Fix"):
        with_exits(small_model())
    with pytest.raises(ValueError, match="two endpoints.*group1, logits"):
        with_exits(with_endpoints(small_model(), {"group1": "conv1"}))
    groups = {"group1": "conv1", "group2": "vector"}
    with pytest.raises(ValueError, match="fixed size.*'group2'.*Fix"):
        with_exits(with_endpoints(small_model(), groups))
    groups["group2"] = "conv2"
    with pytest.raises(ValueError, match="fixed size.*None.*input_shape"):
        with_exits(with_endpoints(small_model(None), groups))
    with pytest.raises(ValueError, match="once.*'byot'.*without_exits"):
        with_exits(with_exits(resnet8()))
    with pytest.raises(ValueError, match="exit1_projection"):
        Distiller(with_exits(resnet8()), transfer_losses=[losses.Skdsam()])
