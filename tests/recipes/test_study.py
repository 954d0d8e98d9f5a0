"""`python -m recipes.study`, from flags to tables."""

import dataclasses
import importlib
import json
import shlex

import numpy as np
import pytest

from keras_artkd.files import read_json, write_json
from recipes import common
from recipes import study as study_module
from recipes.common import load_data, run_or_read
from recipes.study import Settings, main, run_study
from recipes.studying import work
from recipes.studying.plan import study_folder
from recipes.studying.registry import STUDIES

KEY = "000/4.13"
CELLS = ("baseline", "+ expert teacher")


@pytest.fixture
def flags(arrays, tmp_path, short_runs):
    """Of the smallest runs there are."""
    return [
        *("--recipe", "npz", "--data-dir", str(arrays)),
        *("--workdir", str(tmp_path / "runs"), "--image-size", "16"),
        *("--student", "wrn_10_1", "--initial", "wrn_10_1"),
        *("--expert-network", "wrn_10_1", "--epochs", "1", "--seeds", "2"),
    ]


def folder(tmp_path):
    (found,) = (tmp_path / "runs" / "npz").glob("study-000-4.13-small-*")
    return found


def test_the_list(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert "000/4.13" in printed and "looked up" in printed
    assert main(["000/parts", "--recipe", "atelier", "--list-cells"]) == 0
    printed = capsys.readouterr().out
    assert "| only AWGram | method baseline, head awgram |" in printed
    assert "36 runs, 1080 epochs in all; 3 experts, 90 epochs. 0 of" in printed
    words = ["002/4.8", "--list-cells", "--method-options", "skdsam.weight"]
    assert main([*words, "2", "--cells", "SKDSAM*", "--rates", "1", "2"]) == 0
    printed = capsys.readouterr().out
    # With what they are compared with; of each two rates and two other seeds.
    assert "12 runs, 288 epochs in all. 0 of" in printed
    assert "| SKDSAM |" in printed and "| FRSKD |" not in printed
    assert "skdsam.weight 2; seeds 0, 1, 2" in printed
    assert main(["000/4.3"]) == 0
    assert "| learning_rate | 0.01 | 0.01 |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["000/4.131"], "Perhaps you meant 000/4.13"),
        (["000/4.3", "--seeds", "2"], "looked up, not trained"),
        ([KEY, "--method", "kd"], "have their own. Received: --method"),
        ([KEY, "--head", "pool"], "have their own. Received: --head"),
        ([KEY, "--recipe", "attic"], "`recipe` must be one of"),
        ([KEY, "--budget", "huge"], "`budget` must be one of"),
        ([KEY, "--rates", "0.1", "0.1"], "`rates` must be positive"),
        ([KEY, "--rates", "1", "--learning-rate", "2"], "leave out one of"),
        (["001/3", "--expert", "x.keras"], "have their own expert or augm"),
        (["000/awgram", "--expert", "x.keras"], "be compared. Received: --exp"),
        (["002/4.17", "--augment", "cutout"], "be compared. Received: --aug"),
        ([KEY, "--seeds", "0"], "`seeds` must be at least 1"),
        ([KEY, "--workers", "0"], "`workers` must be at least 1"),
        ([KEY, "--cells", "nothing"], "must match cells of 000/4.13"),
        ([KEY, "--method-options", "kd.foo", "1"], "Method 'kd' has"),
        ([KEY, "--seed", "x"], "--seed"),
        ([KEY, "--recipe", "npz", "--data-dir", "no"], "which does not exist"),
        ([KEY, "--expert", "no.keras"], "no.keras, which is not there"),
    ],
)
def test_mistakes(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("error: ")
    assert error.count("\n") == 1
    assert not [*tmp_path.iterdir()]


@pytest.mark.slow
def test_from_flags_to_tables(flags, tmp_path, monkeypatch, capsys):
    """A part, then a run that fails, then the rest."""
    arguments = [KEY, *flags, "--cells", *CELLS]

    def fails_once(config, data):
        if config.method == "kd" and config.seed == 1:
            raise ValueError("The cat sat on the keyboard.")
        return run_or_read(config, data)

    monkeypatch.setattr(work, "run_or_read", fails_once)
    assert main(arguments) == 1
    assert "cat sat on the keyboard" in capsys.readouterr().err
    results = read_json(folder(tmp_path) / "results.json")
    assert [*results["failed"].values()] == ["The cat sat on the keyboard."]
    cells = {cell["name"]: cell for cell in results["cells"]}
    runs = cells["+ expert teacher"]["runs"]
    assert runs["0"]["accuracy"] is not None and runs["1"]["accuracy"] is None
    # Not run is empty, in every form.
    assert cells["+ AWGram"]["mean"] is None
    markdown = (folder(tmp_path) / "study.md").read_text()
    assert "| + AWGram | 66.83 |  |  |  |  |  | 1 |" in markdown
    assert "3 of 4 runs have ended" in markdown
    assert "held" not in markdown.partition("cannot be told")[0]
    page = (folder(tmp_path) / "study.html").read_text()
    assert "cat sat on the keyboard" in page

    monkeypatch.undo()
    trained = []

    def noted(config, data):
        trained.append((config.method, config.seed))
        return run_or_read(config, data)

    monkeypatch.setattr(work, "run_or_read", noted)
    monkeypatch.setattr("recipes.common.write_report", lambda run_dir: None)
    capsys.readouterr()
    assert main(arguments) == 0
    assert trained == [("kd", 1)]
    printed = capsys.readouterr().out
    results = read_json(folder(tmp_path) / "results.json")
    assert not results["failed"]
    for cell in results["cells"][:2]:
        for run in cell["runs"].values():
            path = tmp_path / "runs" / "npz" / run["run"] / "metrics.json"
            metrics = read_json(path)
            assert run["accuracy"] == metrics["test"]["accuracy"]
            assert not metrics["exports"]
            assert f"{100 * run['accuracy']:.2f}" in printed
            # Its command is the run's own.
            command = (path.parent / "command.txt").read_text().strip()
            assert run["command"] == command
    accuracies = [
        [run["accuracy"] for run in cell["runs"].values()]
        for cell in results["cells"][:2]
    ]
    (difference,) = results["differences"]
    assert difference["name"] == "+ expert teacher minus baseline"
    np.testing.assert_allclose(
        difference["best"]["mean"],
        np.mean(accuracies[1]) - np.mean(accuracies[0]),
    )
    last = [cell["last_epoch_mean"] for cell in results["cells"][:2]]
    np.testing.assert_allclose(difference["last"]["mean"], last[1] - last[0])
    assert results["order"]["measured"] == 1
    assert shlex.join(["python", "-m", "recipes.study", *arguments]) in printed
    assert (folder(tmp_path) / "figures" / "cells.png").stat().st_size > 5000

    # Nothing is left to train, and nothing is trained.
    trained.clear()
    assert main([*arguments, "--only-report"]) == 0
    assert main(arguments) == 0
    assert not trained

    # What was tested on other images is not compared.
    path = tmp_path / "runs" / "npz" / results["cells"][0]["runs"]["0"]["run"]
    described = read_json(path / "data.json")
    write_json(path / "data.json", described | {"fingerprint": "another"})
    capsys.readouterr()
    assert main(arguments) == 2
    assert "must have the same images" in capsys.readouterr().err
    # Nor is anything trained beside it.
    assert main([*arguments, "--seeds", "3"]) == 2
    assert "The images changed since the run" in capsys.readouterr().err
    assert not trained


@pytest.mark.slow
def test_cells_take_their_best_rate(flags, tmp_path, capsys):
    arguments = [KEY, *flags, "--rates", "0.001", "0.1"]
    assert main([*arguments, "--cells", *CELLS]) == 0
    printed = capsys.readouterr().out
    results = read_json(folder(tmp_path) / "results.json")
    runs = tmp_path / "runs" / "npz"
    for cell in results["cells"][:2]:
        rates = {
            rate: trial["validation_accuracy"]
            for rate, trial in cell["trials"].items()
        }
        assert [*rates] == ["0.001", "0.1"]
        best = max(rates, key=rates.get)
        assert [*cell["runs"]] == ["0", "1"]
        for run in cell["runs"].values():
            config = read_json(runs / run["run"] / "config.json")
            assert config["learning_rate"] == float(best)
        of_first = read_json(runs / cell["runs"]["0"]["run"] / "metrics.json")
        assert of_first["validation"]["accuracy"] == rates[best]
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
    assert read_json(folder(tmp_path) / "results.json")["command"] == command


@pytest.mark.slow
def test_workers_share_the_runs(flags, tmp_path, capsys):
    """Two processes; each run and each expert is trained by one of them."""
    assert main([KEY, *flags, "--cells", *CELLS, "--workers", "2"]) == 0
    assert "4 of 4 runs" in capsys.readouterr().out
    results = read_json(folder(tmp_path) / "results.json")
    assert all(cell["mean"] is not None for cell in results["cells"][:2])
    logs = [path.read_text() for path in folder(tmp_path).glob("worker*.log")]
    assert len(logs) == 2
    assert sum(log.count("\nRun: ") for log in logs) == 4


def config(arrays, tmp_path, **changes):
    default = importlib.import_module("recipes.npz").CONFIG
    return dataclasses.replace(
        default,
        data_dir=str(arrays),
        workdir=str(tmp_path),
        student="wrn_10_1",
        expert_network="wrn_10_1",
        image_size=16,
        epochs=1,
        **changes,
    )


def test_experts_come_first_and_once(arrays, tmp_path):
    runs = [
        config(arrays, tmp_path, method=method, seed=seed, expert_epochs=2)
        for seed in (0, 1)
        for method in ("kd", "attention", "baseline")
    ]
    order = [*work.order_runs(runs).values()]
    assert [(c.method, c.epochs, c.seed) for c in order] == [
        (method, epochs, seed)
        for seed in (0, 1)
        for method, epochs in (
            ("baseline", 2),
            ("kd", 1),
            ("attention", 1),
            ("baseline", 1),
        )
    ]


def test_a_run_is_claimed_by_one(tmp_path):
    with work._claim(tmp_path / "run") as first:
        assert first
        with work._claim(tmp_path / "run") as second:
            assert not second
        with work._claim(tmp_path / "other") as other:
            assert other
    with work._claim(tmp_path / "run") as again:
        assert again


def test_what_an_expert_failed_to_teach(arrays, tmp_path, monkeypatch, capsys):
    """Its students are told, and the others trained."""
    trained = []

    def run(config, data):
        if config.expert_epochs == 3:
            raise OSError("No space left.")
        trained.append(config.method)
        config.run_dir.mkdir(parents=True)
        (config.run_dir / "metrics.json").write_text("{}")

    monkeypatch.setattr(work, "run_or_read", run)
    monkeypatch.setattr(work, "load_data", lambda config: None)
    kd = config(arrays, tmp_path, method="kd", expert_epochs=3)
    other = config(arrays, tmp_path, method="kd", expert_epochs=2)
    # The expert's own configuration keeps the epochs it is asked for.
    failed = {}
    work.train_all([kd, other], failed)
    assert [*failed] == [kd.expert_config().run_dir, kd.run_dir]
    assert failed[kd.run_dir] == "its expert: No space left."
    assert trained == ["baseline", "kd"]


def test_data_is_loaded_once(arrays, tmp_path, monkeypatch, capsys):
    loads = []

    def load(config):
        loads.append(config.load_arguments())
        return load_data(config)

    monkeypatch.setattr(work, "load_data", load)
    loaded = {}
    first = work._data(config(arrays, tmp_path), loaded)
    assert work._data(config(arrays, tmp_path, method="kd"), loaded) is first
    assert len(loads) == 1
    work._data(config(arrays, tmp_path, limit=20), loaded)
    assert len(loads) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "key", ["000/text:4.3.7-pandora", "000/fig4.11", "002/4.17"]
)
def test_what_else_is_shown(key, flags, tmp_path, capsys):
    """Classes, curves, and baselines that are matched."""
    # The initial teacher's row of 4.11 has a network of its own.
    flags = [*flags, "--seeds", "1"]
    if key == "002/4.17":
        flags += ["--matched", "--epochs", "8", "--cells", "Mixup+SKDSAM"]
    elif key == "000/fig4.11":
        flags += ["--cells", "KD"]
    assert main([key, *flags]) == 0
    printed = capsys.readouterr().out
    (path,) = (tmp_path / "runs" / "npz").glob("study-*")
    page = (path / "study.html").read_text()
    figures = {file.stem for file in (path / "figures").iterdir()}
    if key == "000/fig4.11":
        assert "curves" in figures and "Accuracy, validation" in page
    elif key == "002/4.17":
        assert "as much arithmetic" in printed
        assert "as much arithmetic" in page
        results = read_json(path / "results.json")
        means = {cell["name"]: cell["mean"] for cell in results["cells"]}
        assert len(results["matched"]) == 3
        for contrast in results["matched"]:
            gain = contrast["best"]["mean"]
            method, _, baseline = contrast["name"].partition(" minus ")
            np.testing.assert_allclose(gain, means[method] - means[baseline])
            assert f"| {contrast['name']} | 1 | {100 * gain:+.2f} |" in printed
    else:
        assert "| Byzantine Iconography | 95 |  |  |" in printed
        assert "The least accurate classes here" in page


def test_an_ablation_that_failed_says_so(arrays, tmp_path, monkeypatch):
    default = importlib.import_module("recipes.npz").CONFIG
    monkeypatch.setattr("sys.argv", ["npz", "--ablation"])
    outcome = {}
    monkeypatch.setattr(study_module, "run_ablation", lambda config: outcome)
    assert common.main(default, "") == 0
    outcome[tmp_path] = "The cat sat on the keyboard."
    assert common.main(default, "") == 1


def test_a_study_has_one_folder(arrays, tmp_path):
    """More seeds and other cells go where the first ones are."""
    base = config(arrays, tmp_path)
    study = STUDIES[KEY]

    def place(base=base, **changes):
        settings = Settings(KEY, "npz", **changes)
        return study_folder(study, base, settings)

    assert place() == place(seeds=5, cells=("baseline",), workers=2)
    assert place() == place(dataclasses.replace(base, seed=3))
    for changes in (
        {"expert_network": "wrn_10_2"},
        {"initial": "wrn_10_2"},
        {"expert_epochs": 7},
        {"feature_scale": 2.0},
    ):
        assert place() != place(dataclasses.replace(base, **changes))
    assert place() != place(dataclasses.replace(base, epochs=2))
    assert place() != place(method_options={"kd.alpha": 0.5})
    assert place() != place(budget="paper")


def test_only_report_of_nothing(arrays, tmp_path, capsys):
    settings = Settings(KEY, "npz", only_report=True)
    assert run_study(settings, config(arrays, tmp_path), "command") == {}
    assert "0 of 15 runs have ended" in capsys.readouterr().out
    (path,) = (tmp_path / "npz").glob("study-*/results.json")
    results = json.loads(path.read_text())
    assert all(cell["mean"] is None for cell in results["cells"])
    assert "none of its 4 pairs" in results["order"]["verdict"]
