"""From image files to named classes, as at the export, on any machine."""

import json
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_artkd.cli.main import main
from keras_artkd.data.pipeline import evaluation_arrays
from keras_artkd.datasets import load
from keras_artkd.deploy.export import export_tflite
from keras_artkd.deploy.formats import write_info
from keras_artkd.deploy.model_info import ModelInfo
from keras_artkd.deploy.predict import Classifier
from keras_artkd.run_folder import METRICS, SETTINGS, RunFolder
from tests.deploy.classifiers import (
    CLASSES,
    FILES,
    make_colour_network,
    write_image,
)

COLOURS = {"red": (250, 20, 0), "green": (0, 250, 30), "blue": (9, 0, 250)}

# For a process that has NumPy, Pillow and ai-edge-litert, and nothing else
# that the package knows of.
ON_A_DEVICE = """
import sys
for name in ("absl", "keras", "keras_tuner", "matplotlib", "onnx", "tensorflow",
             "tensorflow_datasets", "tyro", "jinja2"):
    sys.modules[name] = None
from keras_artkd.cli.main import main
raise SystemExit(main(sys.argv[1:]))
"""


@pytest.fixture
def images(tmp_path):
    """A folder of one image a colour, and things that are none."""
    folder = tmp_path / "images"
    (folder / "deeper").mkdir(parents=True)
    write_image(folder / "red.png", COLOURS["red"])
    write_image(folder / "green.jpg", COLOURS["green"], (300, 400))
    write_image(folder / "deeper" / "blue.webp", COLOURS["blue"], (8, 8))
    (folder / "notes.txt").write_text("no image")
    return folder


def predicted(capsys, *arguments):
    status = main(["predict", *map(str, arguments), "--json"])
    output = capsys.readouterr()
    return status, json.loads(output.out), output.err


@pytest.mark.parametrize("name", FILES)
def test_every_format(classifiers, images, capsys, name):
    status, entries, _ = predicted(capsys, classifiers[name], images)
    assert status == 0
    found = {
        entry["file"].rsplit("/")[-1].split(".")[0]: entry["predictions"]
        for entry in entries
    }
    assert set(found) == set(CLASSES)
    for colour, predictions in found.items():
        assert [p["class"] for p in predictions][0] == colour
        shares = [p["confidence"] for p in predictions]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize(
    ("copies", "taken"),
    [
        (["c.tflite", "c.keras"], "student.tflite"),
        (["c.keras"], "student.keras"),
    ],
)
def test_the_folder_of_a_run_means_its_student(
    classifiers, images, tmp_path, capsys, copies, taken
):
    run = tmp_path / "run"
    RunFolder(run).write(METRICS, {})
    for name in copies:
        shutil.copy(classifiers[name], run / f"student{name[1:]}")
    status, entries, error = predicted(capsys, run, images / "red.png")
    assert (status, entries[0]["predictions"][0]["class"]) == (0, "red")
    assert error == f"note: the run's student is {run / taken}\n"


def test_an_unfinished_run_can_be_resumed(images, tmp_path, capsys):
    run = RunFolder(tmp_path / "run")
    run.write(SETTINGS, {})
    run.write_command("artkd train FOLDER --seed 3")
    assert main(["predict", str(run), str(images)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: The run must be finished")
    assert "Fix: resume it: artkd train FOLDER --seed 3 --resume\n" in error


def test_confidence_is_the_softmax(classifiers, images, capsys):
    _, (entry), _ = predicted(
        capsys, classifiers["c.tflite"], images / "red.png", "--top", 2
    )
    logits = np.array(COLOURS["red"]) / 32
    shares = np.exp(logits) / np.exp(logits).sum()
    assert entry[0]["predictions"] == [
        {"class": "red", "confidence": pytest.approx(shares[0], abs=1e-3)},
        {"class": "green", "confidence": pytest.approx(shares[1], abs=1e-3)},
    ]


def test_table(classifiers, images, capsys):
    assert main(["predict", str(classifiers["c.tflite"]), str(images)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("deeper/blue.webp")
    assert lines[1].split()[1] == "blue"
    assert len(lines) == 6


def test_on_a_device_from_standard_input(classifiers, images):
    """Without Keras, TensorFlow and all else; an image through a pipe."""
    result = subprocess.run(
        [sys.executable, "-c", ON_A_DEVICE]
        + ["predict", str(classifiers["c.tflite"]), "-", str(images), "--json"],
        input=(images / "green.jpg").read_bytes(),
        capture_output=True,
        check=True,
    )
    entries = json.loads(result.stdout)
    assert [e["file"].split("/")[-1] for e in entries] == [
        "standard input",
        "blue.webp",
        "green.jpg",
        "red.png",
    ]
    assert entries[0]["predictions"] == entries[2]["predictions"]
    assert result.stderr == b""


def test_files_from_a_list(classifiers, images, tmp_path, capsys):
    names = tmp_path / "names"
    names.write_text(f"{images}/red.png\n\n{images}/green.jpg\n")
    status, entries, _ = predicted(
        capsys, classifiers["c.tflite"], "--files-from", names
    )
    assert (status, len(entries)) == (0, 2)


def test_images_are_read_as_at_the_training(classifiers, tmp_path):
    """The pixels of a picture are those that its data set gives."""
    generator = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for index in range(5):
            pixels = generator.integers(0, 256, (31, 20 + index, 3), "uint8")
            Image.fromarray(pixels).save(tmp_path / label / f"{index}.png")
    data = load("folder", data_dir=tmp_path, short_side=9)
    expected, _ = evaluation_arrays(data.test, 8)
    classifier = Classifier(classifiers["c.tflite"])
    for key, pixels in zip(data.test.keys, expected, strict=True):
        np.testing.assert_array_equal(classifier.read(tmp_path / key), pixels)


def test_more_images_than_a_batch(classifiers, tmp_path, capsys):
    for index in range(70):
        colour = COLOURS[CLASSES[index % 3]]
        write_image(tmp_path / f"{index:03}.png", colour, (9, 9))
    _, entries, _ = predicted(capsys, classifiers["c.tflite"], tmp_path)
    assert [entry["predictions"][0]["class"] for entry in entries] == [
        CLASSES[index % 3] for index in range(70)
    ]


def test_unreadable_images_do_not_stop_the_others(classifiers, images, capsys):
    (images / "broken.jpg").write_bytes(b"\xff\xd8\xff no more")
    status, entries, error = predicted(capsys, classifiers["c.tflite"], images)
    assert status == 2
    assert len(entries) == 4
    (broken,) = [entry for entry in entries if "error" in entry]
    assert broken["file"].endswith("broken.jpg")
    assert "predictions" not in broken
    assert error.startswith("error: ") and error.count("\n") == 1
    # And none at all is no reason to fall over.
    status, entries, _ = predicted(
        capsys, classifiers["c.tflite"], images / "broken.jpg"
    )
    assert (status, len(entries)) == (2, 1)


def test_a_name_that_is_no_text(classifiers, images, capsys):
    target = bytes(images) + b"/caf\xe9.png"
    (images / "red.png").rename(target.decode(errors="surrogateescape"))
    status, entries, _ = predicted(capsys, classifiers["c.tflite"], images)
    assert status == 0
    assert any(e["file"].endswith("caf\\xe9.png") for e in entries)


def test_labels_for_a_file_that_knows_none(images, tmp_path, capsys):
    path = export_tflite(make_colour_network(), tmp_path / "foreign.tflite")
    assert main(["predict", str(path), str(images)]) == 2
    error = capsys.readouterr().err
    assert "--labels FILE" in error and "class_names=[" in error
    labels = tmp_path / "labels.txt"
    labels.write_text("rot\ngrün\nblau\n", encoding="utf-8")
    _, entries, _ = predicted(
        capsys, path, images / "green.jpg", "--labels", labels
    )
    assert entries[0]["predictions"][0]["class"] == "grün"
    labels.write_text("rot\n")
    assert main(["predict", str(path), str(images), "--labels", str(labels)])
    assert "1 names, 3 classes" in capsys.readouterr().err


def test_a_file_exported_with_names_needs_no_labels(images, tmp_path, capsys):
    path = export_tflite(
        make_colour_network(), tmp_path / "own.tflite", class_names=CLASSES
    )
    _, entries, _ = predicted(capsys, path, images / "green.jpg")
    assert entries[0]["predictions"][0]["class"] == "green"


def test_a_foreign_model_that_ends_in_a_softmax(images, tmp_path, capsys):
    colours = make_colour_network()
    shares = keras.layers.Softmax()(colours.outputs[0])
    network = keras.Model(colours.inputs, shares)
    path = export_tflite(network, tmp_path / "foreign.tflite")
    labels = tmp_path / "labels.txt"
    labels.write_text("red\ngreen\nblue\n")
    _, entries, _ = predicted(
        capsys, path, images / "red.png", "--labels", labels
    )
    logits = np.array(COLOURS["red"]) / 32
    expected = np.exp(logits[0]) / np.exp(logits).sum()
    confidence = entries[0]["predictions"][0]["confidence"]
    assert confidence == pytest.approx(expected, abs=1e-3)


def test_labels_that_are_no_text(images, classifiers, tmp_path, capsys):
    (tmp_path / "labels.txt").write_bytes("gr\xfcn".encode("latin1"))
    arguments = [str(classifiers["c.tflite"]), str(images)]
    arguments += ["--labels", str(tmp_path / "labels.txt")]
    assert main(["predict", *arguments]) == 2
    assert "UTF-8 text" in capsys.readouterr().err


def test_a_saved_model_without_our_signature(images, tmp_path, capsys):
    tf.saved_model.save(tf.Module(), str(tmp_path / "m"))
    assert main(["predict", str(tmp_path / "m"), str(images)]) == 2
    error = capsys.readouterr().err
    assert "serving_default" in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.tflite", "{images}"], "no model missing.tflite"),
        (["{images}", "{images}"], "SavedModel or that of a finished run"),
        (["{images}/red.png", "{images}"], "must be one of .tflite"),
        (["{model}", "missing.jpg"], "missing.jpg: no such file"),
        (["{model}"], "no image to classify"),
        (["{model}", "{images}/empty"], "holds no image"),
        (["{model}", "{images}", "--top", "0"], "top=0"),
        (["{model}", "-", "-"], "2 times"),
        (["{images}/bad.tflite", "{images}"], "must be a LiteRT model"),
        (["{images}/bad.keras", "{images}"], "cannot be read"),
        (["{images}/bad.onnx", "{images}"], "cannot be read"),
        (["{model}", "{images}", "--frobnicate"], "--frobnicate"),
    ],
)
def test_bad_input_is_one_line(classifiers, images, capsys, arguments, message):
    (images / "empty").mkdir()
    for suffix in ("tflite", "keras", "onnx"):
        (images / f"bad.{suffix}").write_bytes(b"not a model")
    filled = [
        a.format(images=images, model=classifiers["c.tflite"])
        for a in arguments
    ]
    try:
        status = main(["predict", *filled])
    except SystemExit as exit:  # argparse's own way.
        status = exit.code
    output = capsys.readouterr()
    assert status == 2
    assert output.out == ""
    assert output.err.startswith("error: ")
    assert output.err.count("\n") == 1
    assert message in output.err


def test_an_input_that_is_not_what_it_says(tmp_path, images, capsys):
    path = export_tflite(make_colour_network(), tmp_path / "m.tflite")
    write_info(path, ModelInfo(CLASSES, 16, 18))
    assert main(["predict", str(path), str(images)]) == 2
    assert "8 x 8, image_size=16" in capsys.readouterr().err
