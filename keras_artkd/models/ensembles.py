"""Several trained networks as one: the mean of what they predict."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from keras_artkd.models.functional import as_functional
from keras_artkd.models.resizing import resize_to
from keras_artkd.types import Tensor


def mean_prediction(
    logits: Sequence[Tensor], shares: Sequence[float]
) -> Tensor:
    """Logarithm of the weighted mean of several predictions.

    `log sum_k w_k softmax(z_k)` with `w = shares / sum(shares)`, from
    logarithms throughout. Its softmax is the mean of the probabilities.

    That is the arithmetic mean. Logits of one network may be twice as large as
    another's and would then count twice in their own mean (the geometric one of
    the probabilities); here a share is a share. At temperature 1 a student
    that learns from this mean has the gradient of the weighted mean of its
    divergences from each network. A temperature is applied to the mean, not to
    each.

    Args:
        logits: two or more of `(batch, classes)`, not normalised.
        shares: floats > 0, one for each; their sum may be any number.

    Returns:
        `(batch, classes)`, float32, in nats: logits whose exponentials sum to
        1.

    Reference: Hinton, Vinyals, Dean, 2015, https://arxiv.org/abs/1503.02531,
    section 1, which allows either mean; the arithmetic one is that of
    Lakshminarayanan et al., 2017, https://arxiv.org/abs/1612.01474, and of
    big_vision's several teachers.
    """
    total = sum(shares)
    parts = [
        ops.log_softmax(ops.cast(each, "float32")) + math.log(share / total)
        for each, share in zip(logits, shares, strict=True)
    ]
    return ops.logsumexp(ops.stack(parts), axis=0)


@keras.saving.register_keras_serializable("keras_artkd")
class MeanPrediction(layers.Layer):
    """`mean_prediction` of a list of logits, as a layer.

    Args:
        shares: floats > 0, one for each network.
        **kwargs: see `keras.layers.Layer`.
    """

    def __init__(self, shares: Sequence[float], **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.shares = [float(share) for share in shares]

    def call(self, logits: list[Tensor]) -> Tensor:
        """The mean prediction, `(batch, classes)`."""
        return mean_prediction(logits, self.shares)

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {**super().get_config(), "shares": self.shares}


@keras.saving.register_keras_serializable("keras_artkd")
class AtSize(layers.Layer):
    """Images at the resolution of a network inside another.

    Args:
        size: `(height, width)`, pixels.
        **kwargs: see `keras.layers.Layer`.
    """

    def __init__(self, size: Sequence[int], **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.size = tuple(size)

    def call(self, images: Tensor) -> Tensor:
        """Images, `(batch, *size, channels)`."""
        return resize_to(images, (None, *self.size, None))

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {**super().get_config(), "size": self.size}


def ensemble(
    networks: Sequence[keras.Model],
    shares: Sequence[float] | None = None,
    image_size: int | None = None,
) -> keras.Model:
    """One network that answers with the mean prediction of several.

    It offers `logits` alone, so that every method that reads no maps takes it
    as its expert. It costs what they cost together.

    Args:
        networks: two or more `keras.Model`, from raw pixels to logits of the
            same classes, of any families and input sizes. Their layers are
            shared.
        shares: floats > 0, how much each counts; all alike by default.
        image_size: int, side of the images, which each network gets at its own
            size; by default the largest of theirs.

    Returns:
        A functional `keras.Model` named `ensemble`. A saved one loads with
        `keras.models.load_model`.

    Raises:
        ValueError: for fewer than two networks, other classes, or shares that
            do not fit.

    Example:
    >>> from keras_artkd import models
    >>> several = [models.build("wrn_10_1", 5, (32, 32, 3)) for _ in "ab"]
    >>> expert = models.ensemble(several, shares=[2, 1])
    >>> list(models.get_endpoints(expert))
    ['logits']
    """
    shares = [1.0] * len(networks) if shares is None else [*shares]
    graphs = [as_functional(network) for network in networks]
    classes = [graph.outputs[0].shape[-1] for graph in graphs]
    if len(graphs) < 2 or len({*classes}) > 1:
        raise ValueError(
            "An ensemble must have two networks or more, of the same classes. "
            f"Received: {len(graphs)}, of {', '.join(map(str, classes))} "
            "classes. Fix: networks that were trained on the same classes."
        )
    check_shares(shares, len(graphs))
    sides = [graph.inputs[0].shape[1] for graph in graphs]
    side = image_size or max(
        (side for side in sides if side is not None), default=None
    )
    images = keras.Input((side, side, 3), name="pixels")
    logits = []
    for number, graph in enumerate(graphs, 1):
        own = graph.inputs[0].shape
        seen = images
        if None not in own[1:3] and own[1:3] != images.shape[1:3]:
            seen = AtSize(own[1:3], name=f"size{number}")(images)
        # Networks of one kind have one name, which an ensemble has once.
        named = keras.Model(
            graph.inputs[0], graph.outputs[0], name=f"network{number}"
        )
        logits.append(named(seen))
    mean = MeanPrediction(shares, name="logits")(logits)
    return keras.Model(images, mean, name="ensemble")


def check_shares(shares: Sequence[float], count: int) -> None:
    """Raises ValueError unless there is a positive share for each network."""
    if len(shares) != count or not all(share > 0 for share in shares):
        raise ValueError(
            "There must be a positive share for each network. Received: "
            f"shares={[*shares]}, {count} networks."
        )
