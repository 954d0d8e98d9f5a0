"""What judges whether a map is the teacher's, and whether it still can."""

import math

import keras
from keras import ops

# One that cannot tell the maps apart has a loss of 0.25.
COLLAPSED_BELOW = 0.01
EXPLODED_ABOVE = 10.0

DISCRIMINATOR = "discriminator"


class FeatureScore(keras.layers.Layer):
    """How real a map is: a linear score of its average over positions.

    Input shape: `(batch, height, width, channels)`. Output shape: `(batch,)`,
    float32, 1 for the teacher's and 0 for a student's if it is right.
    """

    def __init__(self, name=None):
        super().__init__(name=name, dtype="float32")

    def build(self, shape):
        """Makes the weights."""
        self.kernel = self.add_weight(
            shape=(shape[-1],), initializer="glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight(shape=(), initializer="zeros", name="bias")

    def call(self, features, detached=False):
        """The scores.

        Args:
            features: maps.
            detached: whether the score's own weights get no gradient, where
                it judges for those who made the map.
        """
        kernel, bias = self.kernel.value, self.bias.value
        if detached:
            kernel, bias = ops.stop_gradient(kernel), ops.stop_gradient(bias)
        pooled = ops.mean(ops.cast(features, "float32"), axis=(1, 2))
        return ops.matmul(pooled, kernel) + bias


def judge_adversaries(logs):
    """What is wrong with adversaries, by the loss of each after an epoch.

    Args:
        logs: dict of name -> number, those named `discriminator<block>` among
            them.

    Returns:
        dict of block number -> `"collapsed"`, `"exploded"`; those that are in
        order are not in it.
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


def adversary_incidents(history):
    """Every epoch after which an adversary was out of order.

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
    found = {}
    for epoch, stage in enumerate(history.get("stage", ())):
        logs = {name: history[name][epoch] for name in names}
        for block, state in judge_adversaries(logs).items():
            incident = found.setdefault(
                (stage, block, state),
                {
                    "stage": int(stage),
                    "block": block,
                    "state": state,
                    "first_epoch": epoch + 1,
                    "epochs": 0,
                },
            )
            incident["epochs"] += 1
    return [found[key] for key in sorted(found)]
