"""The two forms of labels that losses take."""

from keras import ops


def class_probabilities(labels, num_classes):
    """Labels as probabilities.

    Args:
        labels: integers, `(batch,)` or `(batch, 1)`, or probabilities,
            `(batch, num_classes)`, as Mixup and label smoothing make them.
        num_classes: int.

    Returns:
        `(batch, num_classes)`, float32.

    Raises:
        ValueError: for labels of any other shape.
    """
    labels = ops.convert_to_tensor(labels)
    columns = labels.shape[1:]
    if tuple(columns) == (num_classes,) and num_classes > 1:
        return ops.cast(labels, "float32")
    if tuple(columns) not in ((), (1,)):
        raise ValueError(
            "Labels must be integers, (batch,), or probabilities, (batch, "
            f"{num_classes}). Received: shape {tuple(labels.shape)}."
        )
    labels = ops.cast(ops.reshape(labels, (-1,)), "int32")
    return ops.one_hot(labels, num_classes, dtype="float32")


def class_indices(labels):
    """Labels as integers, `(batch,)`; of probabilities, the likeliest."""
    labels = ops.convert_to_tensor(labels)
    if len(labels.shape) == 2 and labels.shape[1] != 1:
        return ops.cast(ops.argmax(labels, axis=-1), "int32")
    return ops.cast(ops.reshape(labels, (-1,)), "int32")
