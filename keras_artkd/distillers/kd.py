"""Knowledge distillation, of logits and of reconstructed logits."""

from keras_artkd.distillers.checks import check_share
from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.distillers.spaces import Float
from keras_artkd.losses import KD, PerceptionKD

KD_SPACE = {
    "temperature": Float(1.0, 16.0, sampling="log"),
    "alpha": Float(0.1, 1.0),
}


def kd(student, expert_teacher, temperature=4.0, alpha=0.9, name="kd"):
    """`(1 - alpha) L(y, S) + alpha T^2 KL(expert || S)`.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        temperature: float > 0, T.
        alpha: float in [0, 1], share of the soft targets. 0.9 is the value
            of mdistiller and RepDistiller; thesis 000, eq 2.6, leaves it
            open.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Hinton, Vinyals, Dean, 2015, https://arxiv.org/abs/1503.02531.
    """
    check_share(alpha)
    return taught_by_expert(
        student,
        expert_teacher,
        KD(temperature),
        alpha,
        name,
        supervised_weight=1.0 - alpha,
    )


def pr_kd(
    student,
    expert_teacher,
    temperature=4.0,
    alpha=0.9,
    epsilon=1e-5,
    synchronized=False,
    name="pr_kd",
):
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
