"""Callbacks: the last state, the best student, the stages of a training."""

import types

import keras
import numpy as np
import pytest

from keras_artkd.distillers import build
from keras_artkd.runs.checkpoint import Checkpoint, KeepStages
from tests.distillers.networks import batch, normalised, same, snapshot


def compiled(seed=0, **averaging):
    """Student and initial teacher, whose steps are not traced."""
    keras.utils.set_random_seed(seed)
    distiller = build("rocket", normalised(), initial=normalised())
    distiller.compile(
        keras.optimizers.SGD(0.05, momentum=0.9, **averaging),
        metrics=["accuracy"],
        run_eagerly=True,
    )
    return distiller


def fit(distiller, checkpoint, epochs, initial_epoch=0, before=()):
    images, labels = batch(16)
    distiller.fit(
        images,
        labels,
        batch_size=8,
        shuffle=False,
        epochs=epochs,
        initial_epoch=initial_epoch,
        validation_data=batch(16, seed=1),
        callbacks=[*before, checkpoint],
        verbose=0,
    )


def test_restores_everything(tmp_path):
    whole = compiled()
    whole_checkpoint = Checkpoint(whole, tmp_path / "whole.npz")
    fit(whole, whole_checkpoint, 3)

    first = compiled()
    fit(first, Checkpoint(first, tmp_path / "c.npz"), 2)
    second = compiled(seed=9)
    checkpoint = Checkpoint(second, tmp_path / "c.npz")
    assert checkpoint.restore() == 2
    assert same(snapshot(first), snapshot(second))
    fit(second, checkpoint, 3, initial_epoch=2)
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


@pytest.mark.parametrize(
    ("images", "first", "values", "kept"),
    [
        # One image of 290 more or less is chance, a tenth of them is not.
        (290, None, [0.4, 0.503, 0.5], 3),
        (290, None, [0.4, 0.6, 0.5], 2),
        (290, None, [0.4, 0.6, 0.59, 0.5], 3),
        (30, None, [0.4, 0.6, 0.5], 3),
        # Better is better, and all right is as good as all right.
        (290, None, [0.1, 0.2, 0.9], 3),
        (290, None, [0.5, 1.0, 1.0], 3),
        # The classifier before the training.
        (290, 0.6, [0.4, 0.5, 0.45], 0),
        (290, 0.6, [0.4, 0.5, 0.58], 3),
    ],
)
def test_the_latest_that_is_not_clearly_worse(
    tmp_path, images, first, values, kept
):
    distiller = compiled()
    checkpoint = Checkpoint(distiller, tmp_path / "c.npz", images=images)
    if first is not None:
        checkpoint.start_from(first)
    weights = [distiller.student.get_weights()]
    for epoch, value in enumerate(values):
        distiller.student.set_weights([w + 1 for w in weights[-1]])
        weights.append(distiller.student.get_weights())
        checkpoint.on_epoch_end(epoch, {"loss": 1.0, "val_accuracy": value})
    assert checkpoint.best_epoch == kept
    assert same(checkpoint.best_weights, weights[kept])


def test_students_that_lack_a_part_are_no_measure(tmp_path, monkeypatch):
    distiller = compiled()
    checkpoint = Checkpoint(distiller, tmp_path / "c.npz", images=290)
    whole = types.SimpleNamespace(value=False)
    monkeypatch.setattr(
        type(distiller), "student_is_whole", property(lambda _: whole.value)
    )
    checkpoint.start_from(0.5)
    values = [0.45, 0.40, 0.20, 0.30, 0.36, 0.35]
    for epoch, value in enumerate(values):
        whole.value = epoch > 1
        checkpoint.on_epoch_end(epoch, {"loss": 1.0, "val_accuracy": value})
        if epoch == 3:
            # Resumed in between, all the same.
            path = checkpoint.path
            checkpoint = Checkpoint(distiller, path, images=290)
            assert checkpoint.restore() == 4
    assert checkpoint.best_epoch == 6 and checkpoint.top == 0.36


def test_the_last_is_kept_whatever_validation_says(tmp_path):
    distiller = compiled()
    path = tmp_path / "c.npz"
    checkpoint = Checkpoint(distiller, path, keep_last=True)
    # Without any validation, too.
    for epoch, logs in enumerate([{"val_accuracy": 0.9}, {}, {}]):
        distiller.student.set_weights(
            [w + epoch for w in distiller.student.get_weights()]
        )
        checkpoint.on_epoch_end(epoch, {"loss": 1.0, **logs})
    assert checkpoint.best_epoch == 3
    assert same(checkpoint.best_weights, distiller.student.get_weights())
    resumed = Checkpoint(compiled(seed=1), path, keep_last=True)
    assert resumed.restore() == 3
    assert same(resumed.best_weights, checkpoint.best_weights)


def test_the_average_of_the_weights_is_kept_and_resumed(tmp_path):
    averaging = {"use_ema": True, "ema_momentum": 0.5}

    def trained(path, *epochs):
        """Trains by several calls, each with a distiller of its own."""
        for first, last in zip((0, *epochs), epochs, strict=False):
            distiller = compiled(seed=first, **averaging)
            checkpoint = Checkpoint(
                distiller, path, keep_last=True, averaged=True
            )
            assert checkpoint.restore() == first
            swap = keras.callbacks.SwapEMAWeights()
            fit(distiller, checkpoint, last, first, [swap])
        return distiller, checkpoint

    whole, checkpoint = trained(tmp_path / "whole.npz", 3)
    # After its last epoch, the student is the average itself.
    assert same(checkpoint.best_weights, whole.student.get_weights())
    raw = compiled()
    fit(raw, Checkpoint(raw, tmp_path / "raw.npz"), 3)
    kernels = whole.student.get_weights()[0], raw.student.get_weights()[0]
    assert (kernels[0] != kernels[1]).any()
    resumed, checkpoint = trained(tmp_path / "parts.npz", 1, 3)
    assert same(snapshot(resumed), snapshot(whole))
    assert same(checkpoint.best_weights, whole.student.get_weights())


def test_a_damaged_checkpoint_says_so(tmp_path):
    distiller = compiled()
    path = tmp_path / "c.npz"
    checkpoint = Checkpoint(distiller, path)
    checkpoint.on_epoch_end(0, {"loss": 1.0, "val_accuracy": 0.5})
    whole = path.read_bytes()
    with np.load(path) as arrays:
        without = {k: arrays[k] for k in arrays.files if k != "meta"}
    np.savez(tmp_path / "without.npz", **without)
    before = snapshot(distiller)
    for content in (
        whole[:-1],
        whole[: len(whole) // 2],
        b"",
        (tmp_path / "without.npz").read_bytes(),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="damaged.*c.npz.*start over"):
            checkpoint.restore()
        assert same(snapshot(distiller), before)
    path.write_bytes(whole)
    assert checkpoint.restore() == 1


def test_a_monitored_value_that_is_not_there_is_told_at_once(tmp_path):
    distiller = compiled()
    checkpoint = Checkpoint(distiller, tmp_path / "c.npz", "val_acc")
    with pytest.raises(ValueError, match="'val_acc'.*there are loss, acc"):
        checkpoint.on_epoch_end(0, {"loss": 1.0, "accuracy": 0.5})
    assert not (tmp_path / "c.npz").exists()


def test_a_loss_that_is_not_finite_keeps_the_last_state(tmp_path):
    distiller = compiled()
    checkpoint = Checkpoint(distiller, tmp_path / "c.npz")
    fit(distiller, checkpoint, 1)
    before = (tmp_path / "c.npz").read_bytes()
    for logs in (
        {"loss": float("nan")},
        {"loss": 6.6e17, "supervised": 2.0},
        {"loss": 5e3, "supervised": 5e3},
    ):
        with pytest.raises(ValueError, match="in epoch 2.*learning rate"):
            checkpoint.on_epoch_end(1, {**logs, "val_accuracy": 0.0})
    assert (tmp_path / "c.npz").read_bytes() == before


def test_nothing_to_restore(tmp_path):
    assert Checkpoint(compiled(), tmp_path / "c.npz").restore() == 0


def test_a_checkpoint_of_another_training(tmp_path):
    distiller = compiled()
    fit(distiller, Checkpoint(distiller, tmp_path / "c.npz"), 1)
    other = build("baseline", normalised())
    other.compile("sgd")
    with pytest.raises(ValueError, match="not of this training.*c.npz"):
        Checkpoint(other, tmp_path / "c.npz").restore()


def test_stages_are_kept(tmp_path):
    distiller = build("baseline", normalised())
    distiller.compile(keras.optimizers.SGD(0.05), run_eagerly=True)
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


def test_the_student_before_its_training_may_be_best(tmp_path):
    """Restored, too; the first of equals counts."""
    distiller = compiled()
    distiller.optimizer.build(distiller.trainable_variables)
    before = distiller.student.get_weights()
    checkpoint = Checkpoint(distiller, tmp_path / "c.npz")
    checkpoint.start_from(0.75)
    for epoch, value in enumerate((0.5, 0.75)):
        checkpoint.on_epoch_end(epoch, {"loss": 1.0, "val_accuracy": value})
    assert (checkpoint.best_epoch, checkpoint.best_value) == (0, 0.75)
    restored = Checkpoint(distiller, tmp_path / "c.npz")
    assert restored.restore() == 2 and restored.best_value == 0.75
    restored.on_epoch_end(2, {"loss": 1.0, "val_accuracy": 0.8})
    assert (restored.best_epoch, restored.best_value) == (3, 0.8)
    assert same(checkpoint.best_weights, before)
