"""Perception reconstruction (PR): logits relative to the rest of the batch."""

from typing import Any

import keras
from keras import ops

from keras_artkd.losses.base import PreparedLogits
from keras_artkd.losses.decoupled_kd import DecoupledKD
from keras_artkd.losses.kd import KD
from keras_artkd.losses.ops import sum_over_replicas
from keras_artkd.types import Tensor


def perception(
    logits: Tensor, epsilon: float = 1e-5, synchronized: bool = False
) -> Tensor:
    """Logits standardised over the batch, each class by itself.

    `(z - mean(z)) / sqrt(var(z) + epsilon)` with the population variance: a
    batch normalisation without its affine map and running statistics. A
    gradient passes through the statistics. For a batch of one example the
    result is zero; for two it is close to 1 and -1.

    Args:
        logits: `(batch, classes)`, not normalised.
        epsilon: float > 0.
        synchronized: whether the statistics are those of all replicas of a
            `tf.distribute` strategy, instead of each replica's own. On other
            backends they are always those of the whole batch.

    Returns:
        `(batch, classes)`, float32.

    Reference: paper 001, eqs 5 and 6; the same map in Hossain et al.,
    "LumiNet: Perception-Driven Knowledge Distillation via Statistical Logit
    Calibration", 2023, https://arxiv.org/abs/2310.03669.
    """
    check_epsilon(epsilon)
    logits = ops.cast(logits, "float32")

    def add_up(total: Tensor) -> Tensor:
        return sum_over_replicas(total) if synchronized else total

    def mean(values: Tensor) -> Tensor:
        return add_up(ops.sum(values, axis=0, keepdims=True)) / count

    count = add_up(ops.cast(ops.shape(logits)[0], "float32"))

    centred = logits - mean(logits)
    return centred * ops.rsqrt(mean(ops.square(centred)) + epsilon)


class _Reconstructed(PreparedLogits):
    """Puts `perception` before the loss on logits that it is mixed into."""

    def __init__(
        self, epsilon: float, synchronized: bool, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        check_epsilon(epsilon)
        self.epsilon = epsilon
        self.synchronized = synchronized

    def prepare(self, logits: Tensor) -> Tensor:
        """`perception` of the logits."""
        return perception(logits, self.epsilon, self.synchronized)

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "synchronized": self.synchronized,
        }


@keras.saving.register_keras_serializable("keras_artkd")
class PerceptionKD(_Reconstructed, KD):
    """`kd` of logits after `perception`: PR-KD.

    Args:
        temperature: float > 0. Defaults to 4.0.
        epsilon: see `perception`.
        synchronized: see `perception`.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self,
        temperature: float = 4.0,
        epsilon: float = 1e-5,
        synchronized: bool = False,
        teacher: str = "expert",
        **kwargs: Any,
    ) -> None:
        super().__init__(epsilon, synchronized, temperature, teacher, **kwargs)


@keras.saving.register_keras_serializable("keras_artkd")
class PerceptionDecoupledKD(_Reconstructed, DecoupledKD):
    """`decoupled_kd` of logits after `perception`: PR-DKD.

    Args:
        temperature: float > 0. Defaults to 4.0.
        alpha: float, weight of the target class's part.
        beta: float, weight of the other classes' part.
        epsilon: see `perception`.
        synchronized: see `perception`.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self,
        temperature: float = 4.0,
        alpha: float = 1.0,
        beta: float = 8.0,
        epsilon: float = 1e-5,
        synchronized: bool = False,
        teacher: str = "expert",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            epsilon, synchronized, temperature, alpha, beta, teacher, **kwargs
        )


def check_epsilon(epsilon: float) -> None:
    """Raises ValueError unless the variance's addend is positive."""
    if not epsilon > 0:
        raise ValueError(
            "`epsilon` must be positive (a class's logits may be constant). "
            f"Received: epsilon={epsilon!r}."
        )
