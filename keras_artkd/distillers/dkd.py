"""Decoupled distillation, of logits and of reconstructed logits."""

from keras_artkd.distillers.expert import taught_by_expert
from keras_artkd.distillers.schedules import LinearWarmup
from keras_artkd.distillers.spaces import Float
from keras_artkd.losses import DecoupledKD, PerceptionDecoupledKD

DKD_SPACE = {
    "temperature": Float(1.0, 16.0, sampling="log"),
    "alpha": Float(0.0, 4.0),
    "beta": Float(0.5, 16.0, sampling="log"),
}


def dkd(
    student,
    expert_teacher,
    temperature=4.0,
    alpha=1.0,
    beta=8.0,
    warmup=20.0,
    name="dkd",
):
    """`L(y, S) + min(epoch / warmup, 1) T^2 (alpha TCKD + beta NCKD)`.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        temperature: float > 0, T.
        alpha: float, weight of the target class's part.
        beta: float, weight of the other classes' part; the authors choose it
            for each pair of networks, 2 to 8.
        warmup: float > 0, epochs in which the weight grows to its full value;
            meant for 240 (recipes shorten it with a shorter training).
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: Zhao et al., 2022, https://arxiv.org/abs/2203.08679, settings of
    mdistiller, the authors' code.
    """
    loss = DecoupledKD(temperature, alpha, beta)
    return taught_by_expert(
        student, expert_teacher, loss, LinearWarmup(1.0, warmup), name
    )


def pr_dkd(
    student,
    expert_teacher,
    temperature=4.0,
    alpha=1.0,
    beta=8.0,
    warmup=20.0,
    epsilon=1e-5,
    synchronized=False,
    name="pr_dkd",
):
    """`dkd` of logits that are standardised over the batch first.

    Args:
        student: the network to train.
        expert_teacher: a trained network; is frozen.
        temperature: float > 0, T.
        alpha: float, weight of the target class's part.
        beta: float, weight of the other classes' part.
        warmup: see `dkd`, whose warm-up and temperature are kept: the paper
            gives neither.
        epsilon: see `keras_artkd.losses.perception`.
        synchronized: see `keras_artkd.losses.perception`.
        name: of the distiller.

    Returns:
        An uncompiled `Distiller`.

    Reference: paper 001, eqs 5 to 13, alpha and beta of section 3.
    """
    loss = PerceptionDecoupledKD(
        temperature, alpha, beta, epsilon, bool(synchronized)
    )
    return taught_by_expert(
        student, expert_teacher, loss, LinearWarmup(1.0, warmup), name
    )
