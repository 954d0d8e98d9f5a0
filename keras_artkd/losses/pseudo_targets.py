"""Targets for images that a teacher has labelled."""

from keras import ops

from keras_artkd.losses.labels import class_probabilities
from keras_artkd.losses.ops import (
    check_choice,
    check_temperature,
    log_probabilities,
)
from keras_artkd.types import Tensor

PSEUDO_LABELS = (
    "pseudo_hard",
    "pseudo_soft",
    "equation",
    "mixed",
    "unlabelled",
)


def pseudo_targets(
    labels: Tensor,
    teacher_logits: Tensor,
    kind: str = "pseudo_soft",
    temperature: float = 1.0,
    weight: float = 1.0,
    share: float = 0.5,
) -> Tensor:
    """Targets that `cross_entropy` takes instead of labels.

    With `p = softmax(teacher / T)` and y the label as a vector:

    | kind | an image with a label | one without |
    | --- | --- | --- |
    | `"pseudo_hard"` | y | the likeliest class of p, as a vector |
    | `"pseudo_soft"` | y | p |
    | `"equation"` | y + weight p | weight p |
    | `"mixed"` | share y + (1 - share) p | p |
    | `"unlabelled"` | y | 0: no label, and a cross-entropy of 0 |

    Cross-entropy is linear in its target. With y + weight p it is `CE(y, S) +
    weight H(p, S)`: the tutorial's equation, whose first term the tutorial
    prints as `L(teacher, y)`, a constant for the student. The rows of
    `"equation"` sum to 1 + weight, or weight, on purpose; all others to 1, but
    for those of `"unlabelled"`, whose method learns the expert's answers
    besides.

    Args:
        labels: integers, `(batch,)`, -1 for no label.
        teacher_logits: `(batch, classes)`, not normalised.
        kind: one of `PSEUDO_LABELS`.
        temperature: float > 0, T. It does not change `"pseudo_hard"`. The
            tutorial requires a small one, which makes p nearly hard. Hinton's
            is above 1: it softens p, and the student as much. Here the
            student answers at 1, hence the default.
        weight: float > 0, lambda of `"equation"`.
        share: float in [0, 1], mu of `"mixed"`, of the label.

    Returns:
        `(batch, classes)`, float32.

    Raises:
        ValueError: for an unknown kind or a number out of its range.

    Reference: tutorial 004, sections 2 and 3.3; `docs/tutorial_004.md` lists
    its contradictions and the readings chosen.
    """
    check_pseudo_labels(kind, temperature, weight, share)
    classes = teacher_logits.shape[-1]
    labels = ops.cast(ops.convert_to_tensor(labels), "int32")
    has_label = ops.expand_dims(labels >= 0, -1)
    own = class_probabilities(ops.maximum(labels, 0), classes)
    if kind == "unlabelled":
        predicted = ops.zeros_like(own)
    elif kind == "pseudo_hard":
        likeliest = ops.argmax(teacher_logits, axis=-1)
        predicted = ops.one_hot(likeliest, classes, dtype="float32")
    else:
        predicted = ops.exp(log_probabilities(teacher_logits, temperature))
    if kind == "equation":
        predicted = weight * predicted
        own = own + predicted
    elif kind == "mixed":
        own = share * own + (1.0 - share) * predicted
    return ops.where(has_label, own, predicted)


def check_pseudo_labels(
    kind: str = "pseudo_soft",
    temperature: float = 1.0,
    weight: float = 1.0,
    share: float = 0.5,
) -> None:
    """Raises ValueError for options that `pseudo_targets` rejects."""
    check_choice("kind", kind, PSEUDO_LABELS)
    check_temperature(temperature)
    if not weight > 0:
        raise ValueError(
            "`weight` must be positive: images without a label would count "
            f"for nothing. Received: weight={weight!r}."
        )
    if not 0 <= share <= 1:
        raise ValueError(
            "`share` must lie in [0, 1]: the teacher has the other share. "
            f"Received: share={share!r}."
        )
