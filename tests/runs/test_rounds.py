"""Self-training: the student of a round is the expert of the next."""

import types

import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.cli.train import main, parse_plan
from keras_artkd.run_folder import METRICS
from keras_artkd.runs import rounds, runner
from keras_artkd.runs.budget import Speed
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.rounds import Gain, run_rounds, validated
from tests.runs.settings import small_plan
from tests.runs.test_labelling import colours

IMAGES = 200


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Arrays to train on, and an expert that learned nothing yet."""
    root = tmp_path_factory.mktemp("rounds")
    train, test = colours(48, 0), colours(12, 1)
    np.savez(
        root / "colours.npz",
        x_train=train[0],
        y_train=train[1],
        x_test=test[0],
        y_test=test[1],
        class_names=["red", "green", "blue"],
    )
    models.build("wrn_10_1", 3, (16, 16, 3)).save(root / "expert.keras")
    return root


def first_round(place, workdir, **changes):
    settings = {
        "data_dir": str(place / "colours.npz"),
        "workdir": str(workdir),
        "expert": str(place / "expert.keras"),
        "method": "unlabelled",
        "unlabelled": 0.6,
        "exports": False,
        **changes,
    }
    return small_plan("npz", **settings)


def right(count):
    """Of so many images a student is right about the first."""
    return np.arange(IMAGES) < count


@pytest.fixture
def canned(monkeypatch, place, tmp_path):
    """Rounds without a training: each is right about so many images.

    Its data has no test images, so who looks at one fails.
    """
    data = types.SimpleNamespace(
        validation=range(IMAGES), fingerprint=lambda: "abc"
    )
    trained = []

    def run(plan, given):
        assert given is data
        trained.append(plan)
        plan.folder.path.mkdir(parents=True, exist_ok=True)
        name = plan.folder.name.encode()
        plan.folder.student.write_bytes(name)
        plan.folder.write(METRICS, {"round": len(trained)})

    def start(*counts, rounds_wanted=None, **changes):
        monkeypatch.setattr(
            rounds, "validated", lambda *_: right(counts[len(trained) - 1])
        )
        plan = first_round(place, tmp_path, **changes)
        wanted = rounds_wanted or len(counts)
        return run_rounds(plan, wanted, 3, 0.0), trained

    monkeypatch.setattr(rounds, "check_networks", lambda plan: None)
    monkeypatch.setattr(rounds, "load_data", lambda plan: data)
    monkeypatch.setattr(rounds, "run_or_read", run)
    monkeypatch.setattr(rounds, "print_summary", lambda *_: None)
    start.data = data
    return start


@pytest.mark.parametrize(
    ("counts", "trained", "taken", "why"),
    [
        ((100, 120, 140), 3, 3, "every round was better"),
        ((100, 120, 122), 3, 2, "round 3 is not better, beyond chance"),
        ((100, 101, 150), 2, 1, "round 2 is not better, beyond chance"),
        ((100, 100, 150), 2, 1, "round 2 is not better, beyond chance"),
        ((100, 60, 150), 2, 1, "round 2 is worse"),
    ],
)
def test_which_round_is_taken(canned, capsys, counts, trained, taken, why):
    folder, plans = canned(*counts)
    assert len(plans) == trained
    assert folder == plans[taken - 1].folder
    printed = capsys.readouterr().out
    assert f"Take round {taken}: {why}" in printed
    side_by_side = " ".join(str(plan.folder) for plan in plans)
    assert f"artkd report {side_by_side}" in printed


def test_each_round_is_the_run_of_the_expert_before(canned):
    """And nothing else of it differs."""
    _, plans = canned(100, 120, 140, method="kd", unlabelled=0.0)
    assert len({plan.folder for plan in plans}) == 3
    for before, plan in zip(plans, plans[1:], strict=False):
        expert = (str(before.folder.path),)
        assert plan.given_experts == [before.folder.student]
        assert plan.config == before.config.replace(expert=expert)


def test_several_experts_teach_the_first_round_alone(canned, place, tmp_path):
    other = tmp_path / "other.keras"
    other.write_bytes((place / "expert.keras").read_bytes())
    experts = (str(place / "expert.keras"), str(other))
    _, plans = canned(
        100, 120, expert=experts, expert_shares=(2.0, 1.0), method="kd"
    )
    assert plans[0].expert_shares == pytest.approx([2 / 3, 1 / 3])
    assert plans[1].expert_shares == [1.0]


def test_the_epochs_of_all_rounds_are_chosen_once(
    canned, place, tmp_path, monkeypatch, capsys
):
    measured = []

    def measure(plan, data):
        measured.append(plan)
        return Speed(1.0, 0.1)

    monkeypatch.setattr("keras_artkd.runs.budget.measure", measure)
    canned.data.train = canned.data.unlabelled = range(60)
    _, plans = canned(100, 120, epochs=0)
    assert len(measured) == 1
    assert {plan.config.schedule.epochs for plan in plans} == {
        plans[0].config.schedule.epochs
    }
    assert plans[0].config.schedule.epochs > 0
    assert capsys.readouterr().out.count("Plan, about") == 1


def test_without_validation_images_nothing_is_trained(canned):
    canned.data.validation = ()
    with pytest.raises(ValueError, match="validation images.*Received: none"):
        canned(1, 2)


def by_hand(before, after):
    """The interval of the difference, drawn anew image by image."""
    random = np.random.default_rng(1)
    rows = random.integers(0, len(before), (20_000, len(before)))
    draws = after[rows].mean(axis=1) - before[rows].mean(axis=1)
    return np.percentile(draws, [2.5, 97.5])


@pytest.mark.parametrize(
    ("gained", "lost", "verdict"),
    [
        (25, 5, "better, beyond chance"),
        (5, 25, "worse, beyond chance"),
        (20, 15, "no difference beyond chance"),
        (0, 0, "no difference beyond chance"),
    ],
)
def test_what_is_beyond_chance(gained, lost, verdict):
    """The same difference on more pairs that differ would tell less."""
    before = right(100)
    after = before.copy()
    after[:lost] = False
    after[100 : 100 + gained] = True
    gain = Gain.of(before, after)
    assert gain.difference == (gained - lost) / IMAGES
    expected = by_hand(before.astype(float), after.astype(float))
    np.testing.assert_allclose([gain.low, gain.high], expected, atol=0.006)
    assert gain.is_better == (expected[0] > 0)
    assert verdict in str(gain) and "200 validation images" in str(gain)


@pytest.mark.exhaustive
def test_from_a_killed_round_to_the_one_taken(
    place, short_runs, tmp_path, monkeypatch, capsys
):
    """Typed again, no finished round is trained."""
    plan = first_round(place, tmp_path)
    begun = []

    def run(each, data):
        begun.append(each)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return runner.run_or_read(each, data)

    monkeypatch.setattr(rounds, "run_or_read", run)
    with pytest.raises(KeyboardInterrupt):
        run_rounds(plan, 2, 1, 0.0)
    student = plan.folder.student.read_bytes()
    taken = run_rounds(plan, 2, 1, 0.0)
    assert plan.folder.student.read_bytes() == student
    printed = capsys.readouterr().out
    assert printed.count("Finished before") == 1

    second = resolve(plan.config.replace(expert=str(plan.folder.path)))
    first, metrics = plan.folder.metrics, second.folder.metrics
    assert metrics["expert"]["test_accuracy"] == first["test"]["accuracy"]
    # The hidden labels say how many of its new expert's answers are right.
    assert metrics["pseudo_labels"]["known"] > 0
    assert parse_plan(second.folder.command.split()[2:]).folder == second.folder
    assert f"artkd label {taken}" in printed

    data = runner.load_data(plan)
    answers = [validated(each, data) for each in (plan, second)]
    for each, correct in zip((plan, second), answers, strict=True):
        accuracy = each.folder.metrics["validation"]["accuracy"]
        assert correct.mean() == pytest.approx(accuracy)
    gain = Gain.of(*answers)
    assert taken == (second if gain.is_better else plan).folder
    assert str(gain) in printed
    monkeypatch.setattr(runner, "_run", None)
    assert run_rounds(plan, 2, 1, 0.0) == taken
    printed = capsys.readouterr().out
    assert printed.count("Finished before") == 2 and str(gain) in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--folds", "5", "--method", "kd"], "one split.*--fold 0"),
        (["--method", "baseline"], "learns from no expert.*--method kd"),
        (
            ["--method", "baseline", "--inherit", "expert"],
            "learns from no expert",
        ),
        (["--method", "byot"], "learns from no expert"),
        (["--method", "kd", "--inherit", "expert"], "not begin anew"),
        (["--method", "ms_mgans", "--epochs", "12"], "has stages"),
        (["--unlabelled", "0.5", "--labels-only"], "--labels-only"),
        (
            ["--method", "pseudo_hard", "--pseudo-labels", "{table}"],
            "classes of the table.*--method unlabelled",
        ),
        (["--method", "kd", "--sizes", "tiny", "small"], "--sizes"),
        (["--method", "kd", "--rounds", "0"], "`rounds` must be at least 1"),
    ],
)
def test_what_rounds_cannot_have(words, message, tmp_path, capsys):
    table = tmp_path / "table.csv"
    table.write_text("image,label,used\n")
    words = ["--rounds", "3", *(word.format(table=table) for word in words)]
    workdir = tmp_path / "runs"
    status = main(["--recipe", "demo", *words, "--workdir", str(workdir)])
    assert status == 2 and not workdir.exists()
    with pytest.raises(ValueError, match=message):
        raise ValueError(capsys.readouterr().err)


def test_rounds_on_the_command_line(monkeypatch):
    called = []
    monkeypatch.setattr(
        rounds, "run_rounds", lambda plan, *rest: called.append((plan, *rest))
    )
    words = ["--recipe", "demo", "--method", "kd", "--minutes", "5"]
    assert main([*words, "--rounds", "3"]) == 0
    ((plan, wanted, minutes, _),) = called
    assert plan.method.name == "kd" and (wanted, minutes) == (3, 5.0)
