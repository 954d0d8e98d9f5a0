"""`artkd evaluate` measures as the run did, on its own images or others."""

import json
import shutil

import pytest
from PIL import Image

from keras_artkd.cli.main import main
from keras_artkd.run_folder import DATA, METRICS, SETTINGS, RunFolder


def evaluated(capsys, *arguments):
    status = main(["evaluate", *map(str, arguments), "--json"])
    output = capsys.readouterr()
    return status, json.loads(output.out), output.err


def check_figures(metrics, run):
    recorded = RunFolder(run).metrics["test"]
    for key in ("num_examples", "accuracy", "confusions"):
        assert metrics[key] == recorded[key]
    low, high = metrics["accuracy_interval"]
    assert low < metrics["accuracy"] <= high <= 1


@pytest.mark.parametrize("name", ["student.tflite", "student.keras"])
def test_the_test_split_in_a_folder(finished, images, capsys, name):
    status, metrics, error = evaluated(
        capsys, finished / name, "--data-dir", images, "--split", "test"
    )
    assert (status, error) == (0, "")
    check_figures(metrics, finished)


@pytest.mark.parametrize("at_once", [3, 2048])
def test_a_run_on_its_own_test_split(
    at_once, finished, images, capsys, monkeypatch
):
    monkeypatch.setattr("keras_artkd.cli.evaluate._AT_ONCE", at_once)
    status, metrics, error = evaluated(capsys, finished)
    assert status == 0
    check_figures(metrics, finished)
    assert error.splitlines() == [
        f"note: the run's student is {finished / 'student.tflite'}",
        f"note: measured on the run's own test split of {images}",
    ]


def test_a_file_of_a_run_on_another_split(finished, capsys):
    path = finished / "student_int8.tflite"
    status, metrics, error = evaluated(capsys, path, "--split", "validation")
    splits = RunFolder(finished).data["splits"]
    assert status == 0
    assert metrics["num_examples"] == len(splits["validation"])
    assert "own validation split of" in error
    assert error.endswith(", which served its training\n")


def test_a_run_and_a_folder(finished, images, capsys):
    arguments = ["--data-dir", images, "--split", "test"]
    status, metrics, error = evaluated(capsys, finished, *arguments)
    assert status == 0
    check_figures(metrics, finished)
    assert error.startswith("note: the run's student is ")


def test_the_run_s_own_images_must_still_be_the_same(
    run_dir, images, tmp_path, capsys
):
    other = shutil.copytree(images, tmp_path / "other")
    next(other.glob("red/*")).unlink()
    folder = RunFolder(run_dir)
    data = folder.data
    data["load"]["data_dir"] = str(other)
    folder.write(DATA, data)
    assert main(["evaluate", str(run_dir)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "error: The images are not those of the run" in output.err


def test_training_images_and_broken_ones_are_named(
    finished, images, tmp_path, capsys
):
    others = shutil.copytree(images, tmp_path / "others")
    (others / "red" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    splits = RunFolder(finished).data["splits"]
    count = sum(map(len, splits.values()))
    status, metrics, error = evaluated(
        capsys, finished / "student_int8.tflite", "--data-dir", others
    )
    assert status == 2
    assert metrics["num_examples"] == count
    (broken,) = metrics["unreadable"]
    assert broken["file"] == "red/broken.jpg"
    note, line = error.splitlines()
    seen = count - len(splits["test"])
    assert note.startswith(f"note: {seen} of these {count + 1} images")
    assert line.startswith("error: red/broken.jpg: ")


def test_prints_a_table(finished, capsys):
    assert main(["evaluate", str(finished / "student.tflite")]) == 0
    output = capsys.readouterr().out
    assert "accuracy" in output and "95 %" in output
    data = RunFolder(finished).data
    names = data["class_names"]
    rows = [line.split() for line in output.splitlines()[-len(names) :]]
    assert sorted(row[-1] for row in rows) == names
    assert sum(int(row[1]) for row in rows) == len(data["splits"]["test"])


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        ("student.tflite", ["--data-dir", "{empty}"], "one folder per class"),
        ("student.tflite", ["--data-dir", "{foreign}"], "Received: cats"),
        ("{foreign}/m.tflite", ["--data-dir", "{images}"], "no model"),
        ("{images}", [], "must be a SavedModel or that of a finished run"),
        ("{interrupted}", [], "resume it: artkd train FOLDER --resume"),
        ("{alone}/student.tflite", [], "needs --data-dir, unless it lies in"),
        ("{taken}/student.tflite", [], "the classes and the preprocessing"),
        (
            "saved_model",
            ["--data-dir", "{other}", "--split", "test"],
            "without",
        ),
    ],
)
def test_bad_input(
    finished, images, tmp_path, failing, model, arguments, message
):
    names = ("empty", "foreign", "other", "interrupted", "alone", "taken")
    places = {name: tmp_path / name for name in names}
    for folder, classes in (
        ("foreign", ("cats", "red")),
        ("other", RunFolder(finished).data["class_names"]),
    ):
        for name in classes:
            (places[folder] / name).mkdir(parents=True)
            Image.new("RGB", (9, 9)).save(places[folder] / name / "x.png")
    unfinished = RunFolder(places["interrupted"])
    unfinished.write(SETTINGS, {})
    unfinished.write_command("artkd train FOLDER")
    # A run of other classes, beside whose files the model does not belong.
    own, taken = RunFolder(finished), RunFolder(places["taken"])
    settings = {**own.settings, "image_size": 15}
    for name, content in (
        (SETTINGS, settings),
        (DATA, own.data),
        (METRICS, own.metrics),
    ):
        taken.write(name, content)
    for folder in ("alone", "taken"):
        places[folder].mkdir(exist_ok=True)
        shutil.copy(finished / "student.tflite", places[folder])
    places["images"] = images
    words = [argument.format(**places) for argument in arguments]
    path = finished / model.format(**places)
    assert message in failing("evaluate", path, *words)


@pytest.mark.parametrize("content", ["[1, 2]", "{bad", "{}", '{"splits": 1}'])
def test_beside_another_data_json(finished, images, tmp_path, capsys, content):
    """Any model may lie beside any file."""
    shutil.copy(finished / "student.tflite", tmp_path)
    (tmp_path / "data.json").write_text(content)
    arguments = [str(tmp_path / "student.tflite"), "--data-dir", str(images)]
    assert main(["evaluate", *arguments]) == 0
    assert "images" in capsys.readouterr().out
    assert main(["evaluate", *arguments, "--split", "test"]) == 2
    assert "--split needs" in capsys.readouterr().err


def test_what_a_run_says_does_not_reach_the_terminal(run_dir, images, capsys):
    folder = RunFolder(run_dir)
    data = folder.data
    data["load"]["data_dir"] = f"{images}/\x1b[2J\u202e/.."
    folder.write(DATA, data)
    metrics = folder.metrics
    metrics["folds"] = None
    folder.write(METRICS, metrics)
    main(["evaluate", str(run_dir)])
    error = capsys.readouterr().err
    assert r"\x1b[2J\u202e" in error
    assert all(c == "\n" or c.isprintable() for c in error)
