"""Recipes: their presets are what the sources print."""

import pytest

from keras_artkd.catalogue.networks import get_network
from keras_artkd.runs.config import Config
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.presets import (
    cifar100,
    recipe_module,
    recipe_names,
    recipe_presets,
    tutorial,
)
from tests.runs.settings import preset

THESIS_000 = ("pandora", "wikiart", "painting100k", "folder", "atelier")
# Of thesis 002: side of the images, and batch size.
THESIS_002 = {
    "cifar100": (32, 128),
    "tiny_imagenet": (32, 128),
    "cub200": (224, 32),
    "stanford_dogs": (224, 32),
    "stanford40": (224, 32),
    "mit67": (224, 32),
}


@pytest.mark.parametrize("recipe", recipe_names())
def test_a_recipe_describes_itself(recipe):
    presets = recipe_presets(recipe)
    for config in presets.values():
        assert config.recipe == recipe
        resolve(config)
    module = recipe_module(recipe)
    assert module.CONFIG in presets.values()
    assert "artkd train" in module.__doc__


def test_unknown_recipes():
    with pytest.raises(ValueError, match="one of atelier, cifar10.*'pandra'"):
        recipe_presets("pandra")
    # Shared by recipes, and none by itself.
    with pytest.raises(ValueError, match="'_thesis_002'"):
        recipe_module("_thesis_002")


@pytest.mark.parametrize("recipe", THESIS_000)
def test_thesis_000_is_the_default(recipe):
    config = preset(recipe)
    assert config == Config.of(recipe, config.data.dataset)


@pytest.mark.parametrize(
    ("name", "epochs", "batch_size", "factor", "drops"),
    [
        ("common", 240, 64, 0.1, [150, 180, 210]),
        ("paper", 270, 256, 0.1, [150, 180, 210, 240]),
        ("paper_decay", 270, 256, 0.01, [150, 180, 210, 240]),
        ("self_distillation", 250, 128, 0.1, [100, 150]),
    ],
)
def test_cifar100(name, epochs, batch_size, factor, drops):
    schedule = recipe_presets("cifar100")[name].schedule
    assert (schedule.epochs, schedule.batch_size) == (epochs, batch_size)
    assert schedule.drop_factor == factor
    assert [epochs * drop for drop in schedule.drops] == pytest.approx(drops)
    assert (schedule.momentum, schedule.weight_decay) == (0.9, 5e-4)


def test_cifar10_has_the_presets_of_cifar100():
    presets = recipe_presets("cifar10")
    assert {
        name: each.replace(recipe="cifar100", dataset="cifar100")
        for name, each in presets.items()
    } == recipe_presets("cifar100")


@pytest.mark.parametrize("recipe", THESIS_002)
def test_thesis_002(recipe):
    presets = recipe_presets(recipe)
    plan = resolve(presets.get("self_distillation") or presets[""])
    schedule, data = plan.config.schedule, plan.config.data
    assert data.dataset == recipe
    assert plan.method.name == "skdsam"
    assert plan.config.networks.student == "resnet18"
    assert (schedule.epochs, plan.first_rate) == (250, 0.1)
    assert [250 * drop for drop in schedule.drops] == pytest.approx([100, 150])
    assert schedule.drop_factor == 0.1
    assert (schedule.momentum, schedule.weight_decay) == (0.9, 5e-4)
    size = (data.image_size, schedule.batch_size)
    assert size == THESIS_002[recipe]
    assert data.keep_size == (recipe == "cifar100")
    # As printed; nothing of paper 001's.
    assert plan.options == {}
    assert not plan.method.needs_expert


def test_imagenet():
    def options(method):
        return resolve(preset("imagenet", method=method)).options

    assert options("kd") == {"temperature": 1.0, "alpha": 0.5}
    assert options("reviewkd+kd")["reviewkd.warmup"] == 1.0
    assert options("dkd") == {"temperature": 1.0, "beta": 0.5, "warmup": 1.0}


def test_published_pairs_are_named_as_networks_are():
    for row in cifar100.PUBLISHED_OPTIONS:
        method, expert, student = row.split()
        preset(
            "cifar100", method=method, expert_network=expert, student=student
        )
    for name in set(cifar100.RATES) - {""}:
        get_network(name)


def test_the_tutorial():
    plan = resolve(tutorial.CONFIG)
    expert = plan.expert
    assert plan.method.name == "pseudo_soft"
    assert expert.config.networks.student == "resnet18"
    assert (plan.first_rate, expert.first_rate) == (0.01, 0.001)
    for each in (plan, expert):
        schedule, data = each.config.schedule, each.config.data
        assert (schedule.epochs, schedule.batch_size) == (25, 100)
        assert (schedule.momentum, schedule.weight_decay) == (0.9, 0)
        # A constant rate.
        assert schedule.drops == ()
        assert not each.config.augmentation.crop_and_mirror
        assert each.config.augmentation.augment == ()
        assert (data.dataset, data.unlabelled) == ("cifar10", 0.5)
        assert (data.image_size, each.short_side) == (32, 32)
        assert each.config.networks.stem == "imagenet"


def test_the_tutorial_as_printed_has_the_labels_of_all():
    printed = recipe_presets("tutorial")["as_printed"]
    assert printed.teaching.method == "baseline"
    assert printed.data.unlabelled == 0.0
    same = printed.replace(method="pseudo_soft", unlabelled=0.5)
    assert same == tutorial.CONFIG
