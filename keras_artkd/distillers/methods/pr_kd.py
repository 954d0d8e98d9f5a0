"""Knowledge distillation of reconstructed logits."""

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.distillers.methods.kd import SPACE
from keras_artkd.distillers.validation import check_share
from keras_artkd.losses import PerceptionKD


@method(space=SPACE)
def pr_kd(
    student: keras.Model,
    expert_teacher: keras.Model,
    temperature: float = 4.0,
    alpha: float = 0.9,
    epsilon: float = 1e-5,
    synchronized: bool = False,
    name: str = "pr_kd",
) -> Distiller:
    """`kd` of logits that are standardised over the batch first.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        temperature: float > 0, T.
        alpha: float in [0, 1], share of the soft targets.
        epsilon: see `keras_artkd.losses.perception`.
        synchronized: see `keras_artkd.losses.perception`.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: paper 001, eqs 5 and 6 and table 2, whose weights are those of
    KD.
    """
    check_share(alpha)
    return taught_by_expert(
        student,
        expert_teacher,
        PerceptionKD(temperature, epsilon, bool(synchronized)),
        alpha,
        name,
        supervised_weight=1.0 - alpha,
    )
