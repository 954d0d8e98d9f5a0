"""`artkd export` on a real, small run."""

import json
import pathlib
import shutil

import keras
import numpy as np
import pytest

from keras_artkd.cli.main import main
from keras_artkd.deploy.formats import open_model
from keras_artkd.run_folder import DATA, METRICS, RunFolder
from keras_artkd.runs import fine_tuning
from keras_artkd.runs.fine_tuning import FineTuned


def files_of(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*"))


@pytest.mark.parametrize("file_format", ["saved_model", "tflite"])
def test_replaces_nothing_of_another_kind(
    run_dir, tmp_path, failing, file_format
):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "years.txt").write_text("of work")
    target = tmp_path / "thesis"
    error = failing(
        "export", run_dir, "--format", file_format, "--output", target
    )
    assert str(target) in error
    assert (target / "years.txt").read_text() == "of work"


@pytest.mark.parametrize(
    ("name", "key"), [(DATA, "fingerprint"), (METRICS, "test")]
)
def test_a_run_that_lacks_something(run_dir, failing, name, key):
    folder = RunFolder(run_dir)
    content = folder.read(name)
    del content[key]
    folder.write(name, content)
    assert "not what this version writes" in failing("export", run_dir)


def test_a_student_that_is_damaged(run_dir, failing):
    """Zeros in the weights: the archive itself says that they are wrong."""
    path = run_dir / "student.keras"
    content = bytearray(path.read_bytes())
    place = len(content) // 2
    content[place : place + 200] = bytes(200)
    path.write_bytes(content)
    error = failing("export", run_dir)
    assert "student.keras" in error and "cannot be read" in error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file_format", "quantize", "name"),
    [
        ("tflite", "none", "student.tflite"),
        ("saved_model", "none", "saved_model"),
        ("onnx", "int8", "student_int8.onnx"),
    ],
)
def test_a_format(run_dir, capsys, file_format, quantize, name):
    """Into the run's folder; made again, a file replaces itself alone."""
    before = {*files_of(run_dir), (run_dir / name).relative_to(run_dir)}
    status = main(
        ["export", str(run_dir), "--format", file_format]
        + ["--quantize", quantize, "--licence", "CC BY 4.0"]
    )
    output = capsys.readouterr().out
    assert status == 0
    data = RunFolder(run_dir).data
    assert output.startswith(f"{run_dir / name}: ")
    assert f"of {len(data['splits']['validation'])} validation" in output
    info = open_model(run_dir / name).info
    assert info.class_names == data["class_names"]
    assert (info.image_size, info.short_side) == (16, 18)
    assert 'license: "CC BY 4.0"' in info.card
    assert f"{file_format}, quantisation: {quantize}" in info.card
    if file_format != "saved_model":  # Its own files have names by chance.
        assert set(files_of(run_dir)) == before


def test_a_folder_for_the_hub(run_dir, capsys):
    status = main(
        ["export", str(run_dir), "--format", "hub", "--licence", "MIT"]
    )
    output = capsys.readouterr().out
    assert status == 0
    folder = run_dir / "hub"
    assert output.startswith(f"{folder}: ") and " KiB. Nothing is" in output
    assert f"hf upload USER/NAME {folder} ." in output
    assert 'license: "mit"' in (folder / "README.md").read_text()


def test_the_run_s_own_files_carry_cards(finished):
    folder = RunFolder(finished)
    test = folder.metrics["test"]
    card = folder.card.read_text(encoding="utf-8")
    for name in ("student.keras", "student.tflite", "saved_model"):
        own = open_model(finished / name).info.card
        for part in (
            f"{test['accuracy']:.1%}",
            "Intended use",
            "Limits",
            'license: "CC0-1.0"',
            ", ".join(folder.data["class_names"]),
            f"{test['num_examples']} test images",
        ):
            assert part in own
        assert own.startswith(card[: card.index("## Measured")])


def test_the_gate_rejects_and_leaves_nothing(run_dir, failing):
    _weaken(RunFolder(run_dir).student)
    before = files_of(run_dir)
    error = failing(
        *("export", run_dir, "--output", run_dir / "out.tflite"),
        *("--quantize", "int8", "--min-agreement", "1.0"),
    )
    assert "The file was not kept: it agrees with the network on" in error
    assert "less than 100.00%" in error
    assert "float16 instead of int8" in error
    assert files_of(run_dir) == before


REPORT = {
    "quantize": "int8",
    "size_bytes": 2048,
    "agreement": 0.9,
    "held_out": "20 validation images",
    "accuracy": 0.5,
    "accuracy_drop": 0.1,
    "accuracy_drop_interval": (0.0, 0.2),
    "milliseconds": 1.0,
    "runtime": "LiteRT",
    "judged": {"accuracy_drop": 0.1},
}


def test_an_int8_file_that_loses_much_names_what_helps(monkeypatch, capsys):
    monkeypatch.setattr(
        "keras_artkd.deploy.export.export_run",
        lambda *arguments, **options: ("RUN/a.tflite", REPORT),
    )
    assert main(["export", "RUN", "--quantize", "int8"]) == 0
    printed = capsys.readouterr().out
    assert "fewer of the validation images" in printed
    assert "by 10 points. Next: artkd export RUN --fine-tune 5," in printed


@pytest.mark.parametrize("better", [True, False])
def test_fine_tuning_says_what_it_gave(monkeypatch, capsys, better):
    before = REPORT | {"accuracy": 0.4, "accuracy_drop": 0.2}
    report = REPORT | {"judged": {"accuracy_drop": 0.0}, "fine_tuned": 3}
    called = {}

    def run(*arguments, **options):
        called.update(options, arguments=arguments)
        path = pathlib.Path("RUN/a.tflite")
        return FineTuned(path, before, REPORT, report if better else None)

    monkeypatch.setattr(fine_tuning, "fine_tune_run", run)
    words = ["export", "RUN", "--fine-tune", "3", "--max-accuracy-drop", "0.3"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "40.00% (agrees with the Keras model on 90.00%) before" in printed
    assert "after 3 epochs; the Keras model has 60.00%" in printed
    assert ("written, RUN/a.tflite is not there" in printed) != better
    assert ("RUN/a.tflite: 2 KiB, agrees" in printed) == better
    assert called["arguments"] == ("RUN", 3, "tflite")
    assert called["gate"].max_accuracy_drop == 0.3


def _weaken(path):
    """Gives the student logits that differ by less than a step of int8."""
    student = keras.models.load_model(path)
    kernel, bias = student.get_layer("logits").get_weights()
    tiny = np.random.default_rng(0).normal(size=kernel.shape) * 1e-4
    kernel = np.abs(kernel).mean(axis=1, keepdims=True) + tiny
    student.get_layer("logits").set_weights([kernel, 0 * bias])
    student.save(path)


@pytest.mark.parametrize(
    ("arguments", "spoil", "message"),
    [
        (["--format", "coreml"], None, "saved_model, tflite, onnx, hub"),
        (
            ["--format", "hub", "--min-agreement", "0.5"],
            None,
            "--min-agreement has no meaning for --format hub",
        ),
        (["--format", "hub", "--output", "{run}"], None, "would be lost"),
        (["--format", "hub"], "student.keras", "student.keras"),
        (
            ["--format", "saved_model", "--quantize", "int8"],
            None,
            "one of none",
        ),
        (["--fine-tune", "0"], None, "at least 1. Received: epochs=0"),
        (
            ["--fine-tune", "2", "--quantize", "float16"],
            None,
            "--fine-tune is for int8 files. Received: --quantize float16",
        ),
        (
            ["--fine-tune", "2", "--format", "web"],
            None,
            "--fine-tune has no meaning for --format web",
        ),
        (["--quantize", "int4"], None, "none, float16, int8"),
        (["--output", "{run}/model.bin"], None, "ending in .tflite"),
        (["--min-agreement", "95"], None, "between 0 and 1"),
        (["--data-dir", "{run}/none"], None, "data_dir"),
        ([], "metrics.json", "run must be finished"),
        ([], "data.json", "data.json"),
        ([], "student.keras", "student.keras"),
    ],
)
def test_bad_input(run_dir, failing, arguments, spoil, message):
    if spoil:
        (run_dir / spoil).unlink()
    before = files_of(run_dir)
    words = [argument.format(run=run_dir) for argument in arguments]
    assert message in failing("export", run_dir, *words)
    assert files_of(run_dir) == before


def test_requires_the_run_s_own_images(run_dir, images, tmp_path, failing):
    other = shutil.copytree(images, tmp_path / "other")
    next(other.glob("red/*")).unlink()
    error = failing("export", run_dir, "--data-dir", other)
    assert "not those of the run" in error
    # The same images elsewhere are the same images.
    moved = shutil.copytree(images, tmp_path / "moved")
    words = ["export", str(run_dir), "--data-dir", str(moved)]
    shutil.rmtree(run_dir / "golden")
    elsewhere = str(tmp_path / "other.tflite")
    assert main([*words, "--output", elsewhere]) == 0
    assert not (run_dir / "golden").exists()
    assert main(words) == 0
    golden = (run_dir / "golden" / "golden.json").read_text("utf-8")
    assert set(json.loads(golden)["probabilities"]) == {
        "student.tflite",
        "student_int8.tflite",
    }
