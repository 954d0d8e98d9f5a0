"""Promises of every network of the catalogue, by name."""

import pytest

from keras_artkd import models
from keras_artkd.catalogue.networks import NETWORKS
from keras_artkd.measure.cost import count_multiply_adds
from keras_artkd.models.endpoints import group_names
from tests.models.families import FAMILIES, family_of
from tests.models.networks import count_trainable, described, shapes


@pytest.mark.parametrize("name", FAMILIES)
def test_all_names_of_a_file_are_counted(name):
    module = NETWORKS[name].module
    names = {n for n, entry in NETWORKS.items() if entry.module == module}
    counted = FAMILIES[name].parameters
    assert set(counted) == names, f"FAMILY of tests/models/test_{module}.py"


# The same code as their siblings, with other numbers.
LARGER = {
    *("wrn_10_2", "wrn_10_4", "wrn_28_1", "wrn_28_2", "wrn_28_4"),
    *("wrn_16_4", "wrn_40_1", "wrn_40_4", "resnet32", "resnet56", "resnet110"),
    *("dianet34", "dianet50", "convnext_small", "convnext_base", "san15"),
    *("resnet101", "resnet152", "san15_patchwise", "san19_patchwise"),
    *(f"efficientnet_lite{i}" for i in (1, 3, 4)),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.exhaustive)
        if name in LARGER
        else name
        for name in NETWORKS
    ],
)
def test_parameters_and_endpoints(name):
    family = family_of(name)
    model = described(name)
    assert count_trainable(model) == family.parameters[name]
    if name in family.multiply_adds:
        millions = count_multiply_adds(model) / 1e6
        expected = family.multiply_adds[name]
        assert millions == pytest.approx(expected, rel=0.01)
    assert model.name == name

    found = shapes(model)
    groups = group_names(model)
    every = models.get_endpoints(model)
    before = [n for n in every if n.startswith("preactivation")]
    public = [n for n in before if n in found]
    assert list(found) == [*groups, *public, "features", "logits"]
    if name in family.groups:
        assert tuple(found[group] for group in groups) == family.groups[name]
    for endpoint in before:
        group = endpoint.replace("preactivation", "group")
        assert tuple(every[endpoint].shape[1:]) == found[group]
    *sides, channels = found[groups[-1]]
    assert found["features"] == (*sides, family.last or channels)
    assert found["logits"] == (100,)
    assert model.endpoints["logits"] is model.outputs[0]
    assert model.outputs[0].dtype == "float32"


@pytest.mark.parametrize(
    ("name", "parameters", "billions"),
    [
        # torchvision's counts and its billions of multiply-adds.
        pytest.param(
            "resnet18", 11_689_512, 1.814, marks=pytest.mark.exhaustive
        ),
        pytest.param(
            "resnet34", 21_797_672, 3.664, marks=pytest.mark.exhaustive
        ),
        ("resnet50", 25_557_032, 4.089),
        ("resnet101", 44_549_160, 7.801),
        pytest.param(
            "resnet152", 60_192_808, 11.514, marks=pytest.mark.exhaustive
        ),
        pytest.param(
            "densenet121", 7_978_856, 2.834, marks=pytest.mark.exhaustive
        ),
        ("shufflenet_v2", 2_278_604, 0.145),
        ("mobilenet_v2_x1_0", 3_504_872, 0.301),
    ],
)
def test_imagenet(name, parameters, billions):
    model = described(name, 1000, 224)
    assert count_trainable(model) == parameters
    multiply_adds = count_multiply_adds(model) / 1e9
    assert multiply_adds == pytest.approx(billions, abs=6e-4)


@pytest.mark.parametrize(
    ("name", "stem", "side"),
    [
        (name, stem, side)
        for name, family in FAMILIES.items()
        for stem, side in family.smallest.items()
    ],
)
def test_too_small_an_image(name, stem, side):
    options = {"stem": stem} if stem else {}
    message = rf"at least {side} pixels.*\({side - 1}, {side}, 3\).*Fix"
    with pytest.raises(ValueError, match=message):
        models.build(name, 3, (side - 1, side, 3), **options)


@pytest.mark.parametrize("name", [n for n, f in FAMILIES.items() if f.smallest])
@pytest.mark.parametrize("shape", [(None, None, 3), (32, 32)])
def test_no_image(name, shape):
    with pytest.raises(ValueError, match=r"\(height, width, 3\)"):
        models.build(name, 3, shape)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_classes": 0}, "num_classes=0"),
        ({"head": "max"}, "'pool', 'awgram'.*'max'"),
        ({"head": "awgram", "head_inputs": ("group9",)}, "group9"),
        ({"head": "awgram", "head_inputs": ()}, "one or two"),
    ],
)
def test_bad_arguments(options, message):
    options = {"num_classes": 3, "input_shape": (32, 32, 3), **options}
    with pytest.raises(ValueError, match=message):
        models.build("resnet8", **options)


def test_any_wide_resnet():
    assert models.build("wrn_22_3", 5, (16, 16, 3)).width == 3
    with pytest.raises(ValueError, match="depth=15"):
        models.build("wrn_15_1", 5)


def test_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match="wrn_16_2, .*convnext_tiny.*'resnet'"):
        models.build("resnet", 3)


def test_unknown_option():
    with pytest.raises(ValueError, match="wrn_16_2.*weights"):
        models.build("wrn_16_2", 3, weights="imagenet")


def test_weights_of_a_network_that_has_none():
    with pytest.raises(ValueError, match="no weights to begin with.*imagenet"):
        models.build("wrn_10_1", 3, (16, 16, 3), weights="imagenet")
