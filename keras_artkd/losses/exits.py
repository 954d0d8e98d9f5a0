"""What losses between the exits of one network share."""

from keras import ops


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
