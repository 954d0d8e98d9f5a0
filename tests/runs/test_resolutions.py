"""Networks of one run that see the same crop at sizes of their own."""

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.deploy.predict import Classifier
from keras_artkd.measure.metrics import softmax
from keras_artkd.runs.delivery import EXPORTS
from keras_artkd.runs.networks import build_distiller
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.runner import load_data, run
from tests.images import write_folder
from tests.runs.settings import small_plan


def test_the_largest_network_decides_the_crop():
    plan = small_plan("folder", method="kd", expert_image_size=24)
    assert (plan.crop_size, plan.short_side, plan.cutout_side) == (24, 27, 6)
    expert = plan.expert.config.data
    assert (expert.image_size, plan.expert.crop_size) == (24, 24)
    smaller = small_plan("folder", method="kd", expert_image_size=8)
    assert smaller.crop_size == smaller.expert.crop_size == 16
    judged = small_plan("folder", method="baseline", expert_image_size=24)
    assert judged.load_arguments == plan.load_arguments
    alone = small_plan("folder", method="baseline")
    assert alone.crop_size == 16
    assert "crop_size" not in alone.identity
    same = small_plan("folder", method="baseline", crop_size=24)
    assert same.load_arguments == plan.load_arguments
    assert same.folder != alone.folder


def test_a_run_with_a_larger_expert(tmp_path, short_runs, monkeypatch, capsys):
    """Its file sees of an image what the test saw, through the same crop."""
    monkeypatch.setattr(
        "keras_artkd.runs.delivery.EXPORTS", {"tflite": EXPORTS["tflite"]}
    )
    folder = write_folder(tmp_path / "images")
    plan = small_plan(
        "folder",
        data_dir=str(folder),
        workdir=str(tmp_path / "runs"),
        method="kd",
        expert_image_size=24,
    )
    data = load_data(plan)
    metrics = run(plan, data)
    expert = keras.models.load_model(plan.expert.folder.student)
    assert expert.input_shape[1:3] == (24, 24)
    assert plan.expert.folder.data["fingerprint"] == data.fingerprint()
    assert metrics["expert"]["test_accuracy"] == pytest.approx(
        plan.expert.folder.metrics["test"]["accuracy"]
    )
    classifier = Classifier(plan.folder.path)
    info = classifier.info
    assert (info.image_size, info.crop_size, info.short_side) == (16, 24, 27)
    images = np.stack([classifier.read(folder / key) for key in data.test.keys])
    with np.load(plan.folder.predictions) as predictions:
        expected = predictions["student"]
    np.testing.assert_allclose(
        classifier.probabilities(images),
        softmax(expected),
        rtol=1e-3,
        atol=1e-4,
    )


def test_the_student_inherits_its_expert(tmp_path):
    """The student's first blocks are the expert's, whatever the sizes."""
    expert = models.build("efficientnet_lite0", 3, (48, 48, 3))
    plan = small_plan(
        "folder",
        method="baseline",
        student="efficientnet_lite0_first2",
        image_size=32,
        inherit="expert",
        expert="expert.keras",
        freeze_batch_norm=True,
    )
    assert plan.has_expert and plan.identity["student_weights"] == "expert"
    student = build_distiller(plan, 3, expert).student
    np.testing.assert_array_equal(
        student.get_layer("block2_project_conv").get_weights()[0],
        expert.get_layer("block2_project_conv").get_weights()[0],
    )
    trainable = {
        layer.name: layer.trainable
        for layer in student.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    }
    assert trainable.pop("neck_bn") and not any(trainable.values())


@pytest.mark.exhaustive
def test_a_run_whose_student_inherits_its_expert(tmp_path, short_runs):
    """From Enter to the metrics, with every way to freeze."""
    folder = write_folder(tmp_path / "images")
    plan = small_plan(
        "folder",
        data_dir=str(folder),
        workdir=str(tmp_path / "runs"),
        method="skdsam",
        student="efficientnet_lite0_first3",
        expert_network="efficientnet_lite0_first3",
        image_size=32,
        inherit="expert",
        expert_weights="imagenet",
        freeze_batch_norm=True,
        fit_head_first=True,
        augment=("sla",),
        exports=False,
    )
    assert run(plan)["epochs"] == 1
    before = keras.models.load_model(plan.expert.folder.student)
    after = keras.models.load_model(plan.folder.student)
    for name in ("block1_depthwise_bn", "block3_project_bn"):
        for old, new in zip(
            before.get_layer(name).get_weights(),
            after.get_layer(name).get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(old, new)


def test_an_expert_is_trained_to_be_inherited():
    plan = small_plan("folder", method="baseline", inherit="expert")
    assert plan.expert.config.networks.inherit is None
    other = resolve(plan.config.replace(inherit=None))
    assert other.expert is None and other.folder != plan.folder


@pytest.mark.parametrize(
    "fit", ["stretch", pytest.param("pad", marks=pytest.mark.exhaustive)]
)
def test_a_prediction_sees_the_picture_as_the_test_did(
    tmp_path, short_runs, monkeypatch, fit
):
    monkeypatch.setattr(
        "keras_artkd.runs.delivery.EXPORTS", {"tflite": EXPORTS["tflite"]}
    )
    folder = write_folder(tmp_path / "images")
    plan = small_plan(
        "folder",
        data_dir=str(folder),
        workdir=str(tmp_path / "runs"),
        method="baseline",
        fit=fit,
    )
    data = load_data(plan)
    run(plan, data)
    classifier = Classifier(plan.folder.path)
    assert classifier.info.fit == fit
    assert classifier.info.short_side == classifier.info.crop_size
    for index, key in enumerate(data.test.keys):
        np.testing.assert_array_equal(
            classifier.read(folder / key), data.test.image(index)
        )
