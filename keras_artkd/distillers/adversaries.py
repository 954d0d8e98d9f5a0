"""Adversaries: layers that judge whether a map is the teacher's."""

import math
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import keras
from keras import ops

from keras_artkd.losses.adversarial import discriminator_loss, generator_loss
from keras_artkd.types import Tensor

# One that cannot tell the maps apart has a loss of 0.25.
COLLAPSED_BELOW = 0.01
EXPLODED_ABOVE = 10.0

DISCRIMINATOR = "discriminator"


class FeatureScore(keras.layers.Layer):
    """A linear score of a map's average over positions: how real it is.

    Input shape: `(batch, height, width, channels)`. Output shape: `(batch,)`,
    float32, 1 for the teacher's and 0 for a student's if it is right.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name, dtype="float32")

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Makes the weights."""
        self.kernel = self.add_weight(
            shape=(shape[-1],), initializer="glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight(shape=(), initializer="zeros", name="bias")

    def call(self, features: Tensor, detached: bool = False) -> Tensor:
        """The scores.

        Args:
            features: maps.
            detached: whether the score's own weights get no gradient. So it
                is where the score judges for those who made the map.
        """
        kernel, bias = self.kernel.value, self.bias.value
        if detached:
            kernel, bias = ops.stop_gradient(kernel), ops.stop_gradient(bias)
        pooled = ops.mean(ops.cast(features, "float32"), axis=(1, 2))
        return ops.matmul(pooled, kernel) + bias


def adversarial_losses(
    score: FeatureScore, real: Tensor, fake: Tensor
) -> tuple[Tensor, Tensor]:
    """The losses of a block and of its adversary, whose gradients are apart.

    Args:
        score: the adversary.
        real: the teacher's map.
        fake: the map that the block's became.

    Returns:
        The block's loss, which gives the adversary no gradient, and the
        adversary's, which gives the block none; both `(batch,)`.
    """
    return generator_loss(score(fake, detached=True)), discriminator_loss(
        score(real), score(ops.stop_gradient(fake))
    )


def judge_adversaries(logs: Mapping[str, float | None]) -> dict[int, str]:
    """The state of adversaries that are out of order after an epoch.

    Args:
        logs: dict of name -> number. `discriminator<block>` is the mean loss
            of a block's adversary; other names are ignored.

    Returns:
        dict of block number -> `"collapsed"` or `"exploded"`, without the
        adversaries that are in order.
    """
    wrong = {}
    for name, value in logs.items():
        if not name.startswith(DISCRIMINATOR) or value is None:
            continue
        block = int(name.removeprefix(DISCRIMINATOR))
        if not math.isfinite(value) or value > EXPLODED_ABOVE:
            wrong[block] = "exploded"
        elif value < COLLAPSED_BELOW:
            wrong[block] = "collapsed"
    return wrong


def warn_of_adversaries(logs: Mapping[str, float], when: str) -> None:
    """Warns of each adversary that is out of order after an epoch.

    Args:
        logs: see `judge_adversaries`.
        when: str, the epoch and phase, for the message.

    Raises:
        ValueError: if the loss of one is not finite.
    """
    for block, state in judge_adversaries(logs).items():
        value = logs[f"{DISCRIMINATOR}{block}"]
        message = (
            f"Adversary {block} {state} in {when}: its loss is {value:.3g}."
        )
        if not math.isfinite(value):
            raise ValueError(
                f"{message} Fix: a smaller adversary_learning_rate or "
                "adversarial_weight."
            )
        warnings.warn(message, stacklevel=2)


def adversary_incidents(
    history: Mapping[str, list[float | None]],
) -> list[dict[str, Any]]:
    """The epochs after which an adversary was out of order.

    Args:
        history: dict of name -> list, a number for each epoch or None, with
            `stage` and `discriminator<block>` among the names; of any other
            training the result is empty.

    Returns:
        list of dicts with `stage`, `block`, `state` (see
        `judge_adversaries`), `first_epoch` and `epochs` (how many), by stage
        and block.
    """
    names = [name for name in history if name.startswith(DISCRIMINATOR)]
    found: dict[tuple[int, int, str], dict[str, Any]] = {}
    for epoch, number in enumerate(history.get("stage", ())):
        logs = {name: history[name][epoch] for name in names}
        for block, state in judge_adversaries(logs).items():
            # Every epoch of such a training has a stage.
            stage = int(number or 0)
            incident = found.setdefault(
                (stage, block, state),
                {
                    "stage": stage,
                    "block": block,
                    "state": state,
                    "first_epoch": epoch + 1,
                    "epochs": 0,
                },
            )
            incident["epochs"] += 1
    return [found[key] for key in sorted(found)]


def make_adversary_optimizer(
    learning_rate: float,
    optimizer: keras.optimizers.Optimizer,
    variables: list[keras.Variable],
) -> keras.optimizers.Optimizer:
    """The adversaries' Adam, built.

    Args:
        learning_rate: float > 0.
        optimizer: the student's. Where it scales the loss, this one does too:
            it then leaves out steps whose gradients overflow.
        variables: list, the adversaries' own.
    """
    own = keras.optimizers.Adam(learning_rate, beta_1=0.5)
    loss_scaling = keras.optimizers.LossScaleOptimizer
    if isinstance(optimizer, loss_scaling):
        own = loss_scaling(own)
    own.build(variables)
    return own


def apply_apart(
    pairs: Iterable[tuple[Tensor, keras.Variable]],
    optimizer: keras.optimizers.Optimizer,
    variables: list[keras.Variable],
    adversary_optimizer: keras.optimizers.Optimizer,
) -> None:
    """Gives the student's and the adversaries' optimizer their gradients.

    Args:
        pairs: `(gradient, variable)`; gradients are of the loss that
            `optimizer` has scaled.
        optimizer: the student's.
        variables: list, the adversaries' own.
        adversary_optimizer: see `make_adversary_optimizer`.
    """
    own = {id(variable) for variable in variables}
    pairs = list(pairs)
    judging = [pair for pair in pairs if id(pair[1]) in own]
    # Before the step, which may change the scale.
    scale = optimizer.scale_loss(1.0)
    optimizer.apply_gradients([p for p in pairs if id(p[1]) not in own])
    if judging:
        factor = adversary_optimizer.scale_loss(1.0) / scale
        adversary_optimizer.apply_gradients(
            [(factor * gradient, variable) for gradient, variable in judging]
        )
