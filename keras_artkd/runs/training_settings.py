"""Settings of a training: augmentation and schedule, flags of `artkd train`."""

import dataclasses
from typing import Literal

import tyro

from keras_artkd.runs.checks import require_finite, require_least

# What random generators take.
_SEEDS = 2**32
_MOMENTUM = 0.9


@dataclasses.dataclass(frozen=True)
class AugmentationSettings:
    """Changes to training images, for any method."""

    crop_and_mirror: bool = True
    """Crop training images at random and mirror half of them; otherwise they
    are seen as those of the test."""
    augment: tuple[Literal["cutout", "mixup", "sla"], ...] = ()
    """Changes to training images in addition to crops and mirroring. sla: each
    image in four rotations, told apart."""
    cutout_side: int | None = None
    """Side of cutout's square, pixels; a quarter of the image by default."""
    mixup_alpha: float | None = None
    """Mixup's share has the distribution Beta(alpha, alpha); 0.2 by default, or
    what a method that mixes all images was published with."""

    def __post_init__(self) -> None:
        if len({*self.augment}) < len(self.augment):
            raise ValueError(
                "`augment` must name each augmentation once. "
                f"Received: augment={self.augment}."
            )
        if self.cutout_side is not None:
            require_least("cutout_side", self.cutout_side, 1)
        if self.mixup_alpha is not None and not self.mixup_alpha > 0:
            raise ValueError(
                "`mixup_alpha` must be positive. "
                f"Received: mixup_alpha={self.mixup_alpha}."
            )


@dataclasses.dataclass(frozen=True)
class ScheduleSettings:
    """The training: length, learning rate, precision, seed."""

    epochs: int = 200
    """How often each training image is seen; 0 chooses it, for expert and
    student, to keep to --minutes."""
    images_per_epoch: int | None = None
    """Images of an epoch, drawn anew for each; all of them by default."""
    batch_size: int = 128
    """Images of a step, on all devices together."""
    learning_rate: float | None = 0.01
    """First learning rate; None takes the published one of the network."""
    published_rates: tyro.conf.Suppress[dict[str, float]] = dataclasses.field(
        default_factory=dict
    )
    """First learning rates by network; that of all others under ""."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """sgd, with momentum; or adamw."""
    rate_decay: Literal["steps", "cosine"] = "steps"
    """How the learning rate falls: by drops, or as a cosine to zero."""
    warmup: float = 0.0
    """Part of the training in which the learning rate of a cosine rises."""
    drops: tuple[float, ...] = (0.3, 0.6)
    """Parts of the training after which the learning rate drops."""
    drop_factor: float = 0.2
    """What each drop multiplies the learning rate by."""
    momentum: float = _MOMENTUM
    """Of SGD, without Nesterov."""
    weight_decay: float = 5e-4
    """Of sgd as PyTorch has it, on every weight; of adamw its own, on all but
    biases and normalisation."""
    clip_norm: float | None = None
    """The largest norm of all gradients together."""
    ema_momentum: float | None = None
    """Decay per step of an average of the weights over the training, such as
    0.99: the average is what is tested and exported."""
    label_smoothing: float = 0.0
    """Share of the label that is spread over all classes."""
    keep_epoch: Literal["best", "last", "last_unless_worse"] = "best"
    """Which epoch's student is kept: the best by validation, the last, or the
    latest that is not worse than the best beyond chance."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """Of the student and of teachers that are trained with it."""
    backend: Literal["tensorflow", "jax"] = "tensorflow"
    """What Keras computes with. Files to deploy are the same."""
    seed: int = 0
    """Seed of initial weights, order and augmentation."""

    def __post_init__(self) -> None:
        for name in ("learning_rate", "weight_decay", "clip_norm", "momentum"):
            if (value := getattr(self, name)) is not None:
                require_finite(name, value)
        require_least("epochs", self.epochs, 0)
        require_least("batch_size", self.batch_size, 1)
        if self.images_per_epoch is not None:
            require_least("images_per_epoch", self.images_per_epoch, 1)
        if not 0 <= self.seed < _SEEDS:
            raise ValueError(
                f"`seed` must be at least 0 and less than {_SEEDS:,}. "
                f"Received: seed={self.seed}."
            )
        if self.weight_decay < 0:
            raise ValueError(
                "`weight_decay` must not be negative. "
                f"Received: weight_decay={self.weight_decay}."
            )
        if self.learning_rate is not None and not self.learning_rate > 0:
            raise ValueError(
                "`learning_rate` must be positive. "
                f"Received: learning_rate={self.learning_rate}."
            )
        if not 0 <= self.warmup < 1:
            raise ValueError(
                "`warmup` must be a part of the training, at least 0 and less "
                f"than 1. Received: warmup={self.warmup}."
            )
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(
                "`label_smoothing` must be at least 0 and less than 1. "
                f"Received: label_smoothing={self.label_smoothing}."
            )
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ValueError(
                "`clip_norm` must be positive. "
                f"Received: clip_norm={self.clip_norm}."
            )
        if self.ema_momentum is not None and not 0 <= self.ema_momentum < 1:
            raise ValueError(
                "`ema_momentum` must be at least 0 and less than 1. Received: "
                f"ema_momentum={self.ema_momentum}."
            )
        if self.optimizer == "adamw" and self.momentum != _MOMENTUM:
            raise ValueError(
                "`momentum` belongs to sgd. Received: "
                f"momentum={self.momentum}, optimizer='adamw'. Fix: "
                "--optimizer sgd, or leave it out."
            )
        if self.warmup and self.rate_decay != "cosine":
            raise ValueError(
                "`warmup` belongs to a cosine. Received: "
                f"warmup={self.warmup}, rate_decay={self.rate_decay!r}. Fix: "
                "--rate-decay cosine."
            )
        ends = (0.0, *self.drops, 1.0)
        if any(a >= b for a, b in zip(ends, ends[1:], strict=False)):
            raise ValueError(
                "`drops` must rise, between 0 and 1. "
                f"Received: drops={self.drops}."
            )
