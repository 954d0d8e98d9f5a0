"""The distiller of a plan, compiled: its optimizer, loss and metrics."""

import keras
from keras.optimizers.schedules import LearningRateSchedule

from keras_artkd.datasets import Collection
from keras_artkd.distillers import Distiller
from keras_artkd.losses.labels import SmoothedCrossEntropy
from keras_artkd.runs.backend import count_gpus
from keras_artkd.runs.networks import build_distiller
from keras_artkd.runs.optimizer import (
    cosine_rate,
    make_adamw,
    make_optimizer,
)
from keras_artkd.runs.plan import Plan


def compiled_distiller(
    plan: Plan,
    data: Collection,
    expert: keras.Model | list[keras.Model] | None,
    steps: int,
) -> Distiller:
    """The distiller of a plan, ready to train.

    Args:
        plan: `Plan`.
        data: a `datasets.Collection`.
        expert: the expert, or its stages; None for a method without.
        steps: int, of an epoch.
    """
    schedule = plan.config.schedule
    distiller = build_distiller(plan, len(data.class_names), expert)
    own_rate = distiller.rate_schedule(plan.first_rate, schedule.epochs, steps)
    distiller.compile(
        _make_optimizer(plan, own_rate, steps * schedule.epochs),
        loss=_supervised_loss(schedule.label_smoothing),
        # Where devices share a validation, some rows weigh nothing.
        weighted_metrics=["accuracy"],
        jit_compile=_compiles(),
    )
    return distiller


def _compiles() -> bool:
    """Whether XLA compiles a step."""
    # JAX would otherwise compute one operation at a time. TensorFlow's networks
    # here are faster with it on a GPU and slower on a CPU, and it cannot reach
    # from one replica to another.
    return keras.backend.backend() == "jax" or count_gpus() == 1


def _make_optimizer(
    plan: Plan, own_rate: LearningRateSchedule | None, total_steps: int
) -> keras.optimizers.Optimizer:
    schedule = plan.config.schedule
    rate = own_rate or plan.first_rate
    if schedule.rate_decay == "cosine" and not own_rate:
        rate = cosine_rate(plan.first_rate, total_steps, schedule.warmup)
    if schedule.optimizer == "adamw":
        return make_adamw(
            rate,
            schedule.weight_decay,
            schedule.clip_norm,
            schedule.ema_momentum,
        )
    steps = () if rate is not plan.first_rate else schedule.drops
    return make_optimizer(
        rate,
        total_steps,
        steps,
        schedule.drop_factor,
        schedule.momentum,
        schedule.clip_norm,
        schedule.ema_momentum,
    )


def _supervised_loss(label_smoothing: float) -> SmoothedCrossEntropy | None:
    return SmoothedCrossEntropy(label_smoothing) if label_smoothing else None
