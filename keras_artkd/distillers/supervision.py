"""The supervised loss and metrics, of labels in either form."""

from typing import Any

import keras
from keras import ops

from keras_artkd.losses import label_accuracy
from keras_artkd.losses.labels import has_label, without_rotations
from keras_artkd.models import without_exits
from keras_artkd.types import Tensor


@keras.saving.register_keras_serializable("keras_artkd")
class LabelAccuracy(keras.metrics.MeanMetricWrapper):
    """Accuracy by labels in either form, in place of Keras's own.

    Images without a label, whose probabilities are zeros, do not count.

    Args:
        name: str, what `compile` was given: `"accuracy"` or `"acc"`.
        dtype: as of any metric.
    """

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(label_accuracy, name=name, dtype=dtype)
        # By this Keras's callbacks know that more is better.
        self._direction = "up"

    def update_state(
        self,
        y_true: Tensor,
        y_pred: Tensor,
        sample_weight: Tensor | None = None,
    ) -> None:
        """Adds a batch."""
        known = has_label(y_true)
        if known is not None:
            known = ops.cast(known, "float32")
            sample_weight = known * (
                1 if sample_weight is None else sample_weight
            )
        super().update_state(y_true, y_pred, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {"name": self.name, "dtype": self.dtype}


def loss_values(loss: Any, labels: Tensor, logits: Tensor) -> Tensor:
    """The values of a supervised loss, one per example.

    `Loss.__call__` would reduce them, and divide by the replicas.
    """
    function = loss.call if isinstance(loss, keras.losses.Loss) else loss
    return function(labels, logits)


def metrics_of_labels(metrics: Any) -> Any:
    """Metrics as `compile` takes them, whose accuracy takes either form.

    Keras would choose by the first labels it sees, those of training.
    """

    def own(metric: Any) -> Any:
        if metric in ("accuracy", "acc"):
            return LabelAccuracy(metric)
        return metric

    return keras.tree.map_structure(own, metrics)


def evaluation_labels(
    labels: Tensor, logits: Tensor, student: keras.Model
) -> Tensor:
    """Labels of the classes that a student answers in evaluation.

    Keras also takes the shapes of metrics from a batch of the training, whose
    probabilities can be those of classes in rotations.
    """
    rotations = getattr(without_exits(student), "rotations", 1)
    return without_rotations(labels, logits.shape[-1], rotations)


def check_from_logits(loss: Any) -> None:
    """Raises ValueError for losses that would read logits as probabilities."""
    if isinstance(loss, str) and "crossentropy" in loss.replace("_", ""):
        from_logits = False
    elif isinstance(loss, keras.losses.Loss):
        from_logits = loss.get_config().get("from_logits", True)
    else:
        from_logits = True
    if not from_logits:
        raise ValueError(
            "The supervised loss must take logits, which is what networks "
            f"here give. Received: loss={loss!r}. Fix: "
            "keras.losses.SparseCategoricalCrossentropy(from_logits=True)."
        )


def check_soft_labels(labels: Tensor) -> None:
    """Raises ValueError for class numbers in place of pseudo-labels."""
    if len(labels.shape) != 2 or labels.shape[1] == 1:
        raise ValueError(
            "A student of pseudo-labels must be given targets, (batch, "
            "classes): class numbers would be the true labels, and nothing of "
            f"the expert. Received: labels of shape {tuple(labels.shape)}. "
            "Fix: batches of what "
            "keras_artkd.runs.pseudo_labels.learn_from makes."
        )
