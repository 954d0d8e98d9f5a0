"""A folder for the Hugging Face Hub is what Keras loads from there."""

import json
import re
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_artkd.deploy.bundles import BUNDLES, write_bundle
from keras_artkd.deploy.formats import open_model
from keras_artkd.models import WideResNet, with_rotations
from keras_artkd.run_folder import RunFolder

# Loads from a folder instead of the Hub, and runs the code of its README.
LOAD = """
import pathlib, sys
import huggingface_hub
folder, out = map(pathlib.Path, sys.argv[1:])
asked = []

def snapshot_download(repo_id, **kwargs):
    asked.append(repo_id)
    return str(folder)

def hf_hub_download(repo_id, filename):
    asked.append(f"{repo_id}/{filename}")
    return str(folder / filename)

huggingface_hub.snapshot_download = snapshot_download
huggingface_hub.hf_hub_download = hf_hub_download
import numpy as np
names = {"images": np.load(out / "images.npy")}
readme = (folder / "README.md").read_text(encoding="utf-8")
blocks = readme.split("```python\\n")[1:]
for block in blocks:
    exec(block.split("```")[0].replace("painting.jpg", sys.argv[2] + "/p.png"),
         names)
assert asked == ["USER/NAME", "USER/NAME/model.keras"], asked
np.save(out / "probabilities.npy", names["probabilities"])
"""


@pytest.fixture(scope="module")
def run(finished_run):
    return finished_run.plan.folder


@pytest.fixture(scope="module")
def written(run, tmp_path_factory):
    """The folder of the run, and what there is to say of it."""
    folder = tmp_path_factory.mktemp("hub") / "style"
    return write_bundle("hub", run.path, folder)


def test_its_files(run, written):
    folder, remark = written
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        "config.json",
        "metadata.json",
        "model.weights.h5",
        "model.keras",
        "keras_artkd.json",
        "labels.txt",
        "student.tflite",
        "student_int8.tflite",
        "classify.py",
    }
    assert (folder / "labels.txt").read_text().split() == run.data[
        "class_names"
    ]
    described = json.loads((folder / "keras_artkd.json").read_text())
    assert described["class_names"] == run.data["class_names"]
    assert "of the Keras model: logits" in described["output"]["meaning"]
    tflite = "student.tflite"
    assert (folder / tflite).read_bytes() == (run.path / tflite).read_bytes()
    assert f"hf upload USER/NAME {folder} ." in remark
    assert "State a licence" not in remark
    text = (folder / "README.md").read_text()
    assert 'license: "cc0-1.0"' in text
    assert str(run.path) not in text


@pytest.mark.slow
def test_the_readme_loads_it(run, written, finished_run, tmp_path):
    """In a process that has imported no more than the README says."""
    pytest.importorskip("huggingface_hub")
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3))
    np.save(tmp_path / "images.npy", images.astype("float32"))
    picture = next(finished_run.images.rglob("*.png"))
    shutil.copy(picture, tmp_path / "p.png")
    result = subprocess.run(
        [sys.executable, "-c", LOAD, str(written[0]), str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    expected = open_model(run.student).predict(images)
    np.testing.assert_allclose(
        np.load(tmp_path / "probabilities.npy"), expected, atol=1e-6
    )
    # What the second block printed: the picture and its three classes.
    assert result.stdout.count("p.png") == 1
    assert all(name in result.stdout for name in run.data["class_names"])


def test_the_packed_model_knows_its_names(run, written):
    model = open_model(written[0] / "model.keras")
    assert model.info.class_names == run.data["class_names"]
    assert "Intended use" in model.info.card


def test_what_training_alone_needs_is_left_out(run, tmp_path):
    """Columns of rotated images, and half precision."""
    folder = RunFolder(shutil.copytree(run.path, tmp_path / "run"))
    network = with_rotations(
        WideResNet(10, 1, 12, (16, 16, 3), dtype="mixed_bfloat16")
    )
    network.save(folder.student)
    path, _ = write_bundle("hub", folder.path)
    assert path == folder.path / "hub"
    loaded = keras.saving.load_model(path)
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3))
    answers = loaded.predict(images.astype("float32"), verbose=0)
    assert answers.shape == (4, 3)
    expected = network.predict(images.astype("float32"), verbose=0)
    np.testing.assert_allclose(answers, expected, atol=0.05)
    assert not [x for x in loaded.layers if "16" in x.compute_dtype]


def test_only_its_own_folder_is_replaced(run, written, tmp_path):
    own = shutil.copytree(written[0], tmp_path / "own")
    (own / "student.tflite").unlink()
    (own / "student_float16.onnx").write_text("of before")
    write_bundle("hub", run.path, own)
    assert sorted(p.name for p in own.iterdir()) == sorted(
        p.name for p in written[0].iterdir()
    )
    (own / ".git").mkdir()
    with pytest.raises(ValueError, match="new, empty or one of hub"):
        write_bundle("hub", run.path, own)
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(ValueError, match="new, empty or one of hub"):
        write_bundle("hub", run.path, file)
    assert (own / ".git").is_dir() and file.read_text() == "mine"


def test_without_a_licence_it_says_so(run, tmp_path):
    _, remark = write_bundle(
        "hub", run.path, tmp_path / "x", licence="not stated"
    )
    assert remark.endswith("State a licence first: --licence NAME.")
    text = (tmp_path / "x" / "README.md").read_text()
    assert 'license: "unknown"' in text


def test_options_that_it_does_not_take(run, tmp_path):
    with pytest.raises(ValueError, match="hub takes licence. Received: batch"):
        write_bundle("hub", run.path, tmp_path / "x", batch="1")


@pytest.mark.parametrize("bundle", BUNDLES.values(), ids=lambda b: b.name)
def test_a_record(bundle):
    assert BUNDLES[bundle.name] is bundle
    assert re.fullmatch("[a-z_]+", bundle.name) and bundle.summary
