"""What turns a distiller into a run: optimizer, strategy, checkpoints."""

import json
import pathlib

import keras
import numpy as np
import tensorflow as tf

from keras_artkd.files import write_atomically


def make_optimizer(
    learning_rate, total_steps, drops=(0.3, 0.6), factor=0.2, momentum=0.9
):
    """SGD with momentum whose learning rate drops at given moments.

    Args:
        learning_rate: float, the first rate.
        total_steps: int, steps of the whole training.
        drops: fractions of the training at which the rate is multiplied by
            `factor`, in order; none for a constant rate. The default is
            epochs 60 and 120 of 200 (thesis 000).
        factor: float.
        momentum: float, without Nesterov.
    """
    if drops:
        # Keras still gives the old rate at the boundary step itself.
        boundaries = [round(total_steps * drop) - 1 for drop in drops]
        rates = [learning_rate * factor**i for i in range(len(drops) + 1)]
        learning_rate = keras.optimizers.schedules.PiecewiseConstantDecay(
            boundaries, rates
        )
    return keras.optimizers.SGD(learning_rate, momentum=momentum)


def set_weight_decay(model, weight_decay):
    """Gives every trainable weight an L2 penalty equal to PyTorch's decay.

    PyTorch's SGD adds `weight_decay * w` to the gradient, before the
    momentum: that is the gradient of `weight_decay / 2 * w^2`. Keras's
    `SGD(weight_decay=)` acts after it and is about ten times weaker. Batch
    normalisation and biases are included, as there.

    Args:
        model: `keras.Model`; its `losses` then hold the penalty.
        weight_decay: float >= 0; the papers' is 5e-4.
    """
    penalty = keras.regularizers.L2(weight_decay / 2) if weight_decay else None
    for variable in model.trainable_variables:
        variable.regularizer = penalty


def make_strategy():
    """`MirroredStrategy` over several GPUs, else the default strategy."""
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def evaluation_batch_size(count, batch_size, replicas):
    """The largest batch, up to `batch_size`, that leaves no replica empty.

    Replicas get equal parts of a batch, and of a smaller last one the first
    replicas all they can take: one without any image makes TensorFlow fail.

    Args:
        count: int, images to evaluate, at least one.
        batch_size: int.
        replicas: int.

    Raises:
        ValueError: if there are fewer images than replicas.
    """
    for size in range(batch_size, 0, -1):
        last = count % size or size
        part = -(-size // replicas)
        if size <= count and last > part * (replicas - 1):
            return size
    if replicas == 1:
        return batch_size
    raise ValueError(
        "Every replica needs an image to evaluate. Received: "
        f"{count} images, {replicas} replicas."
    )


class Checkpoint(keras.callbacks.Callback):
    """Keeps the last state and the best student of a training in one file.

    After each epoch it writes the trained networks, optimizer, history and
    the student's best weights so far. A training that was killed at any
    moment goes on from its last whole epoch, to the weights that it would
    have had: `training_dataset` depends on the epoch alone.

    Args:
        distiller: the compiled `Distiller`.
        path: the file, `.npz`.
        monitor: the logged value whose maximum is best; the first of equals.
            Where a training goes through phases, after its first of all parts
            of the student.
    """

    def __init__(self, distiller, path, monitor="val_accuracy"):
        super().__init__()
        self.distiller = distiller
        self.path = pathlib.Path(path)
        self.monitor = monitor
        self.history = {}
        self.epoch = 0
        self.best_epoch = None
        self.best_is_whole = None
        self.best_weights = None

    def restore(self):
        """Restores the saved state, if there is one.

        Returns:
            The number of epochs done, for `fit(initial_epoch=...)`.
        """
        if not self.path.exists():
            return 0
        with np.load(self.path) as state:
            meta = json.loads(str(state["meta"]))
            for name, variables in self._groups().items():
                _assign(name, variables, state, self.path)
            self.best_weights = [
                state[f"best/{i}"]
                for i in range(len(self.distiller.student.weights))
            ]
        self.history = meta["history"]
        self.epoch = meta["epoch"]
        self.best_epoch = meta["best_epoch"]
        self.best_is_whole = meta.get("best_is_whole", True)
        return self.epoch

    def on_epoch_end(self, epoch, logs=None):
        """Writes the state, unless the training went astray.

        Raises:
            ValueError: if the loss is not finite; the file keeps the state
                of the epoch before.
        """
        if not np.isfinite(logs["loss"]):
            raise ValueError(
                "The loss must stay finite. Received: "
                f"{logs['loss']} in epoch {epoch + 1}. Fix: a smaller "
                "learning rate, or smaller weights of the transfer losses."
            )
        self._extend_history(epoch, logs)
        self.epoch = epoch + 1
        if self._is_best():
            self.best_epoch = epoch + 1
            self.best_is_whole = self.distiller.student_is_whole
            self.best_weights = self.distiller.student.get_weights()
        self._write()

    def _is_best(self):
        if self.best_epoch is None:
            return True
        if self.distiller.student_is_whole != self.best_is_whole:
            # One that lacks a part is best for want of another alone.
            return not self.best_is_whole
        values = self.history[self.monitor]
        return values[-1] > values[self.best_epoch - 1]

    def _extend_history(self, epoch, logs):
        # Phases of a training have terms of their own: None where one has not.
        for name in {**self.history, **logs}:
            value = logs.get(name)
            self.history.setdefault(name, [None] * epoch).append(
                None if value is None else float(value)
            )

    def load_best(self):
        """Puts the best weights into the student."""
        self.distiller.student.set_weights(self.best_weights)

    def _groups(self):
        """Variables to keep, by kind; frozen teachers have their own file."""
        distiller = self.distiller
        frozen = {
            id(variable)
            for network in distiller.frozen_networks
            for variable in network.variables
        }
        return {
            "model": [v for v in distiller.variables if id(v) not in frozen],
            **{
                name: optimizer.variables
                for name, optimizer in distiller.optimizers.items()
            },
        }

    def _write(self):
        arrays = {
            f"{name}/{i}": keras.ops.convert_to_numpy(variable)
            for name, variables in self._groups().items()
            for i, variable in enumerate(variables)
        }
        arrays |= {f"best/{i}": w for i, w in enumerate(self.best_weights)}
        meta = {
            "epoch": self.epoch,
            "best_epoch": self.best_epoch,
            "best_is_whole": self.best_is_whole,
            "history": self.history,
        }
        arrays["meta"] = np.array(json.dumps(meta))
        write_atomically(self.path, lambda p: np.savez(p, **arrays))


class KeepStages(keras.callbacks.Callback):
    """Saves the network at several stages of its training.

    Some methods teach by way of the teacher's own stages (`ms_mgans`). The
    files are `stage1.keras`, `stage2.keras`, ... in the order of the epochs.
    Of a `Distiller` its student is saved, of any other model the model.

    Args:
        folder: path of a folder for the files.
        epochs: list of int, at whose ends, counted from 1.
    """

    def __init__(self, folder, epochs):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.epochs = sorted(set(epochs))

    def on_epoch_end(self, epoch, logs=None):
        """Saves where a stage ends."""
        if epoch + 1 in self.epochs:
            stage = self.epochs.index(epoch + 1) + 1
            network = getattr(self.model, "student", self.model)
            write_atomically(self.folder / f"stage{stage}.keras", network.save)


def plateau_ends(epochs, drops):
    """The last whole epochs of the learning rate's plateaus, counted from 1.

    Args:
        epochs: int, of the whole training.
        drops: fractions of the training, as `make_optimizer` takes them.
    """
    # A drop after epoch 150 of 240 is a fraction that may fall short of it.
    ends = {max(int(epochs * drop + 1e-6), 1) for drop in drops}
    return sorted({*ends, epochs})


def _assign(name, variables, state, path):
    saved = sum(key.startswith(f"{name}/") for key in state.files)
    if saved != len(variables):
        raise ValueError(
            f"The checkpoint is not of this training: {path} holds {saved} "
            f"{name} variables. Received: a distiller of {len(variables)}. "
            "Fix: resume with the configuration of the run."
        )
    for index, variable in enumerate(variables):
        variable.assign(state[f"{name}/{index}"])
