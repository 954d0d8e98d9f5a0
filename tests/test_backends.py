"""Everything but the edges runs without TensorFlow."""

import os
import pathlib
import runpy
import subprocess
import sys

import keras
import pytest

ROOT = pathlib.Path(__file__).parents[1]
PROGRAM = """
import sys

import jax
import keras
import numpy as np

from keras_artkd import distillers, losses, models
from tests.distillers.networks import normalised, plain

assert keras.backend.backend() == "jax"
random = np.random.default_rng(0)


def fit(distiller, images, labels, **options):
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    distiller.compile(optimizer, metrics=["accuracy"])
    history = distiller.fit(
        images, labels, batch_size=8, epochs=3, verbose=0, **options)
    assert history.history["loss"][-1] < history.history["loss"][0]
    return {name: values[-1] for name, values in history.history.items()}


def with_teachers():
    expert = normalised(6)  # Folded.
    student = models.build("wrn_10_1", 4, (16, 16, 3), head="awgram")
    distiller = distillers.CollaborativeTeaching(student, plain(5), expert)
    images = random.uniform(0, 255, (16, 16, 16, 3)).astype("float32")
    labels = random.integers(0, 4, 16)
    before = [w.copy() for w in expert.get_weights()]
    logs = fit(distiller, images, labels, validation_data=(images, labels))
    assert set(logs) == {
        "loss", "accuracy", "supervised", "initial_supervised", "kd",
        "logits_l2", "attention_transfer", "regularization", "val_loss",
        "val_accuracy"}, logs
    total = (
        logs["supervised"] + logs["initial_supervised"] + logs["kd"]
        + 1.5 * logs["logits_l2"] + 0.2 * logs["attention_transfer"])
    assert abs(total - logs["loss"]) < 1e-3 * total
    assert all(map(np.array_equal, before, expert.get_weights()))
    state = [w.copy() for w in distiller.get_weights()]
    distiller.evaluate(images, labels, verbose=0)
    assert all(map(np.array_equal, state, distiller.get_weights()))


def with_gradients():
    student, expert = normalised(), plain(6)
    distiller = distillers.build("gradient_attention", student, expert)
    images = random.uniform(0, 255, (8, 16, 16, 3)).astype("float32")
    labels = random.integers(0, 4, 8)

    def gradient(network, training):
        def loss(images):
            logits, _ = network.stateless_call(
                [v.value for v in network.trainable_variables],
                [v.value for v in network.non_trainable_variables],
                images, training=training)
            return 255 * losses.cross_entropy(labels, logits).sum()
        return jax.grad(loss)(images)

    expected = losses.gradient_attention(
        gradient(expert, False), gradient(student, True)).mean()
    distiller.compile(keras.optimizers.SGD(0.01))
    before = [w.copy() for w in student.get_weights()]
    logs = distiller.fit(images, labels, batch_size=8, verbose=0).history
    np.testing.assert_allclose(
        logs["gradient_attention"], expected, rtol=1e-4)
    # By both terms.
    assert not any(map(np.array_equal, before, student.get_weights()))


def with_views():
    network = plain(classes=12)
    distiller = distillers.build(
        "skdsam+cs_kd", models.with_rotations(network),
        **{"skdsam.attention": "cosine"})
    images = random.uniform(0, 255, (16, 2, 16, 16, 3)).astype("float32")
    labels = np.eye(12)[random.integers(0, 12, 16)].astype("float32")
    logs = fit(
        distiller, images, labels, sample_weight=np.ones(16),
        validation_data=(images[:, 0], np.arange(16) % 3))
    assert set(logs) == {
        "loss", "accuracy", "supervised", "skdsam", "skdsam_spread",
        "skdsam_exit1_weight", "skdsam_exit2_weight", "view_kd",
        "regularization", "val_loss", "val_accuracy"}, logs
    weights = logs["skdsam_exit1_weight"], logs["skdsam_exit2_weight"]
    assert 0 < abs(weights[0] - 0.5) < 0.25 and abs(sum(weights) - 1) < 1e-5
    assert logs["skdsam_spread"] > 1e-5
    assert distiller.predict(images[:, 0], verbose=0).shape == (16, 3)


for name in sys.argv[1:]:
    globals()[name]()
assert "tensorflow" not in sys.modules
print("trained")
"""


def test_another_backend_is_refused_at_once(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(ImportError, match="Received: Keras with torch. Fix"):
        runpy.run_path(str(ROOT / "keras_artkd/distillers/model_methods.py"))


@pytest.mark.parametrize(
    "trainings",
    [
        ["with_teachers"],
        pytest.param(
            ["with_gradients", "with_views"], marks=pytest.mark.exhaustive
        ),
    ],
)
def test_trains_on_jax(trainings):
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, *trainings],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            # Compiles in a third of the time.
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        },
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("trained\n")
