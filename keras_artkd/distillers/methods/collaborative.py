"""Collaborative teaching: the method of thesis 000."""

from typing import Any

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Choice, Float, Space
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.endpoint_pairs import group_pairs
from keras_artkd.losses import KD, AttentionTransfer, LogitsL2
from keras_artkd.losses.base import TemperatureLoss
from keras_artkd.losses.ops import check_choice

L2_TEACHERS = ("expert", "initial")

# Around the thesis's grids: temperature 1 to 8, alpha 0.5 to 2.5 and beta 0
# to 0.4 (table 4.4), the last for the default norm of the attention maps.
SPACE: Space = {
    "temperature": Float(1.0, 16.0, sampling="log"),
    "alpha": Float(0.0, 3.0),
    "beta": Float(0.0, 0.5),
    "l2_teacher": Choice(L2_TEACHERS),
}


@method(name="collaborative", space=SPACE, head="awgram")
@keras.saving.register_keras_serializable("keras_artkd")
class CollaborativeTeaching(Distiller):
    """A co-trained initial teacher and a frozen expert teach together.

        L(y, S) + L(y, T1) + T^2 KL(T1 || S) + alpha L2 + beta AT(T2, S)

    The initial teacher T1 starts from random weights beside the student S. S
    follows its path through the softened predictions. The expert T2, trained
    before, guides the student's attention and logits. T1 learns from the
    labels alone. With an AWGram head on the student, this is the thesis's
    method.

    Args:
        student: the network to train; see `Distiller`.
        initial_teacher: T1, random weights, trained along.
        expert_teacher: T2, trained; is frozen.
        temperature: float > 0, T of the divergence.
        alpha: float, weight of the L2 distance of logits.
        beta: float, weight of attention transfer (un-squared, eq 3.14).
        l2_teacher: whose logits the L2 term reads: `"expert"` (default, eqs
            3.12 and 3.15) or `"initial"` (the thesis's text).
        l2_reduction: over the classes, see `keras_artkd.losses.logits_l2`.
        attention_mapping: see `keras_artkd.losses.attention_map`.
        attention_norm: see `keras_artkd.losses.attention_transfer`.
        detach_initial: whether the soft term gives T1 no gradient.
        name: of the distiller.

    Reference: thesis 000, eqs 3.10-3.15; `docs/thesis_000.md` lists its
    contradictions and the readings chosen.
    """

    # By which the student follows the initial teacher's predictions.
    soft_target_loss: type[TemperatureLoss] = KD

    def __init__(
        self,
        student: keras.Model,
        initial_teacher: keras.Model,
        expert_teacher: keras.Model,
        temperature: float = 4.0,
        alpha: float = 1.5,
        beta: float = 0.2,
        l2_teacher: str = "expert",
        l2_reduction: str = "mean",
        attention_mapping: str = "sum2",
        attention_norm: str = "l2",
        detach_initial: bool = True,
        name: str | None = None,
    ) -> None:
        check_choice("l2_teacher", l2_teacher, L2_TEACHERS)
        super().__init__(
            student,
            teachers={"expert": expert_teacher},
            co_trained={"initial": initial_teacher},
            transfer_losses=[
                self.soft_target_loss(
                    temperature,
                    teacher="initial",
                    detach_teacher=bool(detach_initial),
                ),
                LogitsL2(l2_reduction, teacher=l2_teacher),
                AttentionTransfer(
                    pairs=group_pairs(expert_teacher, student),
                    mapping=attention_mapping,
                    norm=attention_norm,
                ),
            ],
            transfer_weights=[1.0, alpha, beta],
            name=name,
        )
        self.temperature = temperature
        self.alpha = alpha
        self.beta = beta
        self.l2_teacher = l2_teacher
        self.l2_reduction = l2_reduction
        self.attention_mapping = attention_mapping
        self.attention_norm = attention_norm
        self.detach_initial = bool(detach_initial)

    @property
    def initial_teacher(self) -> keras.Model:
        """T1."""
        return self.co_trained["initial"]

    @property
    def expert_teacher(self) -> keras.Model:
        """T2."""
        return self.teachers["expert"]

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        config = {
            "student": self.student,
            "initial_teacher": self.initial_teacher,
            "expert_teacher": self.expert_teacher,
        }
        return {
            **keras.saving.serialize_keras_object(config),
            "temperature": self.temperature,
            "alpha": self.alpha,
            "beta": self.beta,
            "l2_teacher": self.l2_teacher,
            "l2_reduction": self.l2_reduction,
            "attention_mapping": self.attention_mapping,
            "attention_norm": self.attention_norm,
            "detach_initial": self.detach_initial,
            "name": self.name,
        }
