"""What a SavedModel serves: pixels, and files with names."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_artkd.deploy.export import export_saved_model
from keras_artkd.deploy.formats import open_model
from keras_artkd.deploy.predict import Classifier
from tests.deploy.classifiers import CLASSES, make_colour_network

NAMES = ["red", "Jugendstil, um 1900", "浮世絵"]


def png(colour):
    file = io.BytesIO()
    Image.new("RGB", (20, 13), colour).save(file, "PNG")
    return file.getvalue()


def test_a_picture_gets_its_names(tmp_path):
    """Sorted by probability, as `artkd predict` prints them."""
    path = export_saved_model(make_colour_network(), tmp_path / "m", NAMES)
    files = [png((40, 200, 100)), png((200, 90, 40)), png((9, 9, 250))]
    signature = tf.saved_model.load(str(path)).signatures["classify"]
    _, inputs = signature.structured_input_signature
    assert inputs == {
        "image_bytes": tf.TensorSpec((None,), tf.string, "image_bytes")
    }
    answer = signature(image_bytes=tf.constant(files))
    assert answer["classes"].dtype == tf.string
    assert answer["scores"].dtype == tf.float32
    assert answer["classes"].shape == answer["scores"].shape == (3, 3)
    found = [
        [(name.decode(), score) for name, score in zip(*row, strict=True)]
        for row in zip(
            answer["classes"].numpy(), answer["scores"].numpy(), strict=True
        )
    ]
    predictions = Classifier(path).classify(
        [(str(i), content) for i, content in enumerate(files)]
    )
    for row, prediction in zip(found, predictions, strict=True):
        names, scores = zip(*prediction.classes, strict=True)
        assert [name for name, _ in row] == list(names)
        np.testing.assert_allclose([s for _, s in row], scores, atol=1e-6)
    assert [row[0][0] for row in found] == [NAMES[1], NAMES[0], NAMES[2]]


def test_the_method_and_one_image_at_a_time(tmp_path):
    from keras_artkd.deploy.formats import saved_model
    from keras_artkd.deploy.formats.writing import export_model

    path = export_model(
        saved_model.FORMAT,
        make_colour_network(),
        tmp_path / "m",
        class_names=CLASSES,
        batch="1",
    )
    loaded = tf.saved_model.load(str(path))
    answer = loaded.classify(tf.constant([png((0, 200, 0))]))
    assert answer["classes"].numpy()[0, 0] == b"green"
    spec = loaded.signatures["classify"].structured_input_signature[1]
    assert spec["image_bytes"].shape == (1,)


def test_without_names_there_are_pixels_alone(tmp_path):
    path = export_saved_model(make_colour_network(), tmp_path / "m")
    signatures = tf.saved_model.load(str(path)).signatures
    assert "classify" not in signatures and "serving_default" in signatures


def test_a_damaged_picture_is_an_error(tmp_path):
    path = export_saved_model(make_colour_network(), tmp_path / "m", NAMES)
    assert open_model(path).num_classes == 3
    classify = tf.saved_model.load(str(path)).signatures["classify"]
    with pytest.raises(tf.errors.InvalidArgumentError):
        classify(image_bytes=tf.constant([png((1, 2, 3)), b"no image"]))


def test_of_a_run(finished_run):
    """The run's own file knows the run's crop and names."""
    path = finished_run.plan.folder.path / "saved_model"
    files = sorted(finished_run.images.rglob("*.png"))[::9]
    classify = tf.saved_model.load(str(path)).signatures["classify"]
    answer = classify(
        image_bytes=tf.constant([file.read_bytes() for file in files])
    )
    predictions = [*Classifier(path).classify(files)]
    for index, prediction in enumerate(predictions):
        names, scores = zip(*prediction.classes, strict=True)
        assert [x.decode() for x in answer["classes"].numpy()[index]] == [
            *names
        ]
        np.testing.assert_allclose(
            answer["scores"].numpy()[index], scores, atol=1e-3
        )
