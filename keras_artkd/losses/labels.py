"""Losses and conversions of labels: integers, or probabilities."""

from typing import Any

import keras
from keras import ops

from keras_artkd.types import Tensor


@keras.saving.register_keras_serializable("keras_artkd")
def cross_entropy(labels: Tensor, logits: Tensor) -> Tensor:
    """Cross-entropy of labels, in either form.

    Keras has one function for each form. This one can be given to `compile`
    and is then saved with the model.

    Args:
        labels: integers, `(batch,)` or `(batch, 1)`, or probabilities,
            `(batch, classes)`, as Mixup and label smoothing make them. The
            sum of a row need not be 1: the result is linear in the row. A row
            of zeros is an image without a label, whose value is 0.
        logits: `(batch, classes)`, not normalised.

    Returns:
        `(batch,)`, float32, nats per example.

    Raises:
        ValueError: for labels of any other shape.
    """
    logits = ops.cast(logits, "float32")
    labels = ops.convert_to_tensor(labels)
    if _are_probabilities(labels, logits.shape[-1]):
        # The gradient of TensorFlow's own is right only for rows that sum to
        # 1.
        labels = ops.cast(labels, "float32")
        return -ops.sum(labels * ops.log_softmax(logits, axis=-1), axis=-1)
    return ops.sparse_categorical_crossentropy(
        ops.cast(ops.reshape(labels, (-1,)), "int32"), logits, from_logits=True
    )


@keras.saving.register_keras_serializable("keras_artkd")
class SmoothedCrossEntropy(keras.losses.Loss):
    """`cross_entropy` of labels of which a share is spread over all classes.

    The share is one of each row's sum, so that this is linear in the row, too.

    Args:
        label_smoothing: float in [0, 1), the share.
        reduction: as `keras.losses.Loss` has it.
        name: str.

    Reference: Szegedy et al., 2015, https://arxiv.org/abs/1512.00567,
    section 7.
    """

    def __init__(
        self,
        label_smoothing: float = 0.1,
        reduction: str = "sum_over_batch_size",
        name: str = "smoothed_cross_entropy",
    ) -> None:
        super().__init__(name=name, reduction=reduction)
        self.label_smoothing = label_smoothing

    def call(self, labels: Tensor, logits: Tensor) -> Tensor:
        """Returns `(batch,)`, nats per example."""
        classes = logits.shape[-1]
        sharp = class_probabilities(labels, classes)
        share = self.label_smoothing
        spread = share / classes * ops.sum(sharp, axis=-1, keepdims=True)
        return cross_entropy((1 - share) * sharp + spread, logits)

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        return {
            "label_smoothing": self.label_smoothing,
            "reduction": self.reduction,
            "name": self.name,
        }


@keras.saving.register_keras_serializable("keras_artkd")
def label_accuracy(labels: Tensor, logits: Tensor) -> Tensor:
    """Whether the likeliest class is the label's, in either form.

    A metric for `compile`, which averages it. It is saved with the model.

    Args:
        labels: integers, `(batch,)` or `(batch, 1)`, or probabilities,
            `(batch, classes)`, whose likeliest class counts; a row of zeros
            has none.
        logits: `(batch, classes)`, not normalised.

    Returns:
        `(batch,)`, float32, 1 or 0 per example. Of equal values the first
        counts as the likeliest.

    Raises:
        ValueError: for labels of any other shape.
    """
    logits = ops.convert_to_tensor(logits)
    _are_probabilities(ops.convert_to_tensor(labels), logits.shape[-1])
    predicted = ops.cast(ops.argmax(logits, axis=-1), "int32")
    return ops.cast(ops.equal(predicted, class_indices(labels)), "float32")


def class_probabilities(labels: Tensor, num_classes: int) -> Tensor:
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
    if _are_probabilities(labels, num_classes):
        return ops.cast(labels, "float32")
    labels = ops.cast(ops.reshape(labels, (-1,)), "int32")
    return ops.one_hot(labels, num_classes, dtype="float32")


def without_rotations(
    labels: Tensor, num_classes: int, rotations: int
) -> Tensor:
    """Labels of the classes, from probabilities of classes and rotations.

    Args:
        labels: of either form; probabilities `(batch, num_classes *
            rotations)`, as `keras_artkd.data.augment.joint_labels` gives
            them, are summed over the rotations.
        num_classes: int.
        rotations: int.

    Returns:
        `(batch, num_classes)`; any other labels unchanged.
    """
    labels = ops.convert_to_tensor(labels)
    if rotations == 1 or labels.shape[1:] != (num_classes * rotations,):
        return labels
    joint = ops.reshape(labels, (-1, num_classes, rotations))
    return ops.sum(joint, axis=-1)


def class_indices(labels: Tensor) -> Tensor:
    """Labels as integers, `(batch,)`; for probabilities, the likeliest.

    Of a row of zeros, an image without a label, it is -1.
    """
    labels = ops.convert_to_tensor(labels)
    if len(labels.shape) == 2 and labels.shape[1] != 1:
        likeliest = ops.cast(ops.argmax(labels, axis=-1), "int32")
        return ops.where(ops.any(labels != 0, axis=-1), likeliest, -1)
    return ops.cast(ops.reshape(labels, (-1,)), "int32")


def has_label(labels: Tensor) -> Tensor | None:
    """Whether each image has a label, bool `(batch,)`.

    Args:
        labels: of either form.

    Returns:
        None where labels are class numbers: then every image has one.
    """
    labels = ops.convert_to_tensor(labels)
    if len(labels.shape) == 2 and labels.shape[1] != 1:
        return ops.any(labels != 0, axis=-1)
    return None


def _are_probabilities(labels: Tensor, num_classes: int) -> bool:
    """Whether labels are probabilities; ValueError if they are neither."""
    columns = tuple(labels.shape[1:])
    if columns == (num_classes,) and num_classes > 1:
        return True
    if columns not in ((), (1,)):
        raise ValueError(
            "Labels must be integers, (batch,), or probabilities, (batch, "
            f"{num_classes}). Received: shape {tuple(labels.shape)}. Fix, if "
            "they are of rotated images: a network of so many classes, in "
            "keras_artkd.models.with_rotations."
        )
    return False
