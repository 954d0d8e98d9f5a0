"""What losses between the exits of one network share."""

from keras import ops

from keras_artkd.losses.labels import class_probabilities
from keras_artkd.losses.temperature_loss import log_probabilities


def read_exits(endpoints, kind):
    """The endpoints `exit<i>_<kind>`, from the shallowest to the deepest.

    Args:
        endpoints: dict of a network made by `keras_artkd.models.with_exits`.
        kind: `"logits"`, `"features"` or `"projection"`.
    """
    found = []
    while (name := f"exit{len(found) + 1}_{kind}") in endpoints:
        found.append(endpoints[name])
    return found


def cross_entropy(labels, logits):
    """Cross-entropy of labels.

    Args:
        labels: `(batch,)` integers, or `(batch, classes)` probabilities.
        logits: `(batch, classes)`, not normalised.

    Returns:
        `(batch,)`, float32, nats per example.
    """
    log_probability = log_probabilities(logits, 1.0)
    labels = class_probabilities(labels, log_probability.shape[-1])
    return -ops.sum(labels * log_probability, axis=-1)


def shallow_and_target(tensors):
    """The shallow exits' tensors and the deepest's, as float32.

    No gradient passes to the deepest, the teacher.
    """
    *shallow, deepest = (ops.cast(tensor, "float32") for tensor in tensors)
    return shallow, ops.stop_gradient(deepest)


def check_exits(exit_logits, exit_features):
    """Raises ValueError unless both have every exit, two at least."""
    if len(exit_logits) != len(exit_features) or len(exit_logits) < 2:
        raise ValueError(
            "`exit_logits` and `exit_features` must have a tensor for each "
            "exit, from the shallowest to the deepest, two at least. "
            f"Received: {len(exit_logits)} and {len(exit_features)}."
        )
