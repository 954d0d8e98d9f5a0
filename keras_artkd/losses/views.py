"""What losses between several views of one example share."""

from keras import ops


def split_views(rows, views):
    """The views of each example, which stand together, on an axis of their own.

    Args:
        rows: `(batch * views, ...)`.
        views: int.

    Returns:
        `(batch, views, ...)`.

    Raises:
        ValueError: where the rows are not so many for each example.
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
