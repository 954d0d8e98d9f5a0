"""Runs with exits and augmentations: nothing of that is in what they leave."""

import dataclasses
import importlib

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.files import read_json
from keras_artkd.runtimes import open_model
from recipes import delivery
from recipes.common import main, run
from recipes.delivery import EXPORTS
from recipes.networks import build_distiller


def config(arrays, tmp_path, **changes):
    default = importlib.import_module("recipes.npz").CONFIG
    return dataclasses.replace(
        default,
        **{
            "data_dir": str(arrays),
            "workdir": str(tmp_path / "runs"),
            "method": "baseline",
            "student": "wrn_10_1",
            "initial": "wrn_10_1",
            "expert_network": "wrn_10_1",
            "image_size": 16,
            "batch_size": 16,
            "epochs": 1,
            "expert_epochs": 1,
            **changes,
        },
    )


def contents(run_dir):
    """Sizes of what a run leaves to deploy."""
    metrics = read_json(run_dir / "metrics.json")
    return {
        **{k: v["size_bytes"] for k, v in metrics["exports"].items()},
        "student.keras": (run_dir / "student.keras").stat().st_size,
    }


@pytest.mark.slow
def test_nothing_of_the_exits_is_exported(arrays, tmp_path):
    """Every file is as large as that of the plain network."""
    plain = config(arrays, tmp_path)
    taught = dataclasses.replace(
        plain, method="skdsam", augment=("cutout", "mixup")
    )
    for each in (plain, taught):
        run(each)
    expected = contents(plain.run_dir)
    for name, size in contents(taught.run_dir).items():
        # The name of the method, in the card, has another length.
        assert abs(size - expected[name]) < 1500, name
    network = keras.models.load_model(taught.run_dir / "student.keras")
    assert type(network) is models.WideResNet
    # The checkpoint, which a run goes on from, does have them.
    saved = [
        len(np.load(each.run_dir / "checkpoint.npz").files)
        for each in (plain, taught)
    ]
    assert saved[1] > 1.5 * saved[0]
    logged = read_json(taught.run_dir / "history.json")
    assert len(logged["skdsam_spread"]) == 1
    assert "val_skdsam_spread" not in logged
    assert "exits count" in (taught.run_dir / "report.html").read_text()


@pytest.mark.slow
def test_rotations_are_for_the_training(
    arrays, tmp_path, monkeypatch, short_runs, capsys
):
    """With an expert that knows them too; the export has the classes."""
    monkeypatch.setattr(delivery, "EXPORTS", {"tflite": EXPORTS["tflite"]})
    config_ = config(
        arrays,
        tmp_path,
        method="kd+skdsam",
        augment=("sla", "mixup", "cutout"),
    )
    metrics = run(config_)
    assert "over four rotations" in capsys.readouterr().out
    assert set(metrics["test_rotations"]) == {"accuracy", "macro_accuracy"}
    student = keras.models.load_model(config_.run_dir / "student.keras")
    assert student.output_shape == (None, 4)
    assert models.get_endpoints(student)["logits"].shape == (None, 16)
    plain = models.build("wrn_10_1", 4, (16, 16, 3))
    assert metrics["parameters"] == plain.count_params()
    assert metrics["expert"]["parameters"] == plain.count_params()
    images = np.load(arrays)["x_test"]
    exported = open_model(config_.run_dir / "student.tflite")
    np.testing.assert_allclose(
        exported.predict(images),
        student.predict(images.astype("float32"), verbose=0),
        rtol=1e-3,
        atol=1e-3,
    )
    whole = read_json(config_.run_dir / "config.json")
    assert whole["cutout_side"] == 4


# Methods with views, and the terms that they log.
TERMS = {
    "ddgsd+frskd": ("view_kd", "view_mmd", "feature_refinement"),
    "cs_kd+pd_byot": ("view_kd", "byot"),
    "sla_sd": ("rotation_distillation",),
}


@pytest.mark.slow
@pytest.mark.parametrize("method", TERMS)
def test_methods_with_views_run(method, arrays, tmp_path, short_runs):
    config_ = config(arrays, tmp_path, method=method, augment=("mixup",))
    metrics = run(config_)
    logged = read_json(config_.run_dir / "history.json")
    assert set(TERMS[method]) <= set(logged)
    assert all(np.isfinite(values).all() for values in logged.values())
    plain = models.build("wrn_10_1", 4, (16, 16, 3))
    assert metrics["parameters"] == plain.count_params()


def test_augmentations_decide_the_run(arrays, tmp_path):
    plain = config(arrays, tmp_path)
    folders = {
        changed.run_dir
        for changed in (
            plain,
            dataclasses.replace(plain, augment=("cutout",)),
            dataclasses.replace(plain, augment=("cutout",), cutout_side=2),
            dataclasses.replace(plain, augment=("mixup", "cutout")),
            dataclasses.replace(plain, augment=("sla",)),
        )
    }
    assert len(folders) == 5
    same = [
        dataclasses.replace(plain, cutout_side=3, mixup_alpha=0.7),
        dataclasses.replace(plain, augment=()),
    ]
    assert {each.run_dir for each in same} == {plain.run_dir}
    both = [("cutout", "mixup"), ("mixup", "cutout")]
    assert (
        len({dataclasses.replace(plain, augment=a).run_dir for a in both}) == 1
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cutout_side": 0}, "cutout_side.*at least 1"),
        ({"cutout_side": 16}, "cutout_side=16, image_size=16"),
        ({"mixup_alpha": 0.0}, "mixup_alpha.*positive"),
        ({"method": "sla_sd", "augment": ("sla",)}, "turns images itself"),
    ],
)
def test_bad_augmentations(changes, message, arrays, tmp_path):
    with pytest.raises(ValueError, match=message):
        config(arrays, tmp_path, **changes)


def test_experts_that_do_not_fit_the_rotations(arrays, tmp_path):
    for augment, build in (
        ((), lambda: models.with_rotations(models.build("wrn_10_1", 16))),
        (("sla",), lambda: models.build("wrn_10_1", 4)),
        (("sla",), lambda: models.build("wrn_10_1", 16)),
    ):
        build().save(tmp_path / "expert.keras")
        with pytest.raises(ValueError, match="rotations.*an expert trained"):
            run(
                config(
                    arrays,
                    tmp_path,
                    method="kd",
                    augment=augment,
                    expert=str(tmp_path / "expert.keras"),
                )
            )


def test_flags_of_augmentations(arrays, tmp_path, monkeypatch, capsys):
    seen = []
    default = config(arrays, tmp_path)
    words = ["recipe", "--augment", "sla", "cutout", "--cutout-side", "5"]
    monkeypatch.setattr("sys.argv", words)
    assert main(default, "", job=seen.append) == 0
    assert seen[0].augment == ("sla", "cutout")
    assert seen[0].rotations == 4
    assert "--augment sla cutout --cutout-side 5" in seen[0].command()
    monkeypatch.setattr("sys.argv", ["recipe", "--augment", "sla", "sla"])
    assert main(default, "", job=seen.append) == 2
    assert "each augmentation once" in capsys.readouterr().err


def test_networks_of_rotations(arrays, tmp_path):
    config_ = config(
        arrays, tmp_path, method="collaborative+skdsam", augment=("sla",)
    )
    expert = models.build("wrn_10_1", 12, (16, 16, 3))
    made = build_distiller(config_, 3, expert)
    assert models.without_exits(made.student).output_shape == (None, 3)
    assert made.student.endpoints["exit1_logits"].shape == (None, 12)
