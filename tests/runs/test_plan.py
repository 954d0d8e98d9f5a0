"""`Plan`: what follows from a configuration."""

import json
import pathlib

import pytest

from keras_artkd.runs.config import Config
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.presets import recipe_presets
from tests.runs.settings import preset, small, small_plan

# Configurations with the folders that earlier versions gave them and their
# experts. A folder that changes is a run that is trained again.
GOLDEN = json.loads(
    pathlib.Path(__file__).with_name("golden_folders.json").read_text()
)


def folders(*plans):
    return {plan.folder for plan in plans}


def described(row):
    changes = "-".join(f"{k}={v}" for k, v in row["changes"].items())
    return f"{row['recipe']}-{row['preset']}-{changes}"


def test_the_size_of_the_cache_reaches_the_loader():
    config = small("folder", data_dir="x")
    assert "cache_size" not in resolve(config).load_arguments
    plan = resolve(config.replace(cache_size=5.0))
    assert plan.load_arguments["cache_size"] == 5.0


@pytest.mark.parametrize("row", GOLDEN, ids=described)
def test_runs_keep_their_folders(row):
    # Tuples are lists in JSON.
    changes = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in row["changes"].items()
    }
    config = recipe_presets(row["recipe"])[row["preset"]].replace(**changes)
    plan = resolve(config)
    assert plan.folder.name == row["folder"]
    expert = plan.expert and plan.expert.folder.name
    assert expert == row.get("expert")


def test_one_configuration_is_one_folder():
    config = small("folder", data_dir="x")
    plan = resolve(config)
    assert plan.folder.path.parent == pathlib.Path("saved_models/folder")
    for same in (
        *({"resume": True}, {"workdir": "y"}, {"exports": False}),
        {"cache_size": 5.0},
    ):
        other = resolve(config.replace(**same))
        assert other.folder.name == plan.folder.name, same
    for changes in (
        {"seed": 1},
        {"epochs": 2},
        {"data_dir": "z"},
        {"options": {"alpha": 1.0}},
        {"expert": "e.keras"},
        {"head": "pool"},
        {"initial": "wrn_16_1"},
        {"stem": "small"},
        {"crop_and_mirror": False},
    ):
        other = resolve(config.replace(**changes))
        assert other.folder.name != plan.folder.name, changes


@pytest.mark.parametrize(
    "changes",
    [
        {"initial": "wrn_16_1"},
        {"expert_network": "wrn_16_1"},
        {"expert_epochs": 3},
        {"expert_learning_rate": 0.1},
        {"expert": "e.keras"},
        {"correlation": "pearson"},
        {"unlabelled_dir": "x"},
        {"pseudo_labels": "nowhere.csv"},
    ],
)
def test_a_baseline_goes_by_what_it_reads_alone(changes):
    baseline = small_plan("folder", method="baseline")
    other = small_plan("folder", method="baseline", **changes)
    assert other.folder == baseline.folder
    assert other.load_arguments == baseline.load_arguments


def test_paths_are_the_same_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    relative, absolute = (
        small_plan("folder", data_dir="d", data_options={"exclude": path})
        for path in ("x.txt", str(tmp_path / "x.txt"))
    )
    assert relative.identity == absolute.identity
    assert relative.load_arguments == absolute.load_arguments
    assert relative.load_arguments["exclude"] == str(tmp_path / "x.txt")


FILES = [
    ("inherit", "w.weights.h5", {}),
    ("expert_weights", "w.weights.h5", {"method": "kd"}),
    ("initial_weights", "w.weights.h5", {"method": "rocket"}),
    ("student", "net.keras", {}),
    ("student", "net.keras_first3", {}),
    ("expert_network", "net.keras", {"method": "kd"}),
    ("expert", "e.keras", {"method": "kd"}),
]


@pytest.mark.parametrize(("name", "file", "changes"), FILES)
def test_another_file_at_the_same_path_is_another_run(
    name, file, changes, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    def folder(path):
        settings = {"method": "baseline", **changes, name: str(path)}
        return small_plan("folder", **settings).folder.name

    path = pathlib.Path(file.removesuffix("_first3"))
    if name != "expert":  # Which is looked for when the run begins.
        with pytest.raises(ValueError, match=f"{path}.*No such file"):
            folder(file)
    path.write_bytes(b"one")
    first = folder(file)
    assert folder(f"./{file}") == folder(tmp_path / file) == first
    path.write_bytes(b"another")
    assert folder(file) != first


def test_several_experts_decide_the_run_with_their_shares(tmp_path):
    """By their files' content, and by how much each counts."""
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    paths = [tmp_path / "a.keras", run_dir / "student.keras"]
    for path in paths:
        path.write_text(path.name)
    a, b = map(str, paths)

    def plan(*experts, shares=()):
        return small_plan(
            "npz", method="kd", expert=experts, expert_shares=shares
        )

    both = plan(a, b)
    assert both.expert is None and both.expert_shares == [0.5, 0.5]
    assert both.identity["expert"] == [a, b]
    assert len(both.identity["files"]["expert"]) == 2
    # A run's folder stands for its student.
    assert plan(a, str(run_dir)).folder == both.folder
    assert plan(a, b, shares=(3.0, 3.0)).folder == both.folder
    uneven = plan(a, b, shares=(3.0, 1.0))
    assert uneven.expert_shares == [0.75, 0.25]
    assert uneven.folder == plan(a, b, shares=(6.0, 2.0)).folder
    assert len(folders(both, uneven, plan(a), plan(b))) == 4
    # One alone is what it was, whether it is one of a tuple or not.
    alone = small_plan("npz", method="kd", expert=a)
    assert alone.identity == plan(a).identity
    assert alone.identity["expert"] == a
    paths[1].write_text("another")
    assert plan(a, b).folder != both.folder


def test_another_preset_in_the_same_folder_is_another_run(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    preset = pathlib.Path("presets/small")
    preset.mkdir(parents=True)

    def plan(path):
        return small_plan("folder", method="baseline", student=f"hub/{path}")

    (preset / "config.json").write_text("{}")
    (preset / "model.weights.h5").write_bytes(b"one")
    first = plan("presets/small")
    assert first.folder.name.startswith("baseline-small-seed0-")
    assert plan(f"{tmp_path}/presets/small/").folder == first.folder
    (preset / "model.weights.h5").write_bytes(b"another")
    assert plan("presets/small").folder != first.folder
    # A name that is no folder is KerasHub's.
    named = plan("resnet_18_imagenet").folder.name
    assert named.startswith("baseline-hub-resnet_18_imagenet-seed0-")


def test_the_expert_is_a_run_of_its_own():
    plan = small_plan(
        "folder",
        expert_network="convnext_tiny",
        expert_weights="imagenet",
        expert_epochs=7,
        method="kd",
    )
    expert = plan.expert
    assert expert.config.networks.student == "convnext_tiny"
    assert expert.config.networks.inherit == "imagenet"
    assert (expert.config.schedule.epochs, expert.expert) == (7, None)
    assert plan.config.networks.inherit is None
    baseline = resolve(plan.config.replace(method="baseline"))
    assert baseline.expert is None
    assert "expert_weights" not in baseline.identity
    # One that is given is not trained.
    given = resolve(plan.config.replace(expert="e.keras"))
    assert given.expert is None


def test_augmentations_decide_the_run():
    def plan(**changes):
        return small_plan("npz", method="baseline", **changes)

    plain = plan()
    different = folders(
        plain,
        plan(augment=("cutout",)),
        plan(augment=("cutout",), cutout_side=2),
        plan(augment=("mixup", "cutout")),
        plan(augment=("sla",)),
    )
    assert len(different) == 5
    same = folders(plan(cutout_side=3, mixup_alpha=0.7), plan(augment=()))
    assert same == {plain.folder}
    both = [("cutout", "mixup"), ("mixup", "cutout")]
    assert len(folders(*(plan(augment=augment) for augment in both))) == 1


def test_the_head_of_teachers_counts_where_it_is_read():
    def folder(**changes):
        return small_plan("folder", **changes).folder.name

    awgram, levels = {"teacher_head": "awgram"}, {"expert_head": "levels"}
    for method in ("kd", "collaborative"):
        assert folder(method=method) != folder(method=method, **awgram)
    # The expert has a head of its own; the initial teacher has not.
    assert folder(method="kd", **levels) == folder(
        method="kd", **levels, **awgram
    )
    assert folder(method="collaborative", **levels) != folder(
        method="collaborative", **levels, **awgram
    )


def test_a_method_that_mixes_all_images():
    """As if the user had asked for it, with the method's own share."""

    def plan(method="function_matching", **changes):
        return small_plan("npz", method=method, **changes)

    mixed = plan()
    assert (mixed.augment, mixed.mixup_alpha) == (("mixup",), 1.0)
    assert mixed.settings["augment"] == ("mixup",)
    given = plan(augment=("mixup", "cutout"))
    assert (given.augment, given.mixup_alpha) == (("mixup", "cutout"), 1.0)
    assert mixed.folder == plan(augment=("mixup",), mixup_alpha=1.0).folder
    other = plan(mixup_alpha=0.4)
    assert other.mixup_alpha == 0.4 and other.folder != mixed.folder
    joined = plan("rkd+function_matching", augment=("cutout",))
    assert (joined.augment, joined.mixup_alpha) == (("cutout", "mixup"), 1.0)
    # Others ask for it themselves. The expert is a method of its own.
    assert plan("kd").augment == mixed.expert.augment == ()
    assert plan("kd", augment=("mixup",)).mixup_alpha == 0.2


def test_stages_and_their_parts():
    whole = small("npz", method="ms_mgans", epochs=10)
    off = resolve(whole.replace(adversarial=False, mutual="head"))
    same = resolve(
        whole.replace(options={"adversarial_weight": 0.0, "mutual": "head"})
    )
    assert off.folder == same.folder != resolve(whole).folder
    assert off.options == same.options
    # The expert is that of any other method.
    plain = resolve(whole.replace(method="kd"))
    assert plain.expert.folder == off.expert.folder
    one = resolve(whole.replace(stages=1))
    assert one.expert.folder == off.expert.folder
    assert one.folder != resolve(whole).folder


def test_what_decides_a_run_with_pseudo_labels(tmp_path):
    table, copy = tmp_path / "p.csv", tmp_path / "copy.csv"
    for path in (table, copy):
        path.write_text("image,label,confidence,used\n")
    config = small("npz", method="pseudo_soft", unlabelled=0.8)
    first, by_table = (
        resolve(config.replace(pseudo_labels=path))
        for path in (None, str(table))
    )
    different = folders(
        first,
        by_table,
        resolve(config.replace(unlabelled=0.7)),
        resolve(config.replace(unlabelled_dir="x")),
    )
    assert len(different) == 4
    assert resolve(config.replace(labels_only=True)).folder == first.folder
    # By content, not by name, as it was when the run began.
    moved = resolve(config.replace(pseudo_labels=str(copy)))
    assert moved.folder == by_table.folder
    copy.write_text("image,label,confidence,used\nx,y,1,yes\n")
    assert moved.folder == by_table.folder
    assert resolve(moved.config).folder != by_table.folder
    with pytest.raises(ValueError, match="can be read.*nowhere.csv"):
        resolve(config.replace(pseudo_labels="nowhere.csv"))


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
def test_published_options_of_a_pair(
    method, expert, student, options, expected
):
    plan = resolve(
        preset(
            "cifar100",
            method=method,
            expert_network=expert,
            student=student,
            options=options,
        )
    )
    assert plan.options == expected
    # What the defaults are is written down where it decides the run.
    assert plan.identity["options"] == expected


def test_an_expert_from_a_file_is_of_no_pair():
    """Its name may be anything; so may `expert_network` then."""
    plan = resolve(preset("cifar100", method="dkd", expert="vgg13.keras"))
    assert plan.options == {}


def test_warm_ups_shrink_with_the_training():
    short = preset("cifar100", method="dkd", epochs=24, student="wrn_16_1")
    assert resolve(short).options == {"warmup": 2.0}
    kept = resolve(short.replace(options={"warmup": 5.0}))
    assert kept.options == {"warmup": 5.0}


def test_settings_are_written_down_as_the_run_has_them():
    settings = resolve(preset("cifar100", method="dkd")).settings
    assert settings["options"] == {
        "temperature": 4.0,
        "alpha": 1.0,
        "beta": 6.0,
        "warmup": 20.0,
    }
    assert (settings["learning_rate"], settings["cutout_side"]) == (0.05, 8)
    assert not [name for name in settings if name.startswith("published")]


@pytest.mark.parametrize(
    ("student", "rate"),
    [("wrn_16_2", 0.05), ("shufflenet_v2", 0.01), ("mobilenet_v2", 0.01)],
)
def test_rates_are_those_of_each_network(student, rate):
    plan = resolve(preset("cifar100", student=student))
    assert (plan.first_rate, plan.expert.first_rate) == (rate, 0.05)
    assert plan.identity["learning_rate"] == rate
    assert plan.identity["expert_learning_rate"] == 0.05
    given = resolve(plan.config.replace(learning_rate=0.2))
    assert given.first_rate == given.expert.first_rate == 0.2


def test_no_rate_without_published_ones():
    with pytest.raises(ValueError, match="published learning rate of wrn_40_1"):
        resolve(
            preset(
                "cifar100",
                student="wrn_40_1",
                published_rates={"resnet8": 0.1},
            )
        )
    config = Config.of(recipe="folder", dataset="folder", learning_rate=None)
    with pytest.raises(ValueError, match="published learning rate.*Fix"):
        resolve(config)
