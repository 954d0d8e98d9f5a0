"""The choice of epochs, and what is trained by it."""

import time

import pytest

from keras_artkd.cli.train import parse_plan
from keras_artkd.runs import budget
from keras_artkd.runs.budget import Speed, choose
from keras_artkd.runs.open_plan import choice_file, close, reference, remembered
from keras_artkd.runs.reference import run_open, run_sizes
from keras_artkd.runs.runner import load_data
from tests.images import write_folder

SMALLEST = (
    "--student wrn_10_1 --expert-network wrn_16_1 --image-size 16 "
    "--expert-image-size 16 --batch-size 8"
).split()


@pytest.fixture
def words(tmp_path):
    folder = write_folder(tmp_path / "images", each=30)
    return [str(folder), *SMALLEST, "--workdir", str(tmp_path / "runs")]


@pytest.fixture
def speeds(monkeypatch):
    """Speeds of a student and an expert, in place of measured ones."""
    measured = {"student": Speed(1.0, 0.1), "expert": Speed(2.0, 0.4)}

    def measure(plan, data):
        expert = plan.config.networks.student == "wrn_16_1"
        return measured["expert" if expert else "student"]

    monkeypatch.setattr(budget, "measure", measure)
    return measured


def shorten(monkeypatch, epochs):
    wanted = budget._Wanted(1, epochs, epochs)
    for name in ("_STUDENT", "_EXPERT"):
        monkeypatch.setattr(budget, name, wanted)


def chosen(words, minutes, capsys):
    plan = parse_plan(words)
    data = load_data(plan)
    closed = choose(plan, data, minutes, time.monotonic())
    return plan, closed, capsys.readouterr().out


def test_a_folder_alone_is_an_open_plan(tmp_path):
    plan = parse_plan([str(tmp_path)])
    assert plan.is_open and plan.config.data.image_size == 96
    thesis = parse_plan([str(tmp_path), "--recipe-style", "thesis"])
    assert not thesis.is_open and thesis.method.name == "collaborative"
    given = parse_plan([str(tmp_path), "--epochs", "3"])
    assert not given.is_open
    assert close(plan).config.schedule.epochs == 8


def test_minutes_decide_the_epochs(words, speeds, capsys):
    """40 images to train on, five batches: at most the usual epochs."""
    plan, closed, printed = chosen(words, 60, capsys)
    schedule, networks = closed.config.schedule, closed.config.networks
    assert (schedule.epochs, networks.expert_epochs) == (40, 30)
    assert "40 epochs, method baseline" in printed
    assert "wrn_16_1 at 16 pixels, 30 epochs" in printed
    assert remembered(plan, 60) == closed
    assert remembered(plan, 30) is None


def test_less_time_makes_fewer_epochs(words, speeds, capsys):
    speeds["student"], speeds["expert"] = Speed(5.0, 0.5), Speed(5.0, 1.0)
    _, closed, _ = chosen(words, 3, capsys)
    epochs = closed.config.schedule.epochs
    assert 2 < epochs < 40
    assert 2 <= closed.config.networks.expert_epochs < 30
    # The planned time is kept: 150 seconds, without those of the files.
    steps = 5
    student = 5 + 1.25 * epochs * steps * 0.5
    expert = 5 + 1.25 * closed.config.networks.expert_epochs * steps
    assert student <= 0.4 * 150 and student + expert <= 151


def test_where_an_epoch_is_too_long_it_is_of_fewer_images(
    words, speeds, capsys
):
    speeds["student"], speeds["expert"] = Speed(5.0, 2.0), Speed(5.0, 20.0)
    _, closed, printed = chosen(words, 3, capsys)
    schedule = closed.config.schedule
    assert closed.config.networks.expert_epochs == 2
    assert schedule.images_per_epoch % schedule.batch_size == 0
    assert schedule.images_per_epoch < 40
    # The student has the time for more epochs of these.
    assert schedule.epochs > 4
    assert f"{schedule.images_per_epoch} images in an epoch" in printed


def test_the_speed_is_measured_on_the_plan_s_own_steps(words):
    plan = close(parse_plan(words))
    speed = budget.measure(plan, load_data(plan))
    assert 0 < speed.step < speed.start


def test_expert_and_student_are_trained_and_judged(
    words, speeds, short_runs, monkeypatch, capsys
):
    """Typed again, it is the same run, whatever the machine does now."""
    shorten(monkeypatch, 2)
    plan = parse_plan(words)
    run_open(plan, 60, time.monotonic())
    closed = remembered(plan, 60)
    metrics = closed.folder.metrics
    verdict = metrics["verdict"]
    expert = reference(closed).folder.metrics
    assert verdict["compared"]["expert"] == expert["test"]["accuracy"]
    assert verdict["compared"]["chance"] == 0.5
    assert "expert" not in metrics  # It taught nothing.
    assert f"Verdict: {verdict['summary']}" in capsys.readouterr().out
    assert verdict["summary"] in closed.folder.card.read_text("utf-8")
    # A further plan finds the expert that is there.
    speeds.pop("expert")
    other = parse_plan([*words, "--weight-decay", "0.0"])
    with pytest.raises(KeyError):
        choose(other, load_data(other), 60, time.monotonic())
    same = parse_plan([*words, "--student", "wrn_10_2"])
    again = choose(same, load_data(same), 60, time.monotonic())
    assert again.config.networks.expert_epochs == 2


@pytest.mark.exhaustive
def test_several_sizes_share_an_expert(
    words, speeds, short_runs, monkeypatch, capsys
):
    shorten(monkeypatch, 2)
    plan = parse_plan(words)
    page = run_sizes(plan, ("wrn_10_1", "wrn_10_2"), 60, time.monotonic())
    assert "wrn_10_2" in page.read_text("utf-8")
    printed = capsys.readouterr().out
    assert printed.count("Expert: wrn_16_1") == 1
    assert "accuracy against size and time" in printed


def test_a_training_in_phases_needs_a_number_of_epochs(words):
    plan = parse_plan([*words, "--method", "ms_mgans"])
    with pytest.raises(ValueError, match="ms_mgans trains in phases.*--epochs"):
        run_open(plan, 60, time.monotonic())


def test_methods_of_pseudo_labels_are_timed_too(words):
    """On targets, of which there are none yet."""
    words += ["--method", "pseudo_soft", "--unlabelled", "0.5"]
    plan = close(parse_plan(words))
    speed = budget.measure(plan, load_data(plan))
    assert speed.step > 0


def test_recorded_experts_are_timed_too(words):
    """Of views without answers yet, and how long an answer takes."""
    words += ["--method", "kd", "--expert-views", "3"]
    plan = close(parse_plan(words))
    data = load_data(plan)
    speed = budget.measure(plan, data)
    assert 0 < speed.step < speed.start and speed.answer > 0


@pytest.fixture
def unlabelled(words):
    """A plan whose student learns from images without labels, too."""
    words += ["--unlabelled", "0.5", "--expert-views", "6"]
    plan = parse_plan(words)
    assert plan.method.name == "unlabelled"
    return words


def test_the_expert_is_planned_for_the_labelled_images(
    unlabelled, speeds, capsys
):
    """Twenty of forty: three steps, as often as it may."""
    speeds["expert"] = Speed(0.0, 1.0)
    speeds["student"] = Speed(0.0, 0.01)
    _, closed, _ = chosen(unlabelled, 60, capsys)
    assert closed.config.networks.expert_epochs == 30
    assert closed.config.schedule.images_per_epoch is None


def test_answers_are_kept_of_no_more_views_than_epochs(
    unlabelled, speeds, capsys
):
    speeds["student"] = Speed(0.0, 0.1, 0.01)
    plan, closed, printed = chosen(unlabelled, 60, capsys)
    assert closed.config.networks.expert_views == 6
    assert "answers to 6 views kept" in printed
    assert remembered(plan, 60) == closed
    # Two minutes less 30 seconds, of which the student has a part.
    speeds["student"] = Speed(0.0, 1.2, 0.01)
    _, closed, _ = chosen(unlabelled, 2, capsys)
    epochs = closed.config.schedule.epochs
    assert closed.config.networks.expert_views == epochs < 6
    spent = 40 * 0.01 * (epochs + 1) + 1.25 * epochs * 5 * 1.2
    assert spent <= 0.4 * 90 < spent + 40 * 0.01 + 1.25 * 5 * 1.2


def test_of_a_part_of_the_images_no_answers_are_kept(
    unlabelled, speeds, capsys
):
    """Then the expert has less to answer in the steps."""
    speeds["student"] = Speed(0.0, 1.0, 0.5)
    _, closed, printed = chosen(unlabelled, 3, capsys)
    assert closed.config.networks.expert_views is None
    assert 0 < closed.config.schedule.images_per_epoch < 40
    assert "views kept" not in printed
    seen = closed.config.schedule.images_per_epoch
    steps = closed.config.schedule.epochs * seen // 8
    spent = 40 * 0.5 + 1.25 * steps * (1.0 + 8 * 0.5)
    assert spent <= 0.4 * 150


def test_what_was_chosen_for_other_images_is_forgotten(words, speeds, capsys):
    plan, closed, _ = chosen(words, 60, capsys)
    fingerprint = load_data(plan).fingerprint()
    assert remembered(plan, 60, 1, fingerprint) == closed
    assert remembered(plan, 60, 1, "other") is None


@pytest.mark.parametrize(
    "content", ["{}", "[]", '{"fingerprint": 1, "settings": {"nosuch": 1}}']
)
def test_what_was_chosen_is_damaged(words, content):
    plan = parse_plan(words)
    file = choice_file(plan, 60, 1)
    file.parent.mkdir(parents=True)
    file.write_text(content)
    with pytest.raises(ValueError, match="damaged.*Fix: remove this file"):
        remembered(plan, 60)


def test_minutes_that_cannot_be_kept_are_told(words, speeds, capsys):
    _, _, printed = chosen(words, 0.1, capsys)
    assert "note: --minutes 0.1 cannot be kept" in printed
    _, _, printed = chosen(words, 3, capsys)
    assert "cannot be kept" not in printed


def test_given_numbers_are_kept(words, speeds, capsys):
    words += ["--expert-epochs", "7", "--images-per-epoch", "16"]
    _, closed, _ = chosen(words, 60, capsys)
    assert closed.config.networks.expert_epochs == 7
    assert closed.config.schedule.images_per_epoch == 16


LITE = ["--expert-network", "efficientnet_lite0", "--expert-image-size", "32"]


@pytest.mark.parametrize(
    ("more", "few", "head"),
    [
        ([], 500, True),
        # 40 images are not fewer.
        ([], 40, False),
        (["--expert-train", "all"], 500, False),
        (["--expert-epochs", "3"], 500, False),
        (["--expert-learning-rate", "1e-4"], 500, False),
        (["--expert-head", "awgram"], 500, False),
        (["--expert-network", "wrn_10_1"], 500, False),
        (["--expert-network", "efficientnet_lite0_first3"], 500, False),
    ],
)
def test_few_labels_teach_a_classifier_alone(
    words, speeds, monkeypatch, capsys, more, few, head
):
    monkeypatch.setattr(budget, "_FEW_LABELS", few)
    plan, closed, printed = chosen([*words, *LITE, *more], 60, capsys)
    expert = reference(closed)
    assert (expert.config.networks.train == "head") == head
    assert (expert.config.schedule.epochs == 1) == head
    assert ("pixels, its classifier alone" in printed) == head
    # The choice lies where the plan that was typed looks for it.
    assert remembered(plan, 60) == closed


def test_an_expert_of_few_labels_leaves_the_minutes_to_the_student(
    words, speeds, monkeypatch, capsys
):
    speeds["student"] = Speed(5.0, 0.5)
    # 40 epochs of 5 steps would take 130 seconds; half a minute for files and
    # half a minute for the expert go from three.
    monkeypatch.setattr(budget, "_FEW_LABELS", 500)
    _, closed, _ = chosen([*words, *LITE], 3, capsys)
    assert 35 <= closed.config.schedule.epochs <= 40
    monkeypatch.setattr(budget, "_FEW_LABELS", 0)
    _, closed, _ = chosen([*words, *LITE], 3, capsys)
    assert closed.config.schedule.epochs < 25


def test_sizes_on_the_command_line(words, monkeypatch):
    from keras_artkd.cli.train import main

    called = []
    monkeypatch.setattr(
        "keras_artkd.runs.reference.run_sizes",
        lambda plan, *rest: called.append((plan.is_open, *rest[:2])),
    )
    assert main([*words, "--sizes", "tiny", "medium", "--minutes", "5"]) == 0
    assert called == [(True, ("tiny", "medium"), 5.0)]
    for wrong in (
        ["tiny"],
        ["tiny", "efficientnet_lite0_first3"],
        ["big", "x"],
    ):
        assert main([*words, "--sizes", *wrong]) == 2
