"""The first learning rate of a cell: the best by validation."""

import shlex

import pytest

from keras_artkd.cli.study import main
from keras_artkd.files import read_json
from keras_artkd.run_folder import METRICS, RunFolder
from keras_artkd.runs.plan import resolve
from keras_artkd.studies.rates import (
    best_rate,
    check_rates,
    shares,
    trials,
    with_rate,
)
from keras_artkd.studies.registry import STUDIES

KEY = "000/4.13"
CELLS = ("baseline", "+ expert teacher")


def test_the_expert_keeps_its_rate(base):
    study = STUDIES[KEY]
    plan = study.plan(study.cells[1], base, 0)
    other = with_rate(plan, 0.1)
    assert other.first_rate == 0.1 and other.folder != plan.folder
    assert other.expert.folder == plan.expert.folder
    # Also where it goes by the student's rate.
    follows = resolve(plan.config.replace(expert_learning_rate=None))
    assert with_rate(follows, 0.1).expert.folder == follows.expert.folder


def test_the_best_rate_is_known_when_all_are_tried(base):
    rates = (0.005, 0.02, 0.1)
    tried = trials(resolve(base), rates)
    assert shares(tried) == dict.fromkeys(rates)
    for rate, share in zip(rates, (0.4, 0.5, 0.5), strict=True):
        assert best_rate(shares(tried)) is None
        folder = tried[rate].folder
        folder.write(METRICS, {"validation": {"accuracy": share}})
    # Of equals the smallest.
    assert best_rate(shares(tried)) == 0.02
    assert best_rate({}) is None


def test_rates_that_cannot_be_tried():
    for wrong in ((0.1, 0.1), (0.0,), (-1.0,)):
        with pytest.raises(ValueError, match="`rates` must be positive"):
            check_rates(STUDIES[KEY], wrong)
    own = STUDIES["000/learning-rate"]
    with pytest.raises(ValueError, match="rates of their own: 0.01"):
        check_rates(own, (0.005, 0.02))
    check_rates(own, ())


@pytest.mark.exhaustive
def test_cells_take_their_best_rate(
    flags, canned_runs, study_folder, tmp_path, capsys
):
    arguments = [KEY, *flags, "--rates", "0.001", "0.1"]
    assert main([*arguments, "--cells", *CELLS]) == 0
    printed = capsys.readouterr().out
    results = read_json(study_folder() / "results.json")
    runs = tmp_path / "runs" / "npz"
    taken = []
    for cell in results["cells"][:2]:
        rates = {
            rate: trial["validation_accuracy"]
            for rate, trial in cell["trials"].items()
        }
        assert [*rates] == ["0.001", "0.1"]
        best = max(rates, key=rates.get)
        taken.append(best)
        folders = {
            seed: RunFolder(runs / run["run"])
            for seed, run in cell["runs"].items()
        }
        assert [*folders] == ["0", "1"]
        for folder in folders.values():
            assert folder.settings["learning_rate"] == float(best)
        validation = folders["0"].metrics["validation"]
        assert validation["accuracy"] == rates[best]
    # A student that is taught has another one than a student alone.
    assert taken == ["0.001", "0.1"]
    # Three trainings of each: two rates, then the other seed; and experts.
    assert len([*runs.glob("baseline-*"), *runs.glob("kd-*")]) == 3 + 3 + 2
    assert "| cell | 0.001 | 0.1 |" in printed
    assert "the best of 0.001, 0.1 by validation" in printed
    # What was not tried has no rate, no number, and the commands to try it.
    untried = results["cells"][4]
    assert untried["mean"] is None and len(untried["trials"]) == 2
    assert "have ended; the others" not in printed
    # With the cells that it shows, and without what changes no number.
    command = results["command"]
    assert command.endswith(shlex.join(["--cells", *CELLS]))
    assert main([*arguments, "--cells", CELLS[0], "--only-report"]) == 0
    again = read_json(study_folder() / "results.json")
    assert again["command"] == command
