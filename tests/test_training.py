import json
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from keras_artkd.distillers import build
from keras_artkd.training import (
    Checkpoint,
    KeepStages,
    evaluation_batch_size,
    make_optimizer,
    plateau_ends,
    set_weight_decay,
)
from tests.distillers.networks import batch, same, snapshot, wide


def test_learning_rate_drops_at_the_thesis_epochs():
    """0.01, times 0.2 after epochs 60 and 120 of 200, ten steps each."""
    optimizer = make_optimizer(0.01, 2000)
    observed = []
    for step in (0, 599, 600, 1199, 1200, 1999):
        optimizer.iterations.assign(step)
        observed.append(float(optimizer.learning_rate))
    np.testing.assert_allclose(
        observed, [0.01, 0.01, 0.002, 0.002, 0.0004, 0.0004], rtol=1e-5
    )
    assert float(make_optimizer(0.1, 9, drops=()).learning_rate) == (
        pytest.approx(0.1)
    )


def test_weight_decay_is_pytorchs():
    """Three steps of SGD with coupled decay, in NumPy.

    g = dL/dw + wd * w;  v = 0.9 v + g;  w = w - lr * v, with L = sum(w).
    """
    rate, decay = 0.1, 0.5
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    inputs = keras.Input((2,))
    model = keras.Model(inputs, layer(inputs))
    set_weight_decay(model, decay)
    model.compile(
        keras.optimizers.SGD(rate, momentum=0.9),
        loss=lambda y, p: keras.ops.sum(p, axis=-1),
    )
    x = np.ones((1, 2), "float32")
    model.fit(x, np.zeros(1), epochs=3, verbose=0)
    weight, velocity = 1.0, 0.0
    for _ in range(3):
        velocity = 0.9 * velocity + 1.0 + decay * weight
        weight -= rate * velocity
    np.testing.assert_allclose(layer.kernel, weight, rtol=1e-5)


def test_weight_decay_reaches_every_weight_and_can_be_lifted():
    model = wide()
    set_weight_decay(model, 5e-4)
    assert len(model.losses) == len(model.trainable_variables)
    set_weight_decay(model, 0.0)
    assert not model.losses


@pytest.mark.parametrize(
    ("count", "batch_size", "replicas", "expected"),
    [
        (290, 128, 1, 128),
        (5, 8, 1, 5),
        # 17 = 2 * 8 + 1 would leave the second of two without an image.
        (17, 8, 2, 6),
        (16, 8, 2, 8),
        (13, 8, 2, 8),
        (2, 8, 2, 2),
    ],
)
def test_evaluation_batches_leave_no_replica_empty(
    count, batch_size, replicas, expected
):
    size = evaluation_batch_size(count, batch_size, replicas)
    assert size == expected
    with pytest.raises(ValueError, match="1 images, 2 replicas"):
        evaluation_batch_size(1, 8, 2)


def compiled(seed=0):
    keras.utils.set_random_seed(seed)
    distiller = build("rocket", wide(), initial=wide())
    distiller.compile(
        keras.optimizers.SGD(0.05, momentum=0.9), metrics=["accuracy"]
    )
    return distiller


def fit(distiller, checkpoint, epochs, initial_epoch=0):
    images, labels = batch(16)
    distiller.fit(
        images,
        labels,
        batch_size=8,
        shuffle=False,
        epochs=epochs,
        initial_epoch=initial_epoch,
        validation_data=batch(16, seed=1),
        callbacks=[checkpoint],
        verbose=0,
    )


def test_checkpoint_restores_everything(tmp_path):
    whole = compiled()
    whole_checkpoint = Checkpoint(whole, tmp_path / "whole.npz")
    fit(whole, whole_checkpoint, 4)

    first = compiled()
    fit(first, Checkpoint(first, tmp_path / "c.npz"), 2)
    second = compiled(seed=9)
    checkpoint = Checkpoint(second, tmp_path / "c.npz")
    assert checkpoint.restore() == 2
    assert same(snapshot(first), snapshot(second))
    fit(second, checkpoint, 4, initial_epoch=2)
    assert same(snapshot(whole), snapshot(second))
    assert checkpoint.history == whole_checkpoint.history
    assert checkpoint.best_epoch == whole_checkpoint.best_epoch
    assert same(checkpoint.best_weights, whole_checkpoint.best_weights)


def test_best_is_the_first_maximum_of_validation(tmp_path):
    distiller = compiled()
    checkpoint = Checkpoint(distiller, tmp_path / "c.npz")
    distiller.optimizer.build(distiller.trainable_variables)
    weights = []
    for epoch, value in enumerate([0.2, 0.5, 0.5, 0.1]):
        for variable in distiller.student.weights:
            variable.assign(keras.ops.ones_like(variable) * epoch)
        weights.append(snapshot(distiller.student))
        checkpoint.on_epoch_end(epoch, {"loss": 1.0, "val_accuracy": value})
    assert checkpoint.best_epoch == 2
    checkpoint.load_best()
    assert same(snapshot(distiller.student), weights[1])


def test_a_loss_that_is_not_finite_keeps_the_last_state(tmp_path):
    distiller = compiled()
    checkpoint = Checkpoint(distiller, tmp_path / "c.npz")
    fit(distiller, checkpoint, 1)
    before = (tmp_path / "c.npz").read_bytes()
    with pytest.raises(ValueError, match="nan in epoch 2.*learning rate"):
        checkpoint.on_epoch_end(1, {"loss": float("nan"), "val_accuracy": 0.0})
    assert (tmp_path / "c.npz").read_bytes() == before


def test_nothing_to_restore(tmp_path):
    assert Checkpoint(compiled(), tmp_path / "c.npz").restore() == 0


def test_checkpoint_of_another_training_is_refused(tmp_path):
    distiller = compiled()
    fit(distiller, Checkpoint(distiller, tmp_path / "c.npz"), 1)
    other = build("baseline", wide())
    other.compile("sgd")
    with pytest.raises(ValueError, match="not of this training.*c.npz"):
        Checkpoint(other, tmp_path / "c.npz").restore()


RUN = """
import dataclasses, sys
from recipes import common, delivery
from recipes.npz import CONFIG
# They come after what is compared, and take longer.
delivery.EXPORTS.clear()
for workdir in sys.argv[2:]:
    common.run(dataclasses.replace(
        CONFIG, data_dir=sys.argv[1], workdir=workdir, resume=True,
        method="rocket+cs_kd+skdsam",
        augment=("cutout", "mixup", "sla"), student="wrn_10_1",
        initial="wrn_10_1", image_size=16, epochs=6, batch_size=8))
"""


@pytest.mark.slow
def test_killed_run_resumes_to_the_weights_of_the_one_that_was_not(tmp_path):
    images, labels = batch(60)
    np.savez(
        tmp_path / "d.npz",
        x_train=images[:48].astype("uint8"),
        y_train=labels[:48],
        x_test=images[48:].astype("uint8"),
        y_test=labels[48:],
    )

    def start(*workdirs):
        return subprocess.Popen(
            [sys.executable, "-c", RUN, tmp_path / "d.npz", *workdirs],
            stdout=subprocess.DEVNULL,
        )

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    process = start(killed)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if list(killed.glob("npz/*/checkpoint.npz")):
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not list(killed.glob("npz/*/metrics.json"))
    assert start(killed, whole).wait() == 0

    students = [
        keras.models.load_model(next(d.glob("npz/*/student_last.keras")))
        for d in (whole, killed)
    ]
    assert same(snapshot(students[0]), snapshot(students[1]))
    histories = [
        json.loads(next(d.glob("npz/*/history.json")).read_text())
        for d in (whole, killed)
    ]
    assert histories[0] == histories[1]


def test_stages_are_kept(tmp_path):
    distiller = build("baseline", wide())
    distiller.compile(keras.optimizers.SGD(0.05))
    seen = {}
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.update(
            {epoch + 1: snapshot(distiller.student)}
        )
    )
    keep = KeepStages(tmp_path / "stages", epochs=[4, 2, 4])
    distiller.fit(*batch(8), epochs=5, verbose=0, callbacks=[watch, keep])
    files = {path.name for path in (tmp_path / "stages").iterdir()}
    assert files == {"stage1.keras", "stage2.keras"}
    for stage, epoch in ((1, 2), (2, 4)):
        path = tmp_path / "stages" / f"stage{stage}.keras"
        assert same(snapshot(keras.models.load_model(path)), seen[epoch])


def test_plateaus_end_where_the_rate_drops():
    assert plateau_ends(200, (0.3, 0.6, 0.8)) == [60, 120, 160, 200]
    assert plateau_ends(240, (150 / 240, 180 / 240, 210 / 240)) == [
        *(150, 180, 210),
        240,
    ]
    assert plateau_ends(10, ()) == [10]
    # The rate drops within epoch 8.
    assert plateau_ends(25, (0.3, 0.6)) == [7, 15, 25]
    # So short that two plateaus end with one epoch.
    assert plateau_ends(2, (0.3, 0.6, 0.8)) == [1, 2]
