"""Learning from images that the expert has labelled, and from its softmax.

Pseudo-labels are data: the expert labels images before the training, see
`keras_artkd.pseudo_labels`, and the student's is plain supervised learning of
what that gives. So the distillers here have no term of their own. They keep
the expert, to be evaluated beside the student; it does not run in a step.
They refuse class numbers, which would be the true labels and nothing of the
expert.
"""

from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.spaces import Float
from keras_artkd.losses.pseudo_labels import check_pseudo_labels

_THRESHOLD = {"threshold": Float(0.0, 0.95)}
_TEMPERATURE = {"temperature": Float(0.5, 8.0, sampling="log")}
PSEUDO_HARD_SPACE = _THRESHOLD
PSEUDO_SOFT_SPACE = _THRESHOLD | _TEMPERATURE
EQUATION_SPACE = PSEUDO_SOFT_SPACE | {
    "weight": Float(0.1, 10.0, sampling="log")
}
MIXED_SPACE = PSEUDO_SOFT_SPACE | {"share": Float(0.0, 1.0)}


def pseudo_hard(student, expert_teacher, threshold=0.0, name="pseudo_hard"):
    """Labels where there are any, else the expert's likeliest class.

    Args:
        student: the network to train.
        expert_teacher: a trained network, which has labelled the images.
        threshold: float in [0, 1]: images of which the expert is less sure
            are not learned from.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller` for batches of targets.

    Reference: tutorial 004, section 3.2; Lee, "Pseudo-Label", 2013.
    """
    return _learner(student, expert_teacher, threshold, name)


def pseudo_soft(
    student,
    expert_teacher,
    threshold=0.0,
    temperature=1.0,
    name="pseudo_soft",
):
    """Labels where there are any, else the expert's softmax.

    Args:
        student: the network to train.
        expert_teacher: a trained network, which has labelled the images.
        threshold: see `pseudo_hard`.
        temperature: float > 0, of the expert's softmax.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller` for batches of targets.

    Reference: tutorial 004, section 3.2.
    """
    return _learner(
        student, expert_teacher, threshold, name, temperature=temperature
    )


def equation(
    student,
    expert_teacher,
    threshold=0.0,
    temperature=1.0,
    weight=1.0,
    name="equation",
):
    """`L(y, S) + weight H(softmax(expert / T), softmax(S))`.

    Images without a label have the second term alone.

    Args:
        student: the network to train.
        expert_teacher: a trained network, which has labelled the images.
        threshold: see `pseudo_hard`.
        temperature: float > 0, T.
        weight: float > 0, lambda, which the tutorial leaves open.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller` for batches of targets.

    Reference: tutorial 004, section 3.3, its first term repaired.
    """
    return _learner(
        student,
        expert_teacher,
        threshold,
        name,
        temperature=temperature,
        weight=weight,
    )


def mixed(
    student,
    expert_teacher,
    threshold=0.0,
    temperature=1.0,
    share=0.5,
    name="mixed",
):
    """`L(share y + (1 - share) softmax(expert / T), S)`.

    Images without a label have the expert's softmax alone.

    Args:
        student: the network to train.
        expert_teacher: a trained network, which has labelled the images.
        threshold: see `pseudo_hard`.
        temperature: float > 0, T.
        share: float in [0, 1], mu, of the label.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller` for batches of targets.

    Reference: tutorial 004, section 2, "mix training", read as a mixture of
    label and teacher.
    """
    return _learner(
        student,
        expert_teacher,
        threshold,
        name,
        temperature=temperature,
        share=share,
    )


def _learner(student, expert_teacher, threshold, name, **options):
    check_pseudo_labels(**options)
    if not 0 <= threshold <= 1:
        raise ValueError(
            "`threshold` must lie in [0, 1], as confidences do. "
            f"Received: threshold={threshold!r}."
        )
    return Distiller(
        student,
        teachers={"expert": expert_teacher},
        soft_labels=True,
        name=name,
    )
