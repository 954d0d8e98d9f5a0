"""Student, teachers and distiller of a plan."""

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.models.levels import level_sizes
from keras_artkd.runs.networks import (
    build_distiller,
    build_expert,
    build_student,
    built_head,
    check_student,
)
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.presets import recipe_presets, tutorial
from tests.runs.settings import preset, small_plan


def expert(num_classes=4, side=16):
    return models.build("wrn_10_1", num_classes, (side, side, 3))


def staged(**changes):
    settings = {"method": "ms_mgans", "epochs": 10, "expert_epochs": 4}
    return small_plan("npz", **{**settings, "drops": (0.5,), **changes})


def test_students_start_from_the_same_weights():
    """From the seed, whatever the method."""
    first, second, other = (
        build_distiller(small_plan("npz", **changes), 4, expert()).student
        for changes in (
            {"method": "baseline"},
            {"method": "kd+rocket"},
            {"method": "baseline", "seed": 1},
        )
    )
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


@pytest.mark.parametrize(
    ("changes", "levels"),
    [
        ({}, None),
        ({"expert_head": "levels"}, [16, 32, 64]),
        ({"teacher_head": "levels"}, [16, 32, 64]),
        ({"teacher_head": "levels", "expert_head": "pool"}, None),
    ],
)
def test_the_head_of_the_expert(changes, levels):
    plan = small_plan("npz", method="kd", **changes)
    assert level_sizes(build_expert(plan, 4)) == levels
    # Its own run builds the same network, as its student.
    assert level_sizes(build_student(plan.expert, 4)) == levels
    assert level_sizes(build_student(plan, 4)) is None


def test_a_network_without_inner_maps_keeps_its_head(tmp_path):
    inputs = keras.Input((16, 16, 3))
    maps = keras.layers.Conv2D(4, 3)(inputs)
    keras.Model(inputs, maps).save(tmp_path / "own.keras")
    plan = small_plan("npz", student=str(tmp_path / "own.keras"), head="levels")
    student = build_student(plan, 4)
    assert level_sizes(student) is None
    assert student.output_shape == (None, 4)
    # And it is called so.
    assert built_head(plan, student) == "pool"
    levels = small_plan("npz", head="levels")
    assert built_head(levels, build_student(levels, 4)) == "levels"


def test_awgram_on_inherited_maps_is_large_enough_to_learn():
    """The thesis's norm 1, and few channels, lose points there."""
    config = recipe_presets("folder")["pretrained"].replace(
        method="collaborative", image_size=32
    )
    student = build_student(resolve(config), 4)
    read = keras.Model(student.inputs[0], student.get_layer("logits").input)
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3))
    features = keras.ops.convert_to_numpy(read(images))
    assert features.shape == (2, 128 * 129 // 2)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 8, 1e-4)


def test_an_initial_teacher_inherits():
    networks = {
        name: "efficientnet_lite0_first3" for name in ("student", "initial")
    }
    plan = small_plan(
        "npz",
        **networks,
        method="collaborative",
        head="pool",
        image_size=32,
        initial_weights="auto",
        freeze_batch_norm=True,
    )
    distiller = build_distiller(plan, 4, expert(side=32))
    initial = distiller.co_trained["initial"]
    pretrained = models.build(
        networks["initial"], 4, (32, 32, 3), weights="imagenet"
    )
    for name in ("stem_conv", "block2_project_conv"):
        np.testing.assert_array_equal(
            initial.get_layer(name).get_weights()[0],
            pretrained.get_layer(name).get_weights()[0],
        )
    assert not initial.get_layer("stem_bn").trainable
    # The student was not told to.
    assert distiller.student.get_layer("stem_bn").trainable


def test_connectors_have_weight_decay():
    plan = small_plan("npz", method="fitnet+crd")
    distiller = build_distiller(plan, 4, expert())
    variables = distiller.trainable_variables
    assert len(variables) > len(distiller.student.trainable_variables)
    assert {float(v.regularizer.l2) for v in variables} == {2.5e-4}


def test_options_reach_the_method():
    plan = small_plan("cifar100", method="dkd", epochs=24, image_size=16)
    assert plan.options == {"warmup": 2.0}
    distiller = build_distiller(plan, 4, expert())
    assert distiller.transfer_weights[0].epochs == 2.0


@pytest.mark.parametrize(
    ("stem", "side"), [("imagenet", 1), ("small", 2), ("auto", 2)]
)
def test_the_tutorial_s_student(stem, side):
    """torchvision's parameters, and last maps of one pixel, by default."""
    config = recipe_presets("tutorial")["as_printed"].replace(stem=stem)
    student = build_distiller(resolve(config), 10).student
    assert student.endpoints["features"].shape[1:] == (side, side, 1280)
    count = sum(np.prod(v.shape) for v in student.trainable_variables)
    assert count == 2_236_682


def test_the_tutorial_s_expert():
    plan = resolve(tutorial.CONFIG).expert
    network = build_distiller(plan, 10).student
    assert network.endpoints["features"].shape[1:] == (1, 1, 512)
    count = sum(np.prod(v.shape) for v in network.trainable_variables)
    assert count == 11_181_642


def test_networks_of_rotations():
    plan = small_plan(
        "npz", method="collaborative+skdsam", augment=("sla",), head="pool"
    )
    made = build_distiller(plan, 3, expert(12))
    assert models.without_exits(made.student).output_shape == (None, 3)
    assert made.student.endpoints["exit1_logits"].shape == (None, 12)


def test_parts_of_a_training_in_stages_are_switched_off():
    def distiller(**changes):
        return build_distiller(staged(**changes), 4, expert())

    whole = distiller()
    assert len(whole.scores) == 3 and whole.mutual == "full"
    bare = distiller(adversarial=False, mutual="none")
    assert not bare.scores and bare.partner is None
    assert distiller(mutual="head").mutual == "head"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"student": "wrn_99_1"}, "depth=99"),
        ({"options": {"temperature": -1}}, "temperature=-1"),
        ({"options": {"l2_teacher": "expret"}}, "l2_teacher='expret'"),
        ({"method": "byot+skdsam"}, "exits of one method"),
    ],
)
def test_mistakes_that_the_student_shows(changes, message):
    with pytest.raises(ValueError, match=message):
        check_student(small_plan("folder", **changes))


def test_a_network_without_a_choice_of_stems():
    plan = resolve(preset("tutorial", student="vgg8"))
    with pytest.raises(ValueError, match="'vgg8' does not take.*imagenet"):
        check_student(plan)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 9}, "at least 10 epochs"),
        ({"stages": 3, "epochs": 15}, "will have 2 stages.*stages=3"),
        # Of four groups each.
        (
            {
                "expert_network": "vgg8",
                "student": "mobilenet_v2",
                "image_size": 32,
            },
            "at least 12 epochs",
        ),
    ],
)
def test_too_few_epochs_for_the_stages(changes, message):
    """Told before the expert is trained."""
    with pytest.raises(ValueError, match=message):
        check_student(staged(**changes))
