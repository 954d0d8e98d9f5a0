"""Small tensor functions and argument checks that losses share."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import keras
from keras import ops

from keras_artkd.types import Tensor

# Below the square root of float32's smallest number.
TINY = 1e-30
# Numbers that vary less than this, relative to the largest, are constant: how
# they vary is lost in rounding.
CONSTANT = 1e-6


# Arguments.


def check_temperature(temperature: float) -> None:
    """Raises ValueError unless a softmax temperature is positive."""
    if not temperature > 0:
        raise ValueError(
            "`temperature` must be positive (it divides the logits). "
            f"Received: temperature={temperature!r}."
        )


def check_choice(argument: str, value: str, known: Collection[str]) -> None:
    """Raises ValueError unless an argument is one of the known values."""
    if value not in known:
        raise ValueError(
            f"`{argument}` must be one of {', '.join(known)}. "
            f"Received: {argument}={value!r}."
        )


# Logits.


def log_probabilities(logits: Tensor, temperature: float) -> Tensor:
    """`log softmax(logits / temperature)` in float32, over the classes.

    Raises:
        ValueError: if `temperature <= 0`.
    """
    check_temperature(temperature)
    return ops.log_softmax(ops.cast(logits, "float32") / temperature)


def centred(rows: Tensor) -> Tensor:
    """Rows minus their means; those that are constant become zero.

    These get no gradient. Whoever divides by a row's norm or deviation would
    otherwise throw a network that answers all classes alike, as some do at
    first, far away.
    """
    apart = rows - ops.mean(rows, axis=-1, keepdims=True)
    smallest = CONSTANT * ops.max(ops.abs(rows), axis=-1, keepdims=True)
    varied = ops.max(ops.abs(apart), axis=-1, keepdims=True) > smallest
    return ops.where(varied, apart, 0.0)


# Features: a batch's feature maps become one row for each example.


def pooled(features: Tensor) -> Tensor:
    """The mean over positions, `(batch, channels)`; vectors as they are."""
    features = ops.cast(features, "float32")
    if len(features.shape) == 2:
        return features
    return ops.mean(features, axis=tuple(range(1, len(features.shape) - 1)))


def rescaled(rows: Tensor) -> Tensor:
    """Rows divided by the largest magnitude of all, as float32.

    Squares then stay in range. No gradient passes through the factor: this is
    for losses in which it cancels.
    """
    rows = ops.cast(rows, "float32")
    largest = ops.stop_gradient(ops.max(ops.abs(rows)))
    return rows / ops.maximum(largest, TINY)


def unit(vectors: Tensor, smallest: float = 1e-12) -> Tensor:
    """Vectors of L2 norm 1; shorter ones than `smallest` become zero.

    These get no gradient, because their direction means nothing.
    """
    squared = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    long_enough = squared > smallest**2
    inverse = ops.rsqrt(ops.where(long_enough, squared, 1.0))
    return ops.where(long_enough, vectors * inverse, 0.0)


def root(squared: Tensor, smallest: float = 0.0) -> Tensor:
    """Square roots; of what is not above `smallest` zero, without gradient.

    The root itself has no gradient at 0.
    """
    above = squared > smallest
    return ops.where(above, ops.sqrt(ops.where(above, squared, 1.0)), 0.0)


def gram(rows: Tensor) -> Tensor:
    """Dot products of all pairs of rows, `(batch, batch)`."""
    return ops.matmul(rows, ops.transpose(rows))


# Sums.


def sum_halving(values: Iterable[Tensor]) -> Tensor:
    """Sum in which each value counts half as much as the next."""
    total = 0.0
    for value in values:
        total = total / 2 + value
    return total


def sum_over_replicas(tensor: Tensor) -> Tensor:
    """The sum of a tensor over all replicas of a strategy, with gradients.

    Returns the tensor itself outside `tf.distribute`, and on other backends,
    where a step sees the whole batch.
    """
    if keras.backend.backend() != "tensorflow" or keras.backend.is_keras_tensor(
        tensor
    ):
        return tensor
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    # None where a strategy's scope builds, before its replicas run.
    if context is None or context.num_replicas_in_sync == 1:
        return tensor
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tensor)


# Views of one example.


def split_views(rows: Tensor, views: int) -> Tensor:
    """Gives the views of each example an axis of their own.

    Args:
        rows: `(batch * views, ...)`, the views of each example together.
        views: int.

    Returns:
        `(batch, views, ...)`.

    Raises:
        ValueError: if the number of rows is no multiple of `views`.
    """
    rows = ops.convert_to_tensor(rows)
    count, *shape = rows.shape
    # JAX's dimension of unknown size is no number.
    if isinstance(count, int) and count % views:
        raise ValueError(
            f"There must be {views} rows for each example, one for each of "
            f"its views, together. Received: {count} rows. Fix: batches of "
            f"{views} views, see `Distiller`."
        )
    return ops.reshape(rows, (-1, views, *shape))


# Exits of one network.


def read_exits(endpoints: Mapping[str, Tensor], kind: str) -> list[Tensor]:
    """The endpoints `exit<i>_<kind>`, from the shallowest to the deepest.

    Args:
        endpoints: dict of a network made by `keras_artkd.models.with_exits`.
        kind: `"logits"`, `"features"` or `"projection"`.
    """
    found: list[Tensor] = []
    while (name := f"exit{len(found) + 1}_{kind}") in endpoints:
        found.append(endpoints[name])
    return found


def shallow_and_target(
    tensors: Sequence[Tensor],
) -> tuple[list[Tensor], Tensor]:
    """The shallow exits' tensors and the deepest's, as float32.

    No gradient passes to the deepest, the teacher.
    """
    *shallow, deepest = (ops.cast(tensor, "float32") for tensor in tensors)
    return shallow, ops.stop_gradient(deepest)


def check_exits(
    exit_logits: Sequence[Tensor], exit_features: Sequence[Tensor]
) -> None:
    """Raises ValueError unless both have every exit, two at least."""
    if len(exit_logits) != len(exit_features) or len(exit_logits) < 2:
        raise ValueError(
            "`exit_logits` and `exit_features` must have a tensor for each "
            "exit, from the shallowest to the deepest, two at least. "
            f"Received: {len(exit_logits)} and {len(exit_features)}."
        )
