"""What a student learns of images that a teacher has labelled."""

from keras import ops

from keras_artkd.losses.labels import class_probabilities
from keras_artkd.losses.temperature_loss import (
    check_temperature,
    log_probabilities,
)

PSEUDO_LABELS = ("pseudo_hard", "pseudo_soft", "equation", "mixed")


def pseudo_targets(
    labels,
    teacher_logits,
    kind="pseudo_soft",
    temperature=1.0,
    weight=1.0,
    share=0.5,
):
    """What takes the place of labels, for `cross_entropy` with it.

    With `p = softmax(teacher / T)` and y the label as a vector,

    | kind | an image with a label | one without |
    | --- | --- | --- |
    | `"pseudo_hard"` | y | the likeliest class of p, as a vector |
    | `"pseudo_soft"` | y | p |
    | `"equation"` | y + weight p | weight p |
    | `"mixed"` | share y + (1 - share) p | p |

    Cross-entropy is linear in its target: with y + weight p it is `CE(y, S) +
    weight H(p, S)`, the tutorial's equation, whose first term it prints as
    `L(teacher, y)`, a constant for the student. The rows of `"equation"` sum
    to 1 + weight, or weight, on purpose; all others to 1.

    Args:
        labels: integers, `(batch,)`, -1 for no label.
        teacher_logits: `(batch, classes)`, not normalised.
        kind: one of `PSEUDO_LABELS`.
        temperature: float > 0, T. Not for `"pseudo_hard"`, which it does not
            change. The tutorial wants a small one, which makes p nearly hard;
            Hinton's softens it, above 1, and the student by as much. Here the
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
    if kind == "pseudo_hard":
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
    kind="pseudo_soft", temperature=1.0, weight=1.0, share=0.5
):
    """Raises ValueError for what `pseudo_targets` does not take."""
    if kind not in PSEUDO_LABELS:
        raise ValueError(
            f"`kind` must be one of {', '.join(PSEUDO_LABELS)}. "
            f"Received: kind={kind!r}."
        )
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
