"""Multi-stage distillation: killed and resumed, and its best epoch."""

import keras
import pytest

from keras_artkd.runs.checkpoint import Checkpoint
from tests.distillers.networks import same, snapshot
from tests.distillers.staged import fit, make


class Killed(Exception):
    pass


class Kill(keras.callbacks.Callback):
    """Ends a training as a signal would, before an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise Killed


def begin_or_resume(path, *callbacks):
    distiller = make(2)
    rate = distiller.rate_schedule(0.05, epochs=11, steps_per_epoch=1)
    distiller.compile(
        keras.optimizers.SGD(rate, momentum=0.9),
        metrics=["accuracy"],
        run_eagerly=True,
    )
    checkpoint = Checkpoint(distiller, path, "accuracy")
    done = checkpoint.restore()
    fit(distiller, 11, [*callbacks, checkpoint], steps=1, initial_epoch=done)
    return snapshot(distiller), checkpoint.history


def test_resumes_between_and_within_stages(tmp_path):
    weights, history = begin_or_resume(tmp_path / "whole.npz")
    # A stage of blocks 1 to 3, the head and two mutual epochs, then one of
    # one: killed after a block, within the mutual phase, between the stages.
    for killed in (2, 5, 6):
        with pytest.raises(Killed):
            begin_or_resume(tmp_path / "c.npz", Kill(killed))
    resumed_weights, resumed_history = begin_or_resume(tmp_path / "c.npz")
    assert same(resumed_weights, weights)
    assert resumed_history == history
    assert {len(values) for values in history.values()} == {11}
    assert history["kd"].count(None) == 3


def test_the_best_epoch_has_every_part_trained(tmp_path):
    distiller = make()
    checkpoint = Checkpoint(distiller, tmp_path / "c.npz")
    accuracy = iter([0.9, 0.8, 0.7, 0.1, 0.2])
    claim = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: logs.update(
            val_accuracy=next(accuracy)
        )
    )
    best = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: best.append(checkpoint.best_epoch)
    )
    fit(distiller, 5, [claim, checkpoint, watch])
    # Blocks 1 to 3, of which the first is best for want of another; the head.
    assert best == [1, 1, 1, 4, 5]
