"""Teachers whose answers were recorded."""

import keras
import numpy as np
import pytest

from keras_artkd.distillers import build
from keras_artkd.distillers.recorded import recorded_teacher
from tests.distillers.networks import CLASSES, plain


def trained(teacher, inputs, labels, method):
    """Logs and the student's weights after two steps."""
    keras.utils.set_random_seed(0)
    student = plain()
    distiller = build(method, student, teacher)
    distiller.compile("sgd", metrics=["accuracy"])
    for _ in range(2):
        logs = distiller.train_on_batch(inputs, labels, return_dict=True)
    return logs, student.get_weights()


@pytest.mark.parametrize("method", ["kd", "dkd", "logits_l2"])
def test_a_recorded_teacher_teaches_as_the_network_does(method):
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (6, 16, 16, 3)).astype("float32")
    labels = np.arange(6) % CLASSES
    keras.utils.set_random_seed(1)
    expert = plain(6)
    logits = expert.predict(images, verbose=0)
    live_logs, live = trained(expert, images, labels, method)
    inputs = {"images": images, "expert": logits}
    logs, weights = trained(recorded_teacher(CLASSES), inputs, labels, method)
    assert logs == pytest.approx(live_logs, rel=1e-5)
    for one, other in zip(weights, live, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_its_student_is_evaluated_on_images_alone():
    distiller = build("kd", plain(), recorded_teacher(CLASSES))
    distiller.compile("sgd", metrics=["accuracy"])
    images = np.zeros((4, 16, 16, 3), "float32")
    logs = distiller.evaluate(images, np.arange(4), verbose=0, return_dict=True)
    assert logs["accuracy"] == 0.25
    assert distiller.predict(images, verbose=0).shape == (4, CLASSES)


@pytest.mark.parametrize("method", ["fitnet", "attention", "rkd"])
def test_methods_that_read_more_than_logits(method):
    with pytest.raises(ValueError, match="recorded.* logits"):
        build(method, plain(), recorded_teacher(CLASSES))


def test_a_batch_without_images():
    distiller = build("kd", plain(), recorded_teacher(CLASSES))
    distiller.compile("sgd")
    with pytest.raises(ValueError, match='images under "images".*expert'):
        distiller({"expert": np.zeros((2, CLASSES))}, training=True)
