"""The phases of a training in stages: their epochs and learning rates."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_artkd.types import Tensor

BLOCK, HEAD, MUTUAL = "block", "head", "mutual"

# Epochs of each kind of phase in a stage of the whole length: 3 blocks, the
# head and the mutual phase are 50, four stages 200.
SHARES = {BLOCK: 5, HEAD: 5, MUTUAL: 30}

# From the third stage on, a stage's first learning rate is the previous
# stage's times this.
STAGE_FACTOR = 0.2


@dataclasses.dataclass(frozen=True)
class Phase:
    """Some epochs in which the same part of the student is trained.

    Attributes:
        stage: int, counted from 1.
        kind: `"block"`, `"head"` or `"mutual"`.
        block: int, which block is trained, counted from 1; 0 for other kinds.
        begin: int, its first epoch, counted from 0.
        epochs: int, how many.
    """

    stage: int
    kind: str
    block: int
    begin: int
    epochs: int

    @property
    def rate_factor(self) -> float:
        """The part of the first learning rate with which the phase begins."""
        return float(STAGE_FACTOR ** max(self.stage - 2, 0))

    def __str__(self) -> str:
        what = f"block {self.block}" if self.kind == BLOCK else self.kind
        return f"stage {self.stage}, {what}"


def plan_phases(
    epochs: int, stages: int, blocks: int, mutual: bool = True
) -> list[Phase]:
    """Lays the phases of every stage over the epochs of a training.

    A stage has its blocks one after another, then the head, then the mutual
    phase. Their epochs are in the proportion 5 : 5 : 30 as far as whole
    numbers allow; each has at least one.

    Args:
        epochs: int, of the whole training.
        stages: int >= 1.
        blocks: int >= 1.
        mutual: whether a mutual phase closes each stage.

    Returns:
        list of `Phase`, in order.

    Raises:
        ValueError: if there are more phases than epochs.
    """
    kinds = [(BLOCK, block + 1) for block in range(blocks)] + [(HEAD, 0)]
    if mutual:
        kinds.append((MUTUAL, 0))
    if epochs < stages * len(kinds):
        raise ValueError(
            f"{stages} stages of {len(kinds)} phases need at least "
            f"{stages * len(kinds)} epochs. Received: epochs={epochs}. Fix: "
            "more epochs, or fewer stages."
        )
    shares = [SHARES[kind] for _ in range(stages) for kind, _ in kinds]
    lengths = _apportion(epochs, shares)
    phases, begin = [], 0
    for i, length in enumerate(lengths):
        stage, step = divmod(i, len(kinds))
        phases.append(Phase(stage + 1, *kinds[step], begin, length))
        begin += length
    return phases


def _apportion(total: int, shares: Sequence[int]) -> list[int]:
    """Whole numbers that add up to `total`, near to shares, none zero."""
    ideal = [total * share / sum(shares) for share in shares]
    numbers = [1] * len(shares)
    for _ in range(total - len(shares)):
        lacks = [i - n for i, n in zip(ideal, numbers, strict=True)]
        numbers[lacks.index(max(lacks))] += 1
    return numbers


@keras.saving.register_keras_serializable("keras_artkd")
class PhaseCosine(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that falls to zero in every phase, as a cosine.

    `rate_i (1 + cos(pi t / length_i)) / 2`, t the step within phase i.

    Args:
        rates: list of float, with which each phase begins.
        lengths: list of int > 0, steps of each phase; after the last the
            rate is zero.
    """

    def __init__(self, rates: Sequence[float], lengths: Sequence[int]) -> None:
        super().__init__()
        self.rates = [float(rate) for rate in rates]
        self.lengths = [int(length) for length in lengths]

    def __call__(self, step: Tensor) -> Tensor:
        """The rate of a step, counted from 0; a scalar tensor."""
        step = ops.cast(step, "float32")
        rate = ops.zeros((), "float32")
        begin = 0
        for first, length in zip(self.rates, self.lengths, strict=True):
            passed = (step - begin) / length
            cosine = first * (1.0 + ops.cos(math.pi * passed)) / 2.0
            within = ops.logical_and(passed >= 0.0, passed < 1.0)
            rate = ops.where(within, cosine, rate)
            begin += length
        return rate

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {"rates": list(self.rates), "lengths": list(self.lengths)}
