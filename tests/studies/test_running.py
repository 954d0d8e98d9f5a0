"""A study from its flags to its tables, its page and its results."""

import shlex

import numpy as np
import pytest

from keras_artkd.cli.study import main
from keras_artkd.files import read_json
from keras_artkd.measure.comparing import mean_interval
from keras_artkd.run_folder import DATA, METRICS, RunFolder
from keras_artkd.studies import running, work
from keras_artkd.studies.registry import STUDIES
from keras_artkd.studies.running import run_study
from keras_artkd.studies.settings import Settings
from tests.runs.finished import paint
from tests.studies import canned

KEY = "000/4.13"
CELLS = ("baseline", "+ expert teacher")


@pytest.fixture
def arguments(flags):
    return [KEY, *flags, "--cells", *CELLS]


def results_of(folder, count=2):
    """The study's results, and those of its first cells."""
    results = read_json(folder / "results.json")
    return results, results["cells"][:count]


@pytest.mark.slow
def test_a_study_trains_its_runs(
    arguments, short_runs, study_folder, tmp_path, monkeypatch, capsys
):
    assert main([*arguments, "--seeds", "1"]) == 0
    printed = capsys.readouterr().out
    results, cells = results_of(study_folder())
    for cell in cells:
        (run,) = cell["runs"].values()
        folder = RunFolder(tmp_path / "runs" / "npz" / run["run"])
        metrics = folder.metrics
        assert run["accuracy"] == metrics["test"]["accuracy"]
        assert run["last_epoch"] == metrics["test_last_epoch"]["accuracy"]
        assert not metrics["exports"]
        assert f"{100 * run['accuracy']:.2f}" in printed
        # Its command is the run's own.
        assert run["command"] == folder.command
    assert results["order"]["measured"] == 1
    assert "a single seed is no proof" in results["order"]["verdict"]
    # Nothing is left to train, and nothing is trained.
    monkeypatch.delattr(work, "run_or_read")
    assert main([*arguments, "--seeds", "1"]) == 0
    assert results_of(study_folder()) == (results, cells)


def test_a_run_that_fails_is_left_to_the_next_call(
    arguments, study_folder, monkeypatch, capsys
):
    def fails_once(plan, data):
        if plan.method.name == "kd" and plan.config.schedule.seed == 1:
            raise ValueError("The cat sat on the keyboard.")
        return canned.run_or_read(plan, data)

    monkeypatch.setattr(work, "run_or_read", fails_once)
    assert main(arguments) == 1
    assert "cat sat on the keyboard" in capsys.readouterr().err
    results, cells = results_of(study_folder(), 5)
    assert [*results["failed"].values()] == ["The cat sat on the keyboard."]
    cells = {cell["name"]: cell for cell in cells}
    runs = cells["+ expert teacher"]["runs"]
    assert runs["0"]["accuracy"] is not None and runs["1"]["accuracy"] is None
    # Not run is empty, in every form.
    assert cells["+ AWGram"]["mean"] is None
    markdown = (study_folder() / "study.md").read_text()
    assert "| + AWGram | 66.83 |  |  |  |  |  | 1 |" in markdown
    assert "3 of 4 runs have ended" in markdown
    assert "held" not in markdown.partition("cannot be told")[0]
    page = (study_folder() / "study.html").read_text()
    assert "cat sat on the keyboard" in page

    trained = []

    def noted(plan, data):
        trained.append((plan.method.name, plan.config.schedule.seed))
        return canned.run_or_read(plan, data)

    monkeypatch.setattr(work, "run_or_read", noted)
    assert main(arguments) == 0
    assert trained == [("kd", 1)]
    assert not results_of(study_folder())[0]["failed"]


def test_from_flags_to_tables(arguments, canned_runs, study_folder, capsys):
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    results, cells = results_of(study_folder())
    accuracies = [
        [run["accuracy"] for run in cell["runs"].values()] for cell in cells
    ]
    # Of sixteen images, by seed.
    assert accuracies == [[4 / 16, 5 / 16], [7 / 16, 8 / 16]]
    assert "| baseline | 60.76 | 25.00 | 31.25 | 28.12 ± 4.42 |" in printed
    (difference,) = results["differences"]
    assert difference["name"] == "+ expert teacher minus baseline"
    np.testing.assert_allclose(difference["best"]["mean"], 3 / 16)
    last = [cell["last_epoch_mean"] for cell in cells]
    np.testing.assert_allclose(difference["last"]["mean"], last[1] - last[0])
    assert results["order"]["measured"] == 1
    assert results["command"] == shlex.join(["artkd", "study", *arguments])
    assert results["command"] in printed
    assert "compare the order, not the values" in printed
    # Here they are the student itself.
    assert "are no better than the student alone, with 28.12" in printed
    figures = study_folder() / "figures"
    assert (figures / "cells.png").stat().st_size > 5000
    page = (study_folder() / "study.html").read_text()
    assert "pale: 95 % of the choice of test images" in page
    assert "Confusion matrix" not in page


def test_what_has_other_images_is_not_compared(
    arguments, canned_runs, study_folder, tmp_path, monkeypatch, capsys
):
    assert main(arguments) == 0
    _, cells = results_of(study_folder())
    run = cells[0]["runs"]["0"]["run"]
    folder = RunFolder(tmp_path / "runs" / "npz" / run)
    folder.write(DATA, folder.data | {"fingerprint": "another"})
    capsys.readouterr()
    assert main(arguments) == 2
    assert "must have the same images" in capsys.readouterr().err
    # Nor is anything trained beside it.
    monkeypatch.delattr(work, "run_or_read")
    assert main([*arguments, "--seeds", "3"]) == 2
    assert "The images changed since the run" in capsys.readouterr().err


def test_curves(flags, canned_runs, study_folder):
    # The row of the initial teacher has a network of its own.
    assert main(["000/4.11", *flags, "--seeds", "1", "--cells", "KD"]) == 0
    assert (study_folder() / "figures" / "curves.png").exists()
    page = (study_folder() / "study.html").read_text()
    assert "Accuracy, validation" in page


@pytest.mark.exhaustive
def test_matched_baselines(flags, canned_runs, study_folder, capsys):
    flags = [*flags, "--seeds", "1", "--epochs", "8"]
    cells = ["--matched", "--cells", "Mixup+SKDSAM"]
    assert main(["002/4.17", *flags, *cells]) == 0
    printed = capsys.readouterr().out
    page = (study_folder() / "study.html").read_text()
    for text in (printed, page):
        assert "as much arithmetic" in text
    results, cells = results_of(study_folder(), None)
    means = {cell["name"]: cell["mean"] for cell in cells}
    assert len(results["matched"]) == 3
    for contrast in results["matched"]:
        gain = contrast["best"]["mean"]
        method, _, baseline = contrast["name"].partition(" minus ")
        np.testing.assert_allclose(gain, means[method] - means[baseline])
        assert f"| {contrast['name']} | 1 | {100 * gain:+.2f} |" in printed


def test_classes(flags, canned_runs, study_folder, capsys):
    assert main(["000/text:4.3.7-pandora", *flags]) == 0
    assert "| Byzantine Iconography | 95 |  |  |" in capsys.readouterr().out
    page = (study_folder() / "study.html").read_text()
    assert "The least accurate classes here" in page
    assert "Confusion matrix of ours, mean of the seeds" in page
    assert (study_folder() / "figures" / "confusion.png").exists()


def test_only_report_of_nothing(base, study_folder, capsys):
    settings = Settings(KEY, "npz", only_report=True)
    assert run_study(STUDIES[KEY], settings, base, "command") == {}
    assert "0 of 15 runs have ended" in capsys.readouterr().out
    results, cells = results_of(study_folder(), None)
    assert all(cell["mean"] is None for cell in cells)
    assert "none of its 4 pairs" in results["order"]["verdict"]


def test_differences_of_splits_of_their_own(
    canned_runs, tmp_path, study_folder
):
    images = tmp_path / "images"
    paint(images, count=20)
    words = [
        *("own/inheriting", str(images)),
        *("--workdir", str(tmp_path / "runs"), "--seeds", "3"),
        *("--cells", "tiny: labels", "tiny: kd"),
        "--exports",
    ]
    assert main(words) == 0
    page = (study_folder() / "study.md").read_text()
    results, _ = results_of(study_folder())
    named = {d["name"]: d["best"] for d in results["differences"]}
    difference = named["tiny: kd minus tiny: labels"]
    assert difference["over_seeds"] is not None
    assert difference["over_both"] is None
    assert "each with a split of its own" in page
    assert "Nadeau and Bengio" in page
    # The files, and the picture of accuracy against their size.
    assert "| tiny: labels | 1,234 | 25 KiB |" in page
    assert "Files: int8, of the runs that have them" in page
    assert "a file sees the upright image alone" not in page
    assert (study_folder() / "figures" / "sizes.png").exists()


def test_the_page_is_written_after_each_run(flags, canned_runs, monkeypatch):
    """What there is can be looked at while the others train."""
    monkeypatch.setattr(running, "train_all", work.train_all)
    written = []
    monkeypatch.setattr(
        running,
        "write_study",
        lambda folder, results, _: written.append(results),
    )
    assert (
        main(["000/4.13", *flags, "--cells", "baseline", "+ expert teacher"])
        == 0
    )
    finished = [sum(len(c.metrics) for c in r.cells) for r in written]
    assert finished == sorted(finished) and len({*finished}) > 2


ROTATED = ["SLA+cross_entropy", "SLA+SKDSAM"]


@pytest.fixture
def rotated(flags, canned_runs):
    """Table 4.19: an upright student, and two of rotations; not written yet.

    Canned students of the two methods are equal on upright images, and by two
    images in sixteen better over rotations.
    """
    return ["002/4.19", *flags]


def test_rotations_are_judged_over_rotations(rotated, study_folder, capsys):
    assert main([*rotated, "--exports"]) == 0
    printed = capsys.readouterr().out
    results, cells = results_of(study_folder(), None)
    cells = {cell["name"]: cell for cell in cells}
    assert [n for n, c in cells.items() if c["aggregated"]] == ROTATED
    for seed, upright in enumerate((7 / 16, 8 / 16)):
        run = cells["SLA+SKDSAM"]["runs"][str(seed)]
        assert run["accuracy"] == run["macro_accuracy"] == upright + 2 / 16
        assert run["upright"]["accuracy"] == upright
        assert run["last_epoch"] > run["upright"]["last_epoch"]
        plain = cells["SKDSAM"]["runs"][str(seed)]
        assert plain["accuracy"] == upright and "upright" not in plain
    assert cells["SLA+SKDSAM"]["mean"] == pytest.approx(9.5 / 16)
    named = {d["name"]: d for d in results["differences"]}
    difference = named["SLA+SKDSAM minus SKDSAM"]
    np.testing.assert_allclose(difference["best"]["each"], [2 / 16, 2 / 16])
    # The images that rotations alone get right: 7 and 8, with seed 1 8 and 9.
    gains = np.bincount([7, 8, 8, 9], minlength=16) / 2
    for interval in ("over_images", "over_both"):
        np.testing.assert_allclose(
            difference["best"][interval], mean_interval(gains)
        )
    assert difference["last"]["mean"] > 0
    (pair,) = [
        pair
        for pair in results["order"]["pairs"]
        if (pair["lower"], pair["higher"]) == ("SKDSAM", "SLA+SKDSAM")
    ]
    assert pair["difference"] == pytest.approx(2 / 16)
    page = (study_folder() / "study.html").read_text()
    assert printed.count("at four times the cost") == 1
    # Beside its table and its picture.
    assert page.count("at four times the cost: SLA+cross_entropy, SLA") >= 2
    row = "| SLA+SKDSAM | 76.83 | 56.25 | 62.50 | 59.38 ± 4.42 |"
    upright = "| SLA+SKDSAM | 43.75 | 50.00 | 46.88 ± 4.42 |"
    assert row in printed and upright in printed
    assert "on the upright image alone, at the cost of one" in page
    assert "Upright validation images choose their epochs" in printed
    assert "kept no such logits" not in printed
    assert (
        "a file sees the upright image alone, also of those that are measured "
        "over four rotations: SLA+cross_entropy, SLA+SKDSAM" in printed
    )


def test_rotations_of_older_runs(rotated, study_folder, tmp_path, capsys):
    """They have the accuracy over rotations, and not whose answers it is."""
    assert main(rotated) == 0
    _, cells = results_of(study_folder(), None)
    run = cells[2]["runs"]["0"]["run"]
    folder = RunFolder(tmp_path / "runs" / "npz" / run)
    with np.load(folder.predictions) as saved:
        arrays = dict(saved)
    del arrays["rotations"]
    folder.write_arrays(folder.predictions, **arrays)
    metrics = folder.metrics
    del metrics["test_rotations_last_epoch"]
    folder.write(METRICS, metrics)
    capsys.readouterr()
    assert main(rotated) == 0
    printed = capsys.readouterr().out
    results, cells = results_of(study_folder(), None)
    assert cells[2]["mean"] == pytest.approx(9.5 / 16)
    assert cells[2]["last_epoch_mean"] is None
    named = {d["name"]: d for d in results["differences"]}
    assert named["SLA+cross_entropy minus SKDSAM"]["best"]["over_images"]
    difference = named["SLA+SKDSAM minus SKDSAM"]
    assert difference["best"]["mean"] == pytest.approx(2 / 16)
    assert difference["best"]["over_images"] is None
    assert difference["last"] is None
    assert "1 of their runs kept no such logits" in printed
    assert f"type the command again: {run}." in printed
    row = "| SLA+SKDSAM minus SKDSAM | 2 | +12.50 | 12.5 to 12.5 |  |  |  |  |"
    assert row in printed
