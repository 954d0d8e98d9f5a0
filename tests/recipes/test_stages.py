"""Runs in stages: what the expert keeps, what the flags switch off."""

import dataclasses

import keras
import pytest

from keras_artkd import models
from keras_artkd.files import read_json
from recipes.common import main, run
from recipes.networks import build_distiller, check_student
from recipes.searching.settings import Settings, check_searchable
from recipes.searching.space import search_space
from recipes.stages import stage_paths
from tests.distillers.networks import same, snapshot
from tests.recipes.test_self_distillation import config


def staged(arrays, tmp_path, **changes):
    return config(
        arrays,
        tmp_path,
        **{
            "method": "ms_mgans",
            "epochs": 10,
            "expert_epochs": 4,
            "drops": (0.5,),
            **changes,
        },
    )


def test_a_run_in_stages(arrays, tmp_path, short_runs):
    settings = staged(arrays, tmp_path)
    metrics = run(settings)
    expert_dir = settings.expert_config().run_dir
    kept = stage_paths(expert_dir / "student.keras")
    assert [path.name for path in kept] == ["stage1.keras", "stage2.keras"]
    # The stages in turn: half of the training, and its end.
    last = keras.models.load_model(expert_dir / "student_last.keras")
    young, old = (keras.models.load_model(path) for path in kept)
    ends = [same(snapshot(network), snapshot(last)) for network in (young, old)]
    assert ends == [False, True]

    history = read_json(settings.run_dir / "history.json")
    assert history["stage"] == [1.0] * 5 + [2.0] * 5
    assert history["block"] == [1.0, 2.0, 3.0, 0.0, 0.0] * 2
    assert {len(values) for values in history.values()} == {10}
    assert history["feature"][3] is None
    assert metrics["adversaries"] == []
    assert {"stage1", "expert"} <= set(metrics)
    # One stage of the expert that is there: nothing is trained again.
    one = dataclasses.replace(settings, stages=1)
    assert one.expert_config().run_dir == expert_dir
    assert one.run_dir != settings.run_dir
    assert stage_paths(expert_dir / "student.keras", 1) == [kept[1]]

    # A file without stages beside it.
    moved = tmp_path / "expert.keras"
    moved.write_bytes((expert_dir / "student.keras").read_bytes())
    assert stage_paths(moved, 1) == [moved]
    with pytest.raises(ValueError, match="there are no stages.*--stages 1"):
        run(dataclasses.replace(settings, expert=str(moved)))
    # One of them was removed.
    kept[0].unlink()
    with pytest.raises(ValueError, match="there are stage2.keras; all wanted"):
        stage_paths(expert_dir / "student.keras")


def test_stages_are_chosen_evenly(tmp_path):
    folder = tmp_path / "stages"
    folder.mkdir()
    for stage in range(1, 11):
        (folder / f"stage{stage}.keras").touch()

    def numbers(count):
        paths = stage_paths(tmp_path / "student.keras", count)
        return [int(path.stem.removeprefix("stage")) for path in paths]

    assert numbers(None) == list(range(1, 11))
    assert numbers(1) == [10]
    assert numbers(2) == [5, 10]
    assert numbers(3)[-1] == 10 and len(set(numbers(3))) == 3


def test_parts_are_switched_off(arrays, tmp_path):
    def distiller(**changes):
        settings = staged(arrays, tmp_path, **changes)
        expert = models.build("wrn_10_1", 4, (16, 16, 3))
        return build_distiller(settings, 4, expert)

    whole = distiller()
    assert len(whole.scores) == 3 and whole.mutual == "full"
    bare = distiller(adversarial=False, mutual="none")
    assert not bare.scores and bare.partner is None
    assert distiller(mutual="head").mutual == "head"


def test_settings_and_folders(arrays, tmp_path):
    whole = staged(arrays, tmp_path)
    off = dataclasses.replace(whole, adversarial=False, mutual="head")
    same = dataclasses.replace(
        whole, options={"adversarial_weight": 0.0, "mutual": "head"}
    )
    assert off.run_dir == same.run_dir != whole.run_dir
    words = off.command()
    assert "--no-adversarial" in words and "--mutual head" in words
    # The expert is that of any other method, and a baseline of its own.
    plain = staged(arrays, tmp_path, method="kd")
    assert plain.expert_config().run_dir == whole.expert_config().run_dir


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "kd", "stages": 2}, "`stages` belong to ms_mgans.*'kd'"),
        ({"method": "kd", "adversarial": False}, "`adversarial` belong"),
        ({"method": "kd", "mutual": "none"}, "`mutual` belong"),
        ({"stages": 0}, "at least 1.*stages=0"),
        (
            {"mutual": "head", "options": {"mutual": "none"}},
            "flag of its own.*mutual='none'",
        ),
        (
            {"adversarial": False, "options": {"adversarial_weight": 0.1}},
            "flag of its own.*adversarial_weight=0.1",
        ),
    ],
)
def test_bad_settings(arrays, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        staged(arrays, tmp_path, **changes)


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
                "epochs": 10,
            },
            "at least 12 epochs",
        ),
    ],
)
def test_what_is_told_before_the_expert_is_trained(
    arrays, tmp_path, changes, message
):
    with pytest.raises(ValueError, match=message):
        check_student(staged(arrays, tmp_path, **changes))


def test_too_few_epochs_leave_no_folder(arrays, tmp_path, capsys, monkeypatch):
    settings = staged(arrays, tmp_path, epochs=9)
    monkeypatch.setattr("sys.argv", ["recipe"])
    assert main(settings, "") == 2
    assert "at least 10 epochs" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_what_a_search_of_stages_varies(arrays, tmp_path):
    bare = staged(arrays, tmp_path, adversarial=False, mutual="head")
    assert set(search_space(bare)) == {
        "temperature",
        "feature_weight",
        "learning_rate",
    }
    with pytest.raises(ValueError, match="phases.*--tuner bayesian"):
        check_searchable(Settings(tuner="hyperband"), bare)
