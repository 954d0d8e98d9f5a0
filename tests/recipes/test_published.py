"""What recipes take from the literature, by method and pair of networks."""

import dataclasses
import importlib
import shutil

import numpy as np
import pytest

from keras_artkd.distillers.registry import get_method
from keras_artkd.files import read_json
from keras_artkd.training import Checkpoint
from recipes import cifar100, delivery, imagenet
from recipes.cifar100 import CONFIG, PRESETS
from recipes.common import run
from recipes.config import Config
from recipes.delivery import EXPORTS
from recipes.flags import parse_flags, take_preset
from recipes.networks import build_distiller
from recipes.searching.space import search_space, trial_config
from tests.datasets import archives


def changed(**changes):
    return dataclasses.replace(CONFIG, **changes)


@pytest.mark.parametrize(
    ("preset", "epochs", "batch_size", "factor", "drops"),
    [
        ("common", 240, 64, 0.1, [150, 180, 210]),
        ("paper", 270, 256, 0.1, [150, 180, 210, 240]),
        ("paper_decay", 270, 256, 0.01, [150, 180, 210, 240]),
        ("self_distillation", 250, 128, 0.1, [100, 150]),
    ],
)
def test_presets(preset, epochs, batch_size, factor, drops):
    config = PRESETS[preset]
    assert (config.epochs, config.batch_size) == (epochs, batch_size)
    assert config.drop_factor == factor
    assert [epochs * drop for drop in config.drops] == pytest.approx(drops)
    assert (config.momentum, config.weight_decay) == (0.9, 5e-4)


# Of thesis 002: side of the images, and batch size.
SELF_DISTILLATION = {
    "tiny_imagenet": (32, 128),
    "cub200": (224, 32),
    "stanford_dogs": (224, 32),
    "stanford40": (224, 32),
    "mit67": (224, 32),
}


@pytest.mark.parametrize("recipe", [*SELF_DISTILLATION, "cifar100"])
def test_the_schedule_of_thesis_002(recipe):
    module = importlib.import_module(f"recipes.{recipe}")
    config = getattr(module, "PRESETS", {}).get(
        "self_distillation", module.CONFIG
    )
    assert config.recipe == config.dataset == recipe
    assert (config.method, config.student) == ("skdsam", "resnet18")
    assert (config.epochs, config.first_rate) == (250, 0.1)
    assert [250 * drop for drop in config.drops] == pytest.approx([100, 150])
    assert config.drop_factor == 0.1
    assert (config.momentum, config.weight_decay) == (0.9, 5e-4)
    assert (config.image_size, config.batch_size) == SELF_DISTILLATION.get(
        recipe, (32, 128)
    )
    assert config.keep_size == (recipe == "cifar100")
    # As printed; nothing of paper 001's.
    assert config.options == config.method_options == {}
    assert not get_method(config.method).needs_expert


def test_flags_go_over_a_preset():
    default, rest = take_preset(
        PRESETS, ["--preset", "paper", "--epochs", "9", "--method", "dkd+rkd"]
    )
    config = parse_flags(Config, default, "", rest)
    assert (config.batch_size, config.epochs) == (256, 9)
    assert config.method == "dkd+rkd"
    assert take_preset(PRESETS, [])[0] is CONFIG
    one = {"": CONFIG}
    assert take_preset(one, ["--preset", "x"]) == (CONFIG, ["--preset", "x"])
    for arguments in (["--preset", "long"], ["--preset"]):
        with pytest.raises(ValueError, match="common, paper, paper_decay"):
            take_preset(PRESETS, arguments)


def test_the_command_of_a_preset_gives_its_configuration_again():
    config = dataclasses.replace(
        PRESETS["paper"], method="kd+dkd", options={"kd.alpha": 1.0}
    )
    words = config.command().split()
    assert words[:3] == ["python", "-m", "recipes.cifar100"]
    default, rest = take_preset(PRESETS, words[3:])
    again = parse_flags(Config, default, "", rest)
    assert again.identity() == config.identity()


@pytest.mark.parametrize(
    ("method", "expert", "student", "options", "expected"),
    [
        ("dkd", "wrn_40_2", "wrn_16_2", {}, {"beta": 6.0}),
        ("dkd", "resnet110", "resnet32", {}, {"beta": 2.0}),
        ("dkd", "wrn_40_2", "shufflenet_v1", {}, {}),
        ("dkd", "wrn_40_2", "wrn_16_2", {"beta": 1.0}, {"beta": 1.0}),
        (
            "dkd",
            "wrn_40_2",
            "wrn_16_2",
            {"alpha": 2.0},
            {"beta": 6.0, "alpha": 2.0},
        ),
        ("pr_dkd", "wrn_40_2", "wrn_16_2", {}, {}),
        ("reviewkd", "resnet32x4", "resnet8x4", {}, {"beta": 5.0}),
        ("reviewkd", "resnet110", "resnet32", {}, {}),
        ("kd+dkd", "vgg13", "vgg8", {}, {"dkd.beta": 6.0}),
        ("kd", "vgg13", "vgg8", {}, {}),
    ],
)
def test_options_of_a_pair(method, expert, student, options, expected):
    config = changed(
        method=method, expert_network=expert, student=student, options=options
    )
    assert config.method_options == expected
    # What the defaults are is written down where it decides the run.
    assert config.identity()["options"] == expected


def test_an_expert_from_a_file_is_of_no_pair():
    """Its name may be anything; so may `expert_network` then."""
    config = changed(method="dkd", expert="vgg13.keras")
    assert config.method_options == {}


def test_settings_are_written_down_as_the_run_has_them():
    settings = changed(method="dkd").settings()
    assert settings["options"] == {
        "temperature": 4.0,
        "alpha": 1.0,
        "beta": 6.0,
        "warmup": 20.0,
    }
    assert settings["learning_rate"] == 0.05
    assert not [name for name in settings if name.startswith("published")]


def test_connectors_have_weight_decay():
    expert = build_distiller(changed(method="baseline", student="wrn_10_1"), 4)
    config = changed(method="fitnet+crd", student="wrn_10_1")
    distiller = build_distiller(config, 4, expert.student)
    variables = distiller.trainable_variables
    assert len(variables) > len(distiller.student.trainable_variables)
    assert {float(v.regularizer.l2) for v in variables} == {2.5e-4}


def test_warm_ups_shrink_with_the_training():
    short = changed(method="dkd", epochs=24, student="wrn_16_1")
    assert short.method_options == {"warmup": 2.0}
    kept = dataclasses.replace(short, options={"warmup": 5.0})
    assert kept.method_options == {"warmup": 5.0}
    distiller = build_distiller(
        dataclasses.replace(short, student="wrn_10_1"),
        4,
        build_distiller(
            changed(method="baseline", student="wrn_10_1"), 4
        ).student,
    )
    assert distiller.transfer_weights[0].epochs == 2.0


def test_imagenets_options():
    kd = dataclasses.replace(imagenet.CONFIG, method="kd")
    assert kd.method_options == {"temperature": 1.0, "alpha": 0.5}
    review = dataclasses.replace(imagenet.CONFIG, method="reviewkd+kd")
    assert review.method_options["reviewkd.warmup"] == 1.0
    assert imagenet.CONFIG.method_options == {
        "temperature": 1.0,
        "beta": 0.5,
        "warmup": 1.0,
    }


@pytest.mark.parametrize(
    ("student", "rate"),
    [("wrn_16_2", 0.05), ("shufflenet_v2", 0.01), ("mobilenet_v2", 0.01)],
)
def test_rates_are_those_of_each_network(student, rate):
    config = changed(student=student)
    assert config.first_rate == rate
    assert config.expert_config().first_rate == 0.05
    assert config.identity()["learning_rate"] == rate
    assert config.identity()["expert_learning_rate"] == 0.05
    given = dataclasses.replace(config, learning_rate=0.2)
    assert given.first_rate == given.expert_config().first_rate == 0.2


def test_no_rate_without_published_ones():
    with pytest.raises(ValueError, match="published learning rate of wrn_40_1"):
        changed(student="wrn_40_1", published_rates={"resnet8": 0.1})
    with pytest.raises(ValueError, match="published learning rate.*Fix"):
        Config(recipe="folder", dataset="folder", learning_rate=None)


def test_a_search_starts_from_what_is_published():
    config = changed(method="dkd", student="shufflenet_v1", epochs=24)
    space = search_space(config)
    assert (space["learning_rate"].low, space["learning_rate"].high) == (
        pytest.approx(0.001),
        pytest.approx(0.1),
    )
    trial = trial_config(config, {"learning_rate": 0.02, "beta": 3.0}, 12)
    assert (trial.first_rate, trial.expert_learning_rate) == (0.02, 0.05)
    assert trial.method_options == {"beta": 3.0, "warmup": 1.0}


def test_pairs_are_named_as_networks_are():
    for row in cifar100.PUBLISHED_OPTIONS:
        method, expert, student = row.split()
        changed(method=method, expert_network=expert, student=student)
    for name in set(cifar100.RATES) - {""}:
        changed(student=name)


class Killed(Exception):
    """Stands for whatever ends a process."""


@pytest.fixture
def arrays(tmp_path):
    """An .npz like CIFAR-100's, of four colours."""
    random = np.random.default_rng(0)
    sets = {}
    for split, count in (("train", 80), ("test", 16)):
        labels = np.arange(count) % 4
        images = random.integers(0, 120, (count, 32, 32, 3))
        images[np.arange(count), :, :, labels % 3] += 60 + 30 * (labels[0] // 3)
        sets[f"x_{split}"] = images.astype("uint8")
        sets[f"y_{split}"] = labels
    names = np.array(["apple", "bear", "crab", "dolphin"])
    np.savez(tmp_path / "cifar.npz", **sets, fine_names=names)
    return tmp_path / "cifar.npz"


@pytest.mark.slow
def test_cifar_run_with_connectors_and_memory_resumes_exactly(
    arrays, tmp_path, monkeypatch, capsys
):
    """Killed after its first epoch, it ends where the other run does."""
    monkeypatch.setattr(delivery, "EXPORTS", {})
    config = changed(
        data_dir=str(arrays),
        method="ab+reviewkd+crd",
        options={"crd.num_negatives": 24.0, "crd.embedding_dim": 4.0},
        student="wrn_10_1",
        expert_network="wrn_10_1",
        expert_epochs=1,
        epochs=3,
        batch_size=16,
        learning_rate=0.01,
        workdir=str(tmp_path / "whole"),
    )
    metrics = run(config)
    assert metrics["epochs"] == 3 and "test_last_epoch" in metrics
    printed = capsys.readouterr().out
    assert "best by validation); last epoch" in printed
    terms = read_json(config.run_dir / "history.json")
    assert {"review_kd", "contrastive_representation"} <= set(terms)

    def kill(self, epoch, logs=None):
        end_epoch(self, epoch, logs)
        if epoch == 0:
            raise Killed

    killed = dataclasses.replace(config, workdir=str(tmp_path / "killed"))
    shutil.copytree(
        config.expert_config().run_dir, killed.expert_config().run_dir
    )
    end_epoch = Checkpoint.on_epoch_end
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Checkpoint, "on_epoch_end", kill)
        run(killed)
    run(dataclasses.replace(killed, resume=True))
    with (
        np.load(config.run_dir / "checkpoint.npz") as one,
        np.load(killed.run_dir / "checkpoint.npz") as two,
    ):
        assert set(one.files) == set(two.files)
        for name in set(one.files) - {"meta"}:
            np.testing.assert_array_equal(one[name], two[name], err_msg=name)


@pytest.mark.slow
def test_imagenet_end_to_end(tmp_path, monkeypatch):
    """The official archives, made small; the training split is streamed."""
    monkeypatch.setattr(delivery, "EXPORTS", {"tflite": EXPORTS["tflite"]})
    archives.make_imagenet(tmp_path / "archives")
    config = dataclasses.replace(
        imagenet.CONFIG,
        data_dir=str(tmp_path / "archives"),
        data_options={
            "validation_fraction": 0.2,
            "cache_dir": str(tmp_path / "cache"),
        },
        image_size=32,
        student="wrn_10_1",
        expert_network="wrn_10_1",
        expert_epochs=1,
        epochs=2,
        batch_size=8,
        learning_rate=0.01,
        workdir=str(tmp_path / "runs"),
    )
    metrics = run(config)
    assert len(metrics["class_names"]) == 4
    assert metrics["exports"]["tflite"]["agreement"] == 1.0
    splits = read_json(config.run_dir / "data.json")["splits"]
    assert [len(splits[s]) for s in ("train", "validation", "test")] == [
        28,
        8,
        4,
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "make", "names", "sizes"),
    [
        (
            "tiny_imagenet",
            archives.make_tiny_imagenet,
            "goldfish, crane (n02012849), Egyptian cat, crane (n03126707)",
            [34, 4, 12],
        ),
        ("mit67", archives.make_mit67, "airport_inside, bar, mall", [19, 3, 9]),
    ],
    ids=["tiny_imagenet", "mit67"],
)
def test_photographs_end_to_end(
    recipe, make, names, sizes, tmp_path, monkeypatch
):
    """An archive in the official layout, through a small network."""
    monkeypatch.setattr(delivery, "EXPORTS", {})
    default = importlib.import_module(f"recipes.{recipe}").CONFIG
    flags = "--image-size 32 --student wrn_10_1 --epochs 1 --batch-size 8"
    config = parse_flags(
        Config,
        default,
        "",
        [
            *flags.split(),
            *("--data-dir", str(make(tmp_path / "archive"))),
            *("--data-options", "cache_dir", str(tmp_path / "cache")),
            *("--workdir", str(tmp_path / "runs")),
        ],
    )
    metrics = run(config)
    assert ", ".join(metrics["class_names"]) == names
    splits = read_json(config.run_dir / "data.json")["splits"]
    parts = ("train", "validation", "test")
    assert [len(splits[part]) for part in parts] == sizes
