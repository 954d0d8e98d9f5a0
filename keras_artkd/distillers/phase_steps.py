"""The training step of each kind of phase, of a training in stages."""

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import keras
from keras import ops

from keras_artkd.distillers.adversaries import DISCRIMINATOR
from keras_artkd.distillers.objective import regularization
from keras_artkd.distillers.phases import BLOCK, HEAD, MUTUAL
from keras_artkd.distillers.roles import STUDENT, RoleNetwork
from keras_artkd.distillers.staged_networks import (
    PARTNER,
    TAUGHT,
    StagedNetworks,
    call_head,
)
from keras_artkd.losses import kd
from keras_artkd.losses.base import Endpoints
from keras_artkd.losses.relative_error import relative_error
from keras_artkd.models.endpoints import LOGITS
from keras_artkd.types import Tensor

Terms: TypeAlias = dict[str, Tensor]
"""Unweighted terms of the objective, scalars by name."""

Passes: TypeAlias = list[tuple[keras.Model, int]]
"""Networks, and how many forward passes' arithmetic a step spends on each."""

# Forward and backward; backward to the input alone; forward alone.
TRAINED, PASSED, FROZEN = 3, 2, 1

Average: TypeAlias = Callable[[Tensor], Tensor]
"""The mean over a batch: of values per example, or of a loss of logits."""


def term_names(blocks: int) -> list[str]:
    """Names of the terms that some phase of so many blocks has."""
    return [
        *("kd", "feature"),
        *("mutual", "partner_supervised", "partner_mutual"),
        *(f"generator{block}" for block in range(1, blocks + 1)),
        *(f"{DISCRIMINATOR}{block}" for block in range(1, blocks + 1)),
    ]


class PhaseStep(abc.ABC):
    """The networks, terms and variables of a step, in one kind of phase.

    A plain object, so that Keras does not track the networks a second time.

    Attributes:
        networks: `StagedNetworks`.
        own_terms: set of str, the terms that not every kind of phase has.
        judged_blocks: numbers of the blocks whose adversaries are at work.
        reads_teacher: whether the teacher is called.
    """

    networks: StagedNetworks
    own_terms: frozenset[str]
    judged_blocks: Sequence[int] = ()
    reads_teacher = True

    @abc.abstractmethod
    def call(self, images: Tensor) -> dict[str, Endpoints]:
        """Endpoints of the networks that are trained, by role."""

    @abc.abstractmethod
    def compute_terms(
        self,
        endpoints: Mapping[str, Endpoints],
        supervised: Average,
        mean: Average,
    ) -> tuple[Terms, Tensor]:
        """The terms, without those of adversaries, and their weighted sum.

        Args:
            endpoints: what `call` returns, and the teacher's as `TAUGHT`.
            supervised: function of logits, the supervised loss of a batch.
            mean: function of values per example, their mean over a batch.
        """

    @property
    @abc.abstractmethod
    def student_variables(self) -> list[keras.Variable]:
        """Variables of the student and its adapters that are trained."""

    @property
    def partner_variables(self) -> list[keras.Variable]:
        """Variables of the partner that are trained."""
        return []

    @property
    @abc.abstractmethod
    def passes(self) -> Passes:
        """What a step runs, without the teacher itself (`reads_teacher`)."""

    @property
    def variables(self) -> list[keras.Variable]:
        """All variables that are trained, those of adversaries included."""
        scores = [
            self.networks.scores[block - 1] for block in self.judged_blocks
        ]
        return [
            *self.student_variables,
            *self.partner_variables,
            *_trainable(*scores),
        ]

    @property
    def terms(self) -> set[str]:
        """Names of all terms, those of adversaries included."""
        return {"supervised", "regularization", *self.own_terms}.union(
            *(
                {f"generator{block}", f"{DISCRIMINATOR}{block}"}
                for block in self.judged_blocks
            )
        )


class BlockStep(PhaseStep):
    """Trains a block, whose map continues through the rest of the teacher.

    Args:
        networks: `StagedNetworks`.
        block: int, counted from 1.
        temperature: float > 0.
        feature_weight: float >= 0, of the maps' distance.
    """

    own_terms = frozenset({"kd", "feature"})

    def __init__(
        self,
        networks: StagedNetworks,
        block: int,
        temperature: float,
        feature_weight: float,
    ) -> None:
        self.networks = networks
        self.block = block
        self.temperature = temperature
        self.feature_weight = feature_weight
        self.judged_blocks = [block] if networks.scores else []

    def call(self, images: Tensor) -> dict[str, Endpoints]:
        """See `PhaseStep.call`."""
        return {STUDENT: self.networks.call_block(self.block, images)}

    def compute_terms(
        self,
        endpoints: Mapping[str, Endpoints],
        supervised: Average,
        mean: Average,
    ) -> tuple[Terms, Tensor]:
        """See `PhaseStep.compute_terms`."""
        terms, total = _follow(endpoints, self.temperature, supervised, mean)
        target = endpoints[TAUGHT][self.networks.pairs[self.block - 1][0]]
        adapted = endpoints[STUDENT]["adapted"]
        terms["feature"] = mean(relative_error(target, adapted))
        return terms, total + self.feature_weight * terms["feature"]

    @property
    def student_variables(self) -> list[keras.Variable]:
        """See `PhaseStep.student_variables`."""
        return _trainable(
            self.networks.student[self.block - 1],
            self.networks.adapters[self.block - 1],
        )

    @property
    def passes(self) -> Passes:
        """See `PhaseStep.passes`."""
        *before, trained = self.networks.student[: self.block]
        return [
            *((part, FROZEN) for part in before),
            (trained, TRAINED),
            (self.networks.tails[self.block - 1], PASSED),
        ]


class HeadStep(PhaseStep):
    """Trains the student's head behind its blocks.

    Args:
        networks: `StagedNetworks`.
        temperature: float > 0.
    """

    own_terms = frozenset({"kd"})

    def __init__(self, networks: StagedNetworks, temperature: float) -> None:
        self.networks = networks
        self.temperature = temperature

    def call(self, images: Tensor) -> dict[str, Endpoints]:
        """See `PhaseStep.call`."""
        return {STUDENT: call_head(self.networks.student, images)}

    def compute_terms(
        self,
        endpoints: Mapping[str, Endpoints],
        supervised: Average,
        mean: Average,
    ) -> tuple[Terms, Tensor]:
        """See `PhaseStep.compute_terms`."""
        return _follow(endpoints, self.temperature, supervised, mean)

    @property
    def student_variables(self) -> list[keras.Variable]:
        """See `PhaseStep.student_variables`."""
        return _trainable(self.networks.student[-1])

    @property
    def passes(self) -> Passes:
        """See `PhaseStep.passes`."""
        return _head_passes(self.networks.student)


class MutualStep(PhaseStep):
    """Trains student and partner, which learn from each other.

    Args:
        networks: `StagedNetworks`.
        partner: `RoleNetwork`, that of the networks.
        partner_weight: float >= 0, of the partner's own terms.
        heads_only: whether the blocks of both stay as they are, without
            adversaries.
    """

    own_terms = frozenset({"mutual", "partner_supervised", "partner_mutual"})

    def __init__(
        self,
        networks: StagedNetworks,
        partner: RoleNetwork,
        partner_weight: float,
        heads_only: bool,
    ) -> None:
        self.networks = networks
        self.partner = partner
        self.partner_weight = partner_weight
        self.heads_only = heads_only
        if not heads_only:
            self.judged_blocks = range(1, len(networks.scores) + 1)
        # Adversaries compare with the teacher's last map.
        self.reads_teacher = bool(self.judged_blocks)

    def call(self, images: Tensor) -> dict[str, Endpoints]:
        """See `PhaseStep.call`."""
        if self.heads_only:
            return {
                STUDENT: call_head(self.networks.student, images),
                PARTNER: call_head(self.networks.partner_parts, images),
            }
        return {
            STUDENT: self.networks.call_student(images),
            PARTNER: self.partner(images, training=True),
        }

    def compute_terms(
        self,
        endpoints: Mapping[str, Endpoints],
        supervised: Average,
        mean: Average,
    ) -> tuple[Terms, Tensor]:
        """See `PhaseStep.compute_terms`."""
        student, partner = (endpoints[r][LOGITS] for r in (STUDENT, PARTNER))
        terms = {
            "supervised": supervised(student),
            "mutual": mean(_divergence(partner, student)),
            "partner_supervised": supervised(partner),
            "partner_mutual": mean(_divergence(student, partner)),
        }
        of_partner = terms["partner_supervised"] + terms["partner_mutual"]
        of_partner = of_partner + regularization(self.partner_variables)
        total = terms["supervised"] + terms["mutual"]
        return terms, total + self.partner_weight * of_partner

    @property
    def student_variables(self) -> list[keras.Variable]:
        """See `PhaseStep.student_variables`."""
        if self.heads_only:
            return _trainable(self.networks.student[-1])
        adapters = self.networks.adapters if self.judged_blocks else []
        return _trainable(self.networks.whole_student, *adapters)

    @property
    def partner_variables(self) -> list[keras.Variable]:
        """See `PhaseStep.partner_variables`."""
        if self.heads_only:
            return _trainable(self.networks.partner_parts[-1])
        return _trainable(self.partner.model)

    @property
    def passes(self) -> Passes:
        """See `PhaseStep.passes`."""
        if self.heads_only:
            return [
                *_head_passes(self.networks.student),
                *_head_passes(self.networks.partner_parts),
            ]
        tails = self.networks.tails if self.judged_blocks else []
        return [
            (self.networks.whole_student, TRAINED),
            (self.partner.model, TRAINED),
            *((tail, PASSED) for tail in tails),
        ]


def make_steps(
    networks: StagedNetworks,
    temperature: float,
    feature_weight: float,
    partner_weight: float,
    heads_only: bool,
) -> dict[tuple[str, int], PhaseStep]:
    """The step of every kind of phase.

    Args:
        networks: `StagedNetworks`; without partner there is no mutual phase.
        temperature: see `BlockStep`.
        feature_weight: see `BlockStep`.
        partner_weight: see `MutualStep`.
        heads_only: see `MutualStep`.

    Returns:
        dict of a phase's `(kind, block)` -> its step.
    """
    steps: dict[tuple[str, int], PhaseStep] = {
        (BLOCK, block): BlockStep(networks, block, temperature, feature_weight)
        for block in range(1, networks.blocks + 1)
    }
    steps[HEAD, 0] = HeadStep(networks, temperature)
    if networks.partner is not None:
        steps[MUTUAL, 0] = MutualStep(
            networks, networks.partner, partner_weight, heads_only
        )
    return steps


def _head_passes(parts: Sequence[keras.Model]) -> Passes:
    """Of parts of which only the last is trained."""
    *blocks, head = parts
    return [*((block, FROZEN) for block in blocks), (head, TRAINED)]


def _follow(
    endpoints: Mapping[str, Endpoints],
    temperature: float,
    supervised: Average,
    mean: Average,
) -> tuple[Terms, Tensor]:
    """`L(y, z) + T^2 KL(teacher || z)`."""
    teacher, logits = (endpoints[r][LOGITS] for r in (TAUGHT, STUDENT))
    terms = {
        "supervised": supervised(logits),
        "kd": mean(_divergence(teacher, logits, temperature)),
    }
    return terms, terms["supervised"] + terms["kd"]


def _divergence(
    teacher: Tensor, student: Tensor, temperature: float = 1.0
) -> Tensor:
    return kd(ops.stop_gradient(teacher), student, temperature)


def _trainable(*parts: keras.layers.Layer) -> list[keras.Variable]:
    return [v for part in parts for v in part.trainable_variables]
