"""Optimizer, weight decay and strategy of a training."""

import functools
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


def make_optimizer(
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    total_steps: int,
    drops: Sequence[float] = (0.3, 0.6),
    factor: float = 0.2,
    momentum: float = 0.9,
    clip_norm: float | None = None,
    ema_momentum: float | None = None,
) -> keras.optimizers.Optimizer:
    """SGD with momentum whose learning rate drops at given moments.

    Args:
        learning_rate: float, the first rate.
        total_steps: int, steps of the whole training.
        drops: fractions of the training at which the rate is multiplied by
            `factor`, in order; none for a constant rate. The default is
            epochs 60 and 120 of 200 (thesis 000).
        factor: float.
        momentum: float, without Nesterov.
        clip_norm: float, the largest norm of all gradients together.
        ema_momentum: float, decay per step of an average of the weights; None
            for none.
    """
    if drops:
        # Keras still gives the old rate at the boundary step itself.
        boundaries = [round(total_steps * drop) - 1 for drop in drops]
        rates = [learning_rate * factor**i for i in range(len(drops) + 1)]
        learning_rate = keras.optimizers.schedules.PiecewiseConstantDecay(
            boundaries, rates
        )
    return keras.optimizers.SGD(
        learning_rate,
        momentum=momentum,
        global_clipnorm=clip_norm,
        **_averaging(ema_momentum),
    )


def cosine_rate(
    learning_rate: float, total_steps: int, warmup: float = 0.0
) -> keras.optimizers.schedules.LearningRateSchedule:
    """A learning rate that falls to zero as half a cosine.

    Args:
        learning_rate: float, the highest.
        total_steps: int, steps of the whole training.
        warmup: part of the training in which it rises from zero before.
    """
    rising = round(warmup * total_steps)
    if not rising:
        return keras.optimizers.schedules.CosineDecay(
            learning_rate, total_steps
        )
    return keras.optimizers.schedules.CosineDecay(
        0.0,
        max(total_steps - rising, 1),
        warmup_target=learning_rate,
        warmup_steps=rising,
    )


def make_adamw(
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    weight_decay: float,
    clip_norm: float | None = None,
    ema_momentum: float | None = None,
) -> keras.optimizers.Optimizer:
    """AdamW that leaves biases and normalisation without weight decay.

    Reference: Loshchilov and Hutter, 2017, https://arxiv.org/abs/1711.05101.
    """
    optimizer = keras.optimizers.AdamW(
        learning_rate,
        weight_decay=weight_decay,
        global_clipnorm=clip_norm,
        **_averaging(ema_momentum),
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _averaging(ema_momentum: float | None) -> dict[str, Any]:
    """Arguments of Keras's optimizers for an average of the weights."""
    if ema_momentum is None:
        return {}
    return {"use_ema": True, "ema_momentum": ema_momentum}


def set_weight_decay(model: keras.Model, weight_decay: float) -> None:
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


def replica_devices() -> list[str]:
    """What TensorFlow divides each batch among: all GPUs, none on a CPU."""
    if keras.backend.backend() != "tensorflow":
        return []
    gpus = tf.config.list_physical_devices("GPU")
    return [f"GPU:{index}" for index in range(len(gpus))]


def make_strategy(batch_size: int) -> tf.distribute.Strategy:
    """`MirroredStrategy` over several devices, else the default strategy.

    Args:
        batch_size: int; no more devices than images in a batch have a part.
    """
    devices = replica_devices()[:batch_size]
    if len(devices) > 1:
        return _mirror(*devices)
    return tf.distribute.get_strategy()


@functools.cache
def _mirror(*devices: str) -> tf.distribute.Strategy:
    # One for all trainings of a process: TensorFlow gives the sums over the
    # replicas of a second strategy the keys of the first's, of other shapes.
    return tf.distribute.MirroredStrategy(devices)


def count_replicas(batch_size: int) -> int:
    """The replicas of `make_strategy`."""
    return max(1, len(replica_devices()[:batch_size]))


def evaluation_batch_size(count: int, batch_size: int, replicas: int) -> int:
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


def plateau_ends(epochs: int, drops: Sequence[float]) -> list[int]:
    """The last whole epochs of the learning rate's plateaus, counted from 1.

    Args:
        epochs: int, of the whole training.
        drops: fractions of the training, as `make_optimizer` takes them.
    """
    # A drop after epoch 150 of 240 is a fraction that may fall short of it.
    ends = {max(int(epochs * drop + 1e-6), 1) for drop in drops}
    return sorted({*ends, epochs})
