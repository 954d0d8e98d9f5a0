"""`artkd evaluate` and `artkd export` on a real, small run."""

import dataclasses
import json
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from keras_artkd.cli import main
from keras_artkd.export import ParityGate
from keras_artkd.files import read_json, write_json
from keras_artkd.runtimes import open_model
from recipes.common import run
from recipes.folder import CONFIG

CLASSES = ["blue", "green", "red"]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Three classes of one colour each, with noise; one file broken."""
    root = tmp_path_factory.mktemp("images")
    random = np.random.default_rng(0)
    for label, name in enumerate(CLASSES):
        (root / name).mkdir()
        for index in range(40):
            pixels = random.integers(0, 80, (20, 26, 3), dtype="uint8")
            pixels[..., 2 - label] += 160
            Image.fromarray(pixels).save(root / name / f"{index}.png")
    (root / "red" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    return root


@pytest.fixture(scope="module")
def finished(images, tmp_path_factory):
    """The folder of a run that learned the three colours."""
    config = dataclasses.replace(
        CONFIG,
        data_dir=str(images),
        workdir=str(tmp_path_factory.mktemp("runs")),
        method="baseline",
        student="wrn_10_1",
        image_size=16,
        epochs=6,
        batch_size=16,
        learning_rate=0.1,
        licence="CC0-1.0",
    )
    metrics = run(config)
    assert metrics["test"]["accuracy"] > 0.9
    return config.run_dir


@pytest.fixture
def run_dir(finished, tmp_path):
    """A copy of the run, to be spoilt."""
    return shutil.copytree(finished, tmp_path / "run")


def files_of(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*"))


def evaluated(capsys, *arguments):
    status = main(["evaluate", *map(str, arguments), "--json"])
    output = capsys.readouterr()
    return status, json.loads(output.out), output.err


@pytest.mark.parametrize("name", ["student.tflite", "student.keras"])
def test_evaluate_gives_the_run_s_figures(finished, images, capsys, name):
    recorded = read_json(finished / "metrics.json")["test"]
    status, metrics, _ = evaluated(
        capsys, finished / name, "--data-dir", images, "--split", "test"
    )
    assert status == 0
    for key in ("num_examples", "accuracy", "confusion_matrix"):
        assert metrics[key] == recorded[key]
    low, high = metrics["accuracy_interval"]
    assert low < metrics["accuracy"] <= high <= 1


def test_evaluate_tells_of_training_images_and_of_broken_ones(
    finished, images, capsys
):
    status, metrics, error = evaluated(
        capsys, finished / "student_int8.tflite", "--data-dir", images
    )
    assert status == 2
    assert metrics["num_examples"] == 120
    (broken,) = metrics["unreadable"]
    assert broken["file"] == "red/broken.jpg"
    note, line = error.splitlines()
    assert note.startswith("note: 102 of these 121 images")
    assert line.startswith("error: red/broken.jpg: ")


def test_evaluate_prints_a_table(finished, images, capsys):
    arguments = ["--data-dir", str(images), "--split", "test"]
    assert main(["evaluate", str(finished / "student.tflite"), *arguments]) == 0
    output = capsys.readouterr().out
    assert "accuracy" in output and "95 %" in output
    rows = [line.split() for line in output.splitlines()[-3:]]
    assert sorted(row[-1] for row in rows) == CLASSES
    assert sum(int(row[1]) for row in rows) == 18


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        ("student.tflite", ["--data-dir", "{empty}"], "one folder per class"),
        ("student.tflite", ["--data-dir", "{foreign}"], "Received: cats"),
        ("student.tflite", [], "--data-dir"),
        ("{foreign}/m.tflite", ["--data-dir", "{images}"], "no model"),
        (
            "saved_model",
            ["--data-dir", "{other}", "--split", "test"],
            "without 18 of its 18 images",
        ),
    ],
)
def test_evaluate_bad_input(
    finished, images, tmp_path, capsys, model, arguments, message
):
    places = {name: tmp_path / name for name in ("empty", "foreign", "other")}
    for folder, names in (("foreign", ("cats", "red")), ("other", CLASSES)):
        for name in names:
            (places[folder] / name).mkdir(parents=True)
            image = places[folder] / name / "x.png"
            shutil.copy(images / "red" / "1.png", image)
    places.update(images=images)
    words = [str(finished / model.format(**places))]
    words += [argument.format(**places) for argument in arguments]
    try:
        status = main(["evaluate", *words])
    except SystemExit as exit:
        status = exit.code
    error = capsys.readouterr().err
    assert status == 2
    assert error.count("\n") == 1 and message in error


@pytest.mark.parametrize("content", ["[1, 2]", "{bad", "{}", '{"splits": 1}'])
def test_evaluate_beside_another_data_json(
    finished, images, tmp_path, capsys, content
):
    """Any model may lie beside any file."""
    shutil.copy(finished / "student.tflite", tmp_path)
    (tmp_path / "data.json").write_text(content)
    arguments = [str(tmp_path / "student.tflite"), "--data-dir", str(images)]
    main(["evaluate", *arguments])
    assert "120" in capsys.readouterr().out
    assert main(["evaluate", *arguments, "--split", "test"]) == 2
    assert "--split needs" in capsys.readouterr().err


@pytest.mark.parametrize("file_format", ["saved_model", "tflite"])
def test_export_replaces_nothing_of_another_kind(
    run_dir, tmp_path, capsys, file_format
):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "years.txt").write_text("of work")
    arguments = ["--format", file_format, "--output", str(tmp_path / "thesis")]
    assert main(["export", str(run_dir), *arguments]) == 2
    error = capsys.readouterr().err
    assert str(tmp_path / "thesis") in error and error.count("\n") == 1
    assert (tmp_path / "thesis" / "years.txt").read_text() == "of work"


@pytest.mark.parametrize(
    ("name", "key"), [("data", "fingerprint"), ("metrics", "test")]
)
def test_export_of_a_run_that_lacks_something(run_dir, capsys, name, key):
    content = read_json(run_dir / f"{name}.json")
    del content[key]
    write_json(run_dir / f"{name}.json", content)
    assert main(["export", str(run_dir)]) == 2
    error = capsys.readouterr().err
    assert "not what this version writes" in error
    assert error.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file_format", "quantize", "name"),
    [
        ("tflite", "none", "student.tflite"),
        ("tflite", "float16", "student_float16.tflite"),
        ("tflite", "int8", "student_int8.tflite"),
        ("saved_model", "none", "saved_model"),
        ("onnx", "none", "student.onnx"),
        ("onnx", "float16", "student_float16.onnx"),
        ("onnx", "int8", "student_int8.onnx"),
    ],
)
def test_export_every_format(run_dir, capsys, file_format, quantize, name):
    status = main(
        ["export", str(run_dir), "--format", file_format]
        + ["--quantize", quantize, "--licence", "CC BY 4.0"]
    )
    output = capsys.readouterr().out
    assert status == 0
    assert output.startswith(f"{run_dir / name}: ")
    assert "of 18 validation images" in output
    info = open_model(run_dir / name).info
    assert info.class_names == CLASSES
    assert (info.image_size, info.short_side) == (16, 18)
    assert 'license: "CC BY 4.0"' in info.card
    assert f"{file_format}, quantisation: {quantize}" in info.card
    before = files_of(run_dir)
    # Made again it replaces itself and leaves nothing else.
    main(["export", str(run_dir), "--format", file_format])
    assert set(files_of(run_dir)) >= set(before)
    assert not [path for path in run_dir.iterdir() if path.name[0] == "."]


def test_the_run_s_own_files_carry_cards(finished):
    recorded = read_json(finished / "metrics.json")["test"]
    card = (finished / "MODEL_CARD.md").read_text()
    for name in ("student.keras", "student.tflite", "saved_model"):
        own = open_model(finished / name).info.card
        for part in (
            f"{recorded['accuracy']:.1%}",
            "Intended use",
            "Limits",
            'license: "CC0-1.0"',
            ", ".join(CLASSES),
            "18 test images" if name != "student.keras" else "",
        ):
            assert part in own
        assert own.startswith(card[: card.index("## Measured")])


def test_the_gate_refuses_and_leaves_nothing(run_dir, capsys):
    _weaken(run_dir)
    before = files_of(run_dir)
    status = main(
        ["export", str(run_dir), "--output", str(run_dir / "out.tflite")]
        + ["--quantize", "int8", "--min-agreement", "1.0"]
    )
    error = capsys.readouterr().err
    assert status == 2
    assert "The file was not kept: it agrees with the network on" in error
    assert "less than 100.00%" in error
    assert "float16 instead of int8" in error
    assert error.count("\n") == 1
    assert files_of(run_dir) == before


def _weaken(run_dir):
    """Gives the student logits that differ by less than a step of int8."""
    student = keras.models.load_model(run_dir / "student.keras")
    kernel, bias = student.get_layer("logits").get_weights()
    tiny = np.random.default_rng(0).normal(size=kernel.shape) * 1e-4
    kernel = np.abs(kernel).mean(axis=1, keepdims=True) + tiny
    student.get_layer("logits").set_weights([kernel, 0 * bias])
    student.save(run_dir / "student.keras")


def test_gate():
    report = {"agreement": 0.97, "accuracy": 0.80}
    ParityGate(0.97, 0.05).check(report, 0.84)
    # Exactly at both thresholds, where floats would say otherwise.
    ParityGate(0.97, 0.01).check(report, 0.81)
    ParityGate(0.95, 0.01).check({"agreement": 0.95, "accuracy": 0.84}, 0.85)
    with pytest.raises(ValueError, match="80.00%, 5.00% below.*than 1.00%"):
        ParityGate(0.95, 0.01).check(report, 0.85)
    with pytest.raises(ValueError, match="97.00%, less than 98.00%"):
        ParityGate(0.98, 0.01).check(report, 0.80)
    with pytest.raises(ValueError, match="min_agreement=95"):
        ParityGate(95)


@pytest.mark.parametrize(
    ("arguments", "spoil", "message"),
    [
        (["--format", "coreml"], None, "saved_model, tflite, onnx"),
        (["--format", "saved_model", "--quantize", "int8"], None, "tflite or"),
        (["--quantize", "int4"], None, "none, float16, int8"),
        (["--output", "{run}/model.bin"], None, "ending in .tflite"),
        (["--min-agreement", "95"], None, "between 0 and 1"),
        (["--data-dir", "{run}/none"], None, "data_dir"),
        ([], "metrics.json", "finished run"),
        ([], "data.json", "data.json"),
        ([], "student.keras", "student.keras"),
    ],
)
def test_export_bad_input(run_dir, capsys, arguments, spoil, message):
    if spoil:
        (run_dir / spoil).unlink()
    before = files_of(run_dir)
    words = [argument.format(run=run_dir) for argument in arguments]
    assert main(["export", str(run_dir), *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert message in error
    assert files_of(run_dir) == before


def test_export_wants_the_run_s_own_images(run_dir, images, tmp_path, capsys):
    other = shutil.copytree(images, tmp_path / "other")
    (other / "red" / "1.png").unlink()
    status = main(["export", str(run_dir), "--data-dir", str(other)])
    assert status == 2
    assert "not those of the run" in capsys.readouterr().err
    # The same images elsewhere are the same images.
    moved = shutil.copytree(images, tmp_path / "moved")
    assert main(["export", str(run_dir), "--data-dir", str(moved)]) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["predict", "--help"],
        ["doctor", "--help"],
        ["methods", "--help"],
    ],
)
def test_help_needs_no_library(arguments):
    """Not even NumPy: it answers at once."""
    program = (
        "import sys\n"
        "for name in ('numpy', 'PIL', 'keras', 'tensorflow', 'matplotlib'):\n"
        "    sys.modules[name] = None\n"
        "from keras_artkd.cli import main\n"
        "main(sys.argv[1:])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("usage: artkd")


def test_unknown_command(capsys):
    with pytest.raises(SystemExit) as exit:
        main(["predicct"])
    assert exit.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "predict" in error and "doctor" in error


def test_no_command_is_help(capsys):
    assert main([]) == 2
    assert "doctor" in capsys.readouterr().out


def test_a_missing_file_is_named(finished, capsys):
    model = str(finished / "student.tflite")
    assert main(["predict", model, "--files-from", "nowhere"]) == 2
    error = "error: There is no file nowhere. Fix: check the path.\n"
    assert capsys.readouterr().err == error
