"""Several views of each example as one batch.

A batch of images is then `(batch, views, height, width, 3)`, as
`keras_artkd.data.pipeline.training_dataset` makes it. Networks see
`batch * views` images, all views of one example together, and so do the
losses.
"""

from keras import ops

from keras_artkd.losses.ops import split_views
from keras_artkd.types import Tensor

_SINGLE_VIEW_RANK = 4


def merge_views(images: Tensor, views: int) -> Tensor:
    """The images that networks see.

    Args:
        images: `(batch, views, height, width, 3)`, or `(batch, height, width,
            3)` where `views` is 1.
        views: int.

    Returns:
        `(batch * views, height, width, 3)`.

    Raises:
        ValueError: if the examples have another number of views.
    """
    shape = tuple(images.shape)
    rank = _SINGLE_VIEW_RANK + (views > 1)
    if len(shape) != rank or (views > 1 and shape[1] != views):
        needed = f"(batch, {views}, " if views > 1 else "(batch, "
        raise ValueError(
            f"This method learns from {views} view{'s' * (views > 1)} of each "
            f"example, images of shape {needed}height, width, 3). Received: "
            f"shape {shape}. Fix: "
            "keras_artkd.data.pipeline.training_dataset(..., "
            "views=keras_artkd.distillers.get_method(name).views)."
        )
    if views == 1:
        return images
    return ops.reshape(images, (-1, *shape[2:]))


def first_view(images: Tensor) -> Tensor:
    """The first view of each example; of plain images all of them."""
    return images if len(images.shape) == _SINGLE_VIEW_RANK else images[:, 0]


def repeat_views(values: Tensor | None, views: int) -> Tensor | None:
    """Labels or sample weights of the examples, for each of their views."""
    if values is None or views == 1:
        return values
    return ops.repeat(ops.convert_to_tensor(values), views, axis=0)


def leading_views(values: Tensor, views: int, kept: int) -> Tensor:
    """Values of the first `kept` views of each example.

    Args:
        values: `(batch * views, ...)`, of all views.
        views: int.
        kept: int, at most `views`.

    Returns:
        `(batch * kept, ...)`.
    """
    if kept == views:
        return values
    leading = split_views(values, views)[:, :kept]
    return ops.reshape(leading, (-1, *values.shape[1:]))


def mean_of_views(values: Tensor, views: int) -> Tensor:
    """The mean over each example's views, `(batch,)` of `(batch * views,)`."""
    if views == 1:
        return values
    return ops.mean(split_views(values, views), axis=1)
