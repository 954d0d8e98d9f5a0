"""Runs in stages: what the expert keeps, and what a student learns of it."""

import keras
import numpy as np
import pytest

from keras_artkd.models.splitting import split_network
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.runner import find_expert, load_data, run
from keras_artkd.runs.stages import (
    AnnouncePhases,
    count_stages,
    describe_phases,
    stage_paths,
)
from tests.distillers.networks import same, snapshot
from tests.distillers.staged import fit, make
from tests.runs.settings import small_plan


@pytest.mark.exhaustive
def test_a_run_in_stages(arrays, tmp_path, short_runs, capsys):
    plan = small_plan(
        "npz",
        data_dir=str(arrays),
        workdir=str(tmp_path / "runs"),
        method="ms_mgans",
        epochs=10,
        expert_epochs=4,
        drops=(0.5,),
        batch_size=32,
        # Its test is of no interest.
        data_options={"per_class": 12},
    )
    data = load_data(plan)
    metrics = run(plan, data)
    expert = plan.expert.folder
    kept = stage_paths(expert.student)
    assert [path.name for path in kept] == ["stage1.keras", "stage2.keras"]
    # The stages in turn: half of the training, and its end.
    last = keras.models.load_model(expert.last_student)
    young, old = (keras.models.load_model(path) for path in kept)
    ends = [same(snapshot(network), snapshot(last)) for network in (young, old)]
    assert ends == [False, True]

    history = plan.folder.history
    assert history["stage"] == [1.0] * 5 + [2.0] * 5
    assert history["block"] == [1.0, 2.0, 3.0, 0.0, 0.0] * 2
    assert {len(values) for values in history.values()} == {10}
    assert history["feature"][3] is None
    assert metrics["adversaries"] == []
    assert {"stage1", "expert"} <= set(metrics)
    printed = capsys.readouterr().out
    assert "(stages: 2): epochs 6 to 6; trains " in printed
    phases = metrics["phases"]
    assert [phase["block"] for phase in phases] == [1, 2, 3, 0, 0] * 2
    assert f" {phases[5]['trained_parameters']:,} of the student's" in printed
    # One stage of the expert that is there: nothing is trained again.
    one = resolve(plan.config.replace(stages=1))
    assert one.expert.folder == expert and count_stages(one) == 1
    assert find_expert(one, data) == expert.student
    assert stage_paths(expert.student, 1) == [kept[1]]

    # A file without stages beside it.
    moved = tmp_path / "expert.keras"
    moved.write_bytes(expert.student.read_bytes())
    assert stage_paths(moved, 1) == [moved]
    with pytest.raises(ValueError, match="there are no stages.*--stages 1"):
        run(resolve(plan.config.replace(expert=str(moved))))
    # One of them was removed.
    kept[0].unlink()
    with pytest.raises(ValueError, match="there are stage2.keras; all wanted"):
        find_expert(plan, data)


def test_each_phase_says_how_many_parameters_it_trains(capsys):
    """Blocks one after another, then the head, then all of them."""
    distiller = make(1)
    fit(distiller, 5, [AnnouncePhases()])
    names = [pair[1] for pair in distiller._parts.pairs]
    parts = [*map(trainable, split_network(distiller.student, names))]
    helpers = [
        trainable(adapter) + trainable(score)
        for adapter, score in zip(
            distiller.adapters, distiller.scores, strict=True
        )
    ]
    phases = describe_phases(distiller, 5)
    assert [(p["kind"], p["block"], p["first_epoch"]) for p in phases] == [
        *(("block", 1, 1), ("block", 2, 2), ("block", 3, 3)),
        *(("head", 0, 4), ("mutual", 0, 5)),
    ]
    whole = trainable(distiller.student)
    counts = [phase["trained_parameters"] for phase in phases]
    assert counts == [*parts, whole] and sum(parts) == whole
    assert [phase["trained_beside"] for phase in phases] == [
        *helpers,
        0,
        sum(helpers) + trainable(distiller.partner),
    ]
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert len(lines) == 5
    assert lines[1] == (
        f"Stage 1, block 2 (stages: 1): epochs 2 to 2; trains {parts[1]:,} of "
        f"the student's {whole:,} parameters ({parts[1] / whole:.1%}), and "
        f"{helpers[1]:,} thrown away later"
    )
    assert lines[3].endswith(f"parameters ({parts[3] / whole:.1%})")


def trainable(layer):
    """How many numbers of a layer are trained."""
    return sum(np.array(w).size for w in layer.trainable_weights)


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


def test_too_few_epochs_leave_no_folder(arrays, tmp_path):
    plan = small_plan(
        "npz",
        data_dir=str(arrays),
        workdir=str(tmp_path / "runs"),
        method="ms_mgans",
        drops=(0.5,),
        epochs=9,
    )
    with pytest.raises(ValueError, match="at least 10 epochs"):
        run(plan)
    assert not (tmp_path / "runs").exists()
