"""The tutorial's settings, and CIFAR-10 with those of CIFAR-100."""

import dataclasses

import numpy as np
import pytest

from keras_artkd.training import make_optimizer
from recipes import cifar10, cifar100, tutorial
from recipes.config import Config
from recipes.networks import build_distiller, check_student


def test_settings_are_the_tutorials():
    config = tutorial.CONFIG
    assert (config.recipe, config.dataset) == ("tutorial", "cifar10")
    assert (config.epochs, config.batch_size) == (25, 100)
    assert (config.first_rate, config.momentum) == (0.01, 0.9)
    assert config.weight_decay == 0
    assert make_optimizer(0.01, 50, config.drops).learning_rate == 0.01
    expert = config.expert_config()
    assert (expert.student, expert.first_rate) == ("resnet18", 0.001)
    assert (expert.epochs, expert.weight_decay) == (25, 0)
    for each in (config, expert):
        assert not each.crop_and_mirror and each.augment == ()
        assert (each.image_size, each.short_side) == (32, 32)
        assert (each.unlabelled, each.stem) == (0.5, "imagenet")
    assert config.method == "pseudo_soft"


@pytest.mark.parametrize(
    ("stem", "side"), [("imagenet", 1), ("small", 2), ("auto", 2)]
)
def test_networks_are_torchvisions(stem, side):
    """Their parameters, and last maps of one pixel, by default."""
    config = dataclasses.replace(tutorial.PRESETS["as_printed"], stem=stem)
    student = build_distiller(config, 10).student
    assert student.endpoints["features"].shape[1:] == (side, side, 1280)
    count = sum(np.prod(v.shape) for v in student.trainable_variables)
    assert count == 2_236_682
    if stem == "imagenet":
        expert = build_distiller(config.expert_config(), 10).student
        assert expert.endpoints["features"].shape[1:] == (1, 1, 512)
        count = sum(np.prod(v.shape) for v in expert.trainable_variables)
        assert count == 11_181_642


def test_a_network_without_a_choice_of_stems():
    config = dataclasses.replace(tutorial.CONFIG, student="vgg8")
    with pytest.raises(ValueError, match="'vgg8' does not take.*imagenet"):
        check_student(config)


def test_as_printed_is_the_labels_of_all():
    printed = tutorial.PRESETS["as_printed"]
    assert (printed.method, printed.unlabelled) == ("baseline", 0.0)
    same = dataclasses.replace(
        printed, method=tutorial.CONFIG.method, unlabelled=0.5
    )
    assert same == tutorial.CONFIG


def test_cifar10_has_the_presets_of_cifar100():
    assert list(cifar10.PRESETS) == list(cifar100.PRESETS)
    for name, preset in cifar10.PRESETS.items():
        assert preset.recipe == preset.dataset == "cifar10"
        other = dataclasses.replace(
            preset, recipe="cifar100", dataset="cifar100"
        )
        assert other == cifar100.PRESETS[name]
    assert isinstance(cifar10.CONFIG, Config)
