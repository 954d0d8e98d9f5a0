"""Networks of classes and rotations, and what is made of them."""

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.models import (
    ExitModel,
    RotationModel,
    build,
    get_endpoints,
    rotation_ensemble,
    upright,
    with_endpoints,
    with_exits,
    with_rotations,
    without_exits,
)
from tests.models.networks import (
    count_trainable,
    endpoint_values,
    images,
    perturbed,
    saved_and_loaded,
    shapes,
)

CLASSES = 3
SIDE = 16


def network(rotations=4, name="wrn_10_1", **options):
    shape = (SIDE, SIDE, 3)
    return perturbed(build(name, CLASSES * rotations, shape, **options))


def joint_logits(model, x):
    return endpoint_values(model, x)["logits"]


def turn(x, times):
    """Images turned by 90 degrees counter-clockwise."""
    return np.stack([np.rot90(image, times) for image in x])


@pytest.mark.parametrize("rotations", [1, 3, 4])
def test_upright_classes_of_all(rotations):
    joint = network(rotations)
    x = images(2, SIDE)
    expected = np.array(joint(x))
    model = with_rotations(joint, rotations)
    assert model.rotations == rotations
    assert model.output.shape == (None, CLASSES)
    np.testing.assert_array_equal(model(x), expected[:, ::rotations])
    np.testing.assert_array_equal(joint_logits(model, x), expected)


def test_endpoints_and_layers_are_the_network_s():
    joint = network()
    model = with_rotations(joint)
    assert (model.name, model.rotations) == (joint.name, 4)
    assert model.endpoints == joint.endpoints
    assert model.inner_endpoints == joint.inner_endpoints
    assert list(get_endpoints(model)) == list(get_endpoints(joint))
    assert [id(v) for v in model.weights] == [id(v) for v in joint.weights]
    plain = keras.Model(joint.inputs[0], joint.outputs[0])
    assert list(with_rotations(plain).endpoints) == ["logits"]


def test_one_rotation_is_the_network():
    joint = network(1)
    model = with_rotations(joint, rotations=1)
    x = images(2, SIDE)
    expected = np.array(joint(x))
    for same in (model, upright(model), rotation_ensemble(model)):
        np.testing.assert_array_equal(same(x), expected)
        assert same.count_params() == joint.count_params()


@pytest.mark.parametrize("head", ["pool", "awgram"])
def test_upright(head):
    model = with_rotations(network(head=head))
    smaller = upright(model)
    x = images(2, SIDE)
    np.testing.assert_allclose(smaller(x), model(x), rtol=1e-5, atol=1e-6)
    assert type(smaller).__name__ == "Functional"
    assert smaller.name == model.name
    assert smaller.layers[-1].name == "logits"
    vector = model.get_layer("logits").input.shape[-1]
    fewer = model.count_params() - smaller.count_params()
    assert fewer == 3 * CLASSES * (vector + 1)
    # The copied columns alone are the smaller network's own.
    own = {id(v) for v in model.weights}
    assert [v.path for v in smaller.weights if id(v) not in own] == [
        "logits/kernel",
        "logits/bias",
    ]


def test_upright_is_saved(tmp_path):
    smaller = upright(with_rotations(network()))
    restored = saved_and_loaded(smaller, images(2, SIDE), tmp_path / "m.keras")
    assert restored.count_params() == smaller.count_params()


def test_upright_of_other_models():
    plain = network(1)
    assert upright(plain) is plain
    assert upright(with_exits(plain)) is plain
    # Without a `Dense` in the end, all columns stay.
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(8, 3)(inputs)
    x = keras.layers.GlobalAveragePooling2D(name="top")(x)
    model = with_rotations(keras.Model(inputs, x))
    x = images(2, 8)
    assert upright(model).output.shape == (None, 2)
    np.testing.assert_array_equal(upright(model)(x), model(x))


def test_ensemble():
    joint = network(head="awgram")
    model = with_rotations(joint)
    ensemble = rotation_ensemble(model)
    x = images(3, SIDE)
    columns = [np.array(joint(turn(x, j)))[:, j::4] for j in range(4)]
    expected = np.mean(columns, axis=0)
    # The four views differ, or their order would not matter.
    assert np.abs(columns[1] - columns[3]).max() > 0.01
    np.testing.assert_allclose(ensemble(x), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        ensemble.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-5
    )
    assert ensemble.output.shape == (None, CLASSES)
    assert count_trainable(ensemble) == count_trainable(joint)


def test_ensemble_of_turned_images():
    """Turned, with labels turned along, images have the same classes.

    Column 4c + j of the second network is column 4c + (j + 1) % 4 of the
    first: it takes for upright what the first takes for turned once.
    """
    first = network()
    second = build("wrn_10_1", 4 * CLASSES, (SIDE, SIDE, 3))
    columns = np.arange(4 * CLASSES).reshape(CLASSES, 4)
    columns = np.roll(columns, -1, axis=1).ravel()
    *weights, kernel, bias = first.get_weights()
    second.set_weights([*weights, kernel[:, columns], bias[columns]])
    x = images(2, SIDE)
    expected = np.array(rotation_ensemble(with_rotations(first))(x))
    # The second sees view j + 1 as its view j, of images turned once.
    turned = rotation_ensemble(with_rotations(second))(turn(x, 1))
    np.testing.assert_allclose(turned, expected, rtol=1e-4, atol=1e-5)
    unturned = rotation_ensemble(with_rotations(second))(x)
    assert np.abs(unturned - expected).max() > 1e-3


def test_ensemble_is_saved(tmp_path):
    ensemble = rotation_ensemble(with_rotations(network()))
    saved_and_loaded(ensemble, images(2, SIDE), tmp_path / "m.keras")


def test_saving(tmp_path):
    model = with_rotations(network(2, name="resnet8"), 2)
    x = images(2, SIDE)
    restored = saved_and_loaded(model, x, tmp_path / "m.keras")
    assert restored.rotations == 2
    assert type(restored.unwrap()) is models.ResNet
    assert list(restored.endpoints) == list(model.endpoints)
    frozen = RotationModel(network(2), 2, name="other", trainable=False)
    copy = RotationModel.from_config(frozen.get_config())
    assert (copy.name, copy.trainable, copy.rotations) == ("other", False, 2)
    assert not copy.trainable_variables


@pytest.mark.parametrize(
    "kind",
    ["byot", pytest.param("frskd", marks=pytest.mark.exhaustive), "sla"],
)
def test_exits_on_top(kind, tmp_path):
    rotated = with_rotations(network())
    model = with_exits(rotated, kind)
    x = images(2, SIDE)
    assert model.output.shape == (None, CLASSES)
    assert model.endpoints["logits"].shape == (None, 4 * CLASSES)
    classes = {
        name: shape[-1]
        for name, shape in shapes(model).items()
        if name.endswith("_logits")
    }
    exits = ("exit1_logits", "exit2_logits", "exit3_logits")
    assert (
        classes
        == {
            "byot": dict.fromkeys(exits, 4 * CLASSES),
            "frskd": {"refined_logits": 4 * CLASSES},
            "sla": {"rotation_logits": 16 * CLASSES},
        }[kind]
    )
    assert without_exits(model) is rotated
    np.testing.assert_array_equal(model(x), rotated(x))

    restored = saved_and_loaded(model, x, tmp_path / "m.keras")
    assert type(restored) is ExitModel
    stripped = without_exits(restored)
    assert type(stripped) is RotationModel
    np.testing.assert_array_equal(stripped(x), rotated(x))
    for make in (upright, rotation_ensemble):
        np.testing.assert_array_equal(make(restored)(x), make(rotated)(x))


def test_named_layers():
    """A network of one's own, its layers named before."""
    inputs = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(8, use_bias=False, name="top")(x)
    named = with_endpoints(keras.Model(inputs, x), {"group1": "conv"})
    model = with_rotations(named)
    assert list(model.endpoints) == ["group1", "logits"]
    x = images(2, SIDE)
    np.testing.assert_allclose(upright(model)(x), model(x), rtol=1e-5)


def test_mixed_precision():
    joint = network(dtype="mixed_bfloat16")
    model = with_rotations(joint)
    for made in (model, upright(model), rotation_ensemble(model)):
        assert made.dtype_policy.name == "mixed_bfloat16"
        assert made.outputs[0].dtype == "float32"
    smaller = upright(model)
    assert smaller.get_layer("stem_conv").compute_dtype == "bfloat16"
    assert smaller.get_layer("logits").compute_dtype == "float32"
    x = images(2, SIDE)
    np.testing.assert_allclose(smaller(x), model(x), rtol=1e-5, atol=1e-6)


def test_rotations_out_of_range():
    joint = network()
    for rotations in (0, 5, "4"):
        with pytest.raises(ValueError, match=f"1, 2, 3 or 4.*{rotations!r}"):
            with_rotations(joint, rotations)


def test_bad_arguments():
    with pytest.raises(ValueError, match="each of 2.*9 logits.*num_classes"):
        with_rotations(network(3), 2)
    plain = network()
    exits = with_exits(plain)
    twice = with_rotations(plain)
    for model in (twice, with_exits(twice), exits):
        with pytest.raises(ValueError, match="once.*with_exits"):
            with_rotations(model)
    for model in (plain, exits):
        with pytest.raises(ValueError, match="WideResNet.*with_rotations"):
            rotation_ensemble(model)
    oblong = build("resnet8", 8, (16, 32, 3))
    with pytest.raises(ValueError, match="square.*16 x 32.*Fix"):
        rotation_ensemble(with_rotations(oblong))
    one = rotation_ensemble(with_rotations(oblong, 1))
    assert one.output.shape == (None, 8)
