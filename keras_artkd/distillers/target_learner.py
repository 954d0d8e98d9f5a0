"""The distiller of the methods that learn pseudo-labels.

Pseudo-labels are data: the expert labels images before the training (see
`keras_artkd.runs.pseudo_labels`), and the student's training is plain
supervised learning of these targets. Therefore most of these distillers have
no term of their own. They keep the expert, to evaluate it beside the student;
it does not run in a step. They reject class numbers, which would be the true
labels and nothing of the expert.
"""

from typing import Any

import keras

from keras_artkd.catalogue.spaces import Float, Space
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.losses.base import TransferLoss
from keras_artkd.losses.pseudo_targets import check_pseudo_labels

THRESHOLD_SPACE: Space = {"threshold": Float(0.0, 0.95)}
SOFT_SPACE = THRESHOLD_SPACE | {"temperature": Float(0.5, 8.0, sampling="log")}


def target_learner(
    student: keras.Model,
    expert_teacher: keras.Model,
    threshold: float,
    name: str,
    loss: TransferLoss | None = None,
    **options: Any,
) -> Distiller:
    """The distiller of a student that learns targets.

    Args:
        student: the network to train.
        expert_teacher: a trained network, which has labelled the images.
        threshold: float in [0, 1], see `pseudo_hard`.
        name: of the distiller.
        loss: by which the expert teaches beside the targets, with the option
            `weight`; None where the targets are all.
        **options: of the targets, see `keras_artkd.losses.pseudo_targets`.

    Returns:
        An uncompiled `Distiller` for batches of targets.

    Raises:
        ValueError: if an option is out of its range.
    """
    check_pseudo_labels(**options)
    if not 0 <= threshold <= 1:
        raise ValueError(
            "`threshold` must lie in [0, 1], as confidences do. "
            f"Received: threshold={threshold!r}."
        )
    return Distiller(
        student,
        teachers={"expert": expert_teacher},
        transfer_losses=[loss] if loss else [],
        transfer_weights=[options["weight"]] if loss else [],
        soft_labels=True,
        name=name,
    )
