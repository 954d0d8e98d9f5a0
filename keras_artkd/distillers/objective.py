"""Sums and means of which the objective consists."""

from collections.abc import Iterable

import keras
from keras import ops

from keras_artkd.distillers.views import mean_of_views
from keras_artkd.types import Tensor


def batch_mean(
    values: Tensor, sample_weight: Tensor | None = None, views: int = 1
) -> Tensor:
    """Mean over the batch of values per example, or of a batch's scalar.

    Args:
        values: `(batch * views,)`, the views of one example together; or `()`.
        sample_weight: `(batch,)` or None.
        views: int, how many values an example has; their mean counts.

    Returns:
        Scalar, float32.
    """
    values = ops.cast(values, "float32")
    if len(values.shape) > 0:
        values = mean_of_views(values, views)
    if sample_weight is None:
        return ops.mean(values)
    sample_weight = ops.cast(sample_weight, "float32")
    if len(values.shape) == 0:
        return values * ops.mean(sample_weight)
    return ops.mean(values * ops.reshape(sample_weight, ops.shape(values)))


def sum_losses(losses: list[Tensor]) -> Tensor:
    """The sum of scalars, zero if there are none."""
    return ops.sum(ops.stack(losses)) if losses else ops.zeros(())


def regularization(variables: Iterable[keras.Variable]) -> Tensor:
    """The sum of the variables' own regularisation losses."""
    return sum_losses(
        [
            variable.regularizer(variable)
            for variable in variables
            if variable.regularizer is not None
        ]
    )
