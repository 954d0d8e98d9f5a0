"""Multi-stage, multi-GAN mutual distillation: the method of paper 003."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_artkd.catalogue.methods import method
from keras_artkd.catalogue.spaces import Choice, Float, Space
from keras_artkd.distillers.adversaries import (
    DISCRIMINATOR,
    adversarial_losses,
    apply_apart,
    make_adversary_optimizer,
    warn_of_adversaries,
)
from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.objective import batch_mean, regularization
from keras_artkd.distillers.phase_steps import (
    PhaseStep,
    Terms,
    make_steps,
    term_names,
)
from keras_artkd.distillers.phases import (
    BLOCK,
    HEAD,
    MUTUAL,
    Phase,
    PhaseCosine,
    plan_phases,
)
from keras_artkd.distillers.recorded import Inputs
from keras_artkd.distillers.roles import STUDENT
from keras_artkd.distillers.staged_networks import (
    TAUGHT,
    StagedNetworks,
    copy_network,
    expert_stages,
)
from keras_artkd.distillers.validation import check_weights
from keras_artkd.losses.base import Endpoints
from keras_artkd.losses.ops import check_choice, check_temperature
from keras_artkd.types import Tensor

EXPERT = "expert"
MUTUALS = ("full", "head", "none")

SPACE: Space = {
    "temperature": Float(1.0, 16.0, sampling="log"),
    "adversarial_weight": Float(0.01, 1.0, sampling="log"),
    "feature_weight": Float(0.1, 10.0, sampling="log"),
    "mutual": Choice(MUTUALS),
}


@method(name="ms_mgans", space=SPACE, staged=True)
@keras.saving.register_keras_serializable("keras_artkd")
class MultiStageDistiller(Distiller):
    """Trains a student block by block, against a teacher of every stage.

    The teachers are one network at several stages of its own training. For
    each in turn, from the youngest:

    1. Blocks. The student's blocks are trained one after another; those
       before are frozen. The output of block l is adapted to the teacher's
       map, and then runs through the rest of the teacher, frozen:

           L(y, z) + T^2 KL(teacher || z) + feature_weight E
           + adversarial_weight (r(f) - 1)^2 / 2

       z and f are the logits and last map at the teacher's end, E the squared
       distance to the teacher's own map (`relative_error`). r is the block's
       adversary, a linear score of the teacher's end. It learns in the same
       step to score the teacher's map 1 and the student's 0.
    2. The head, what follows the last block: L(y, S) + T^2 KL(teacher || S).
    3. The mutual phase. The student and a partner learn from the labels and
       from each other, `L(y, a) + KL(b || a)`; the student also learns from
       all adversaries. The partner is a copy of the teacher, thrown away
       afterwards.

    `fit` lays these phases over its epochs (`plan`). With `initial_epoch` it
    resumes where it was. Logs have the terms of the current phase, including
    `generator<l>` and `discriminator<l>` of each adversary, and the numbers
    `stage` and `block` (0 for head and mutual phase). `loss` is the sum of
    all that a step minimises. In a block's phase `accuracy` is that of the
    block with the rest of the teacher. An adversary whose mean loss of an
    epoch says that it collapsed (it tells all maps apart) or exploded is
    named in a warning; a loss that is not finite ends the training.

    `rate_schedule` gives the learning rates that belong to it. The method is
    made for SGD with that schedule, whose velocity is nil at the end of each
    phase; another optimizer keeps its state from one phase to the next. Only
    the regularisation of single variables counts.

    Args:
        student: the network to train, with groups.
        expert_teacher: a trained network with groups, or the list of its
            stages from the youngest; all are frozen.
        temperature: float > 0, T.
        adversarial_weight: float >= 0; 0 leaves the adversaries out.
        feature_weight: float >= 0, of the maps' distance.
        mutual: `"full"`; `"head"`, in which the blocks of both stay as they
            are and there are no adversaries; or `"none"`.
        adversary_learning_rate: float > 0, of the adversaries' Adam.
        partner_weight: float >= 0, of the partner's own terms: with SGD its
            learning rate, in units of the student's.
        name: of the distiller.

    Raises:
        ValueError: for networks without groups or that cannot be cut there,
            and for stages that are not of one network.

    Reference: paper 003, an abstract; `docs/paper_003.md` has the algorithm
    that was made of it, and where each part comes from.
    """

    def __init__(
        self,
        student: keras.Model,
        expert_teacher: keras.Model | Sequence[keras.Model],
        temperature: float = 4.0,
        adversarial_weight: float = 0.1,
        feature_weight: float = 1.0,
        mutual: str = "full",
        adversary_learning_rate: float = 2e-4,
        partner_weight: float = 0.1,
        name: str | None = None,
    ) -> None:
        check_choice("mutual", mutual, MUTUALS)
        check_temperature(temperature)
        check_weights(
            adversarial_weight=adversarial_weight,
            feature_weight=feature_weight,
            partner_weight=partner_weight,
        )
        if not adversary_learning_rate > 0:
            raise ValueError(
                "`adversary_learning_rate` must be positive. Received: "
                f"adversary_learning_rate={adversary_learning_rate!r}."
            )
        stages = expert_stages(expert_teacher)
        roles = [*(f"stage{i}" for i in range(1, len(stages))), EXPERT]
        super().__init__(
            student, teachers=dict(zip(roles, stages, strict=True)), name=name
        )
        self.temperature = temperature
        self.adversarial_weight = adversarial_weight
        self.feature_weight = feature_weight
        self.mutual = mutual
        self.adversary_learning_rate = adversary_learning_rate
        self.partner_weight = partner_weight
        # The teacher at work has the weights of a stage at a time, so that
        # the steps of each stage are the same function.
        self.teacher = copy_network(stages[-1])
        self.teacher.trainable = False
        self.partner = None if mutual == "none" else copy_network(stages[-1])
        self._parts = StagedNetworks(
            student, self.teacher, self.partner, bool(adversarial_weight)
        )
        # Here too, so that Keras tracks them.
        self.adapters = list(self._parts.adapters)
        self.scores = list(self._parts.scores)
        self.steps = make_steps(
            self._parts,
            temperature,
            feature_weight,
            partner_weight,
            heads_only=mutual == "head",
        )
        terms = [*term_names(self._parts.blocks), "stage", "block"]
        self.term_trackers = {
            **self.term_trackers,
            **{term: keras.metrics.Mean(name=term) for term in terms},
        }
        self.stage = keras.Variable("ones", (), trainable=False, name="stage")
        kind = HEAD if mutual == "none" else MUTUAL
        self.phase = Phase(len(stages), kind, 0, 0, 1)
        self._entered: Phase | None = None
        self._functions: dict[tuple[str, int], Any] = {}
        self.adversary_optimizer = None

    def plan(self, epochs: int, stages: int | None = None) -> list[Phase]:
        """The phases of a training.

        Args:
            epochs: int, of the whole training.
            stages: int, by default as many as there are teachers.

        Raises:
            ValueError: if there are more phases than epochs.
        """
        return plan_phases(
            epochs,
            stages or len(self.teachers),
            self._parts.blocks,
            self.partner is not None,
        )

    def rate_schedule(
        self, learning_rate: float, epochs: int, steps_per_epoch: int
    ) -> PhaseCosine:
        """See `Distiller.rate_schedule`: a cosine in every phase."""
        plan = self.plan(epochs)
        return PhaseCosine(
            [learning_rate * phase.rate_factor for phase in plan],
            [steps_per_epoch * phase.epochs for phase in plan],
        )

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compiles as `Distiller`; the adversaries have their own Adam."""
        super().compile(*args, **kwargs)
        self._functions = {}
        if self.scores:
            self.adversary_optimizer = make_adversary_optimizer(
                self.adversary_learning_rate,
                self.optimizer,
                self._score_variables,
            )

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Trains as `Distiller`, through the phases of `plan(epochs)`."""
        self._entered = None
        return super().fit(*args, **kwargs)

    def begin_epoch(self, epoch: int, epochs: int) -> None:
        """Enters the phase of the epoch, see `Distiller.begin_epoch`."""
        super().begin_epoch(epoch, epochs)
        phase = next(
            phase
            for phase in reversed(self.plan(epochs))
            if phase.begin <= epoch
        )
        if phase != self._entered:
            self._enter(phase, anew=phase.begin == epoch)

    def end_epoch(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Warns of adversaries that are out of order.

        Raises:
            ValueError: if the loss of one is not finite.
        """
        # Where all is not finite it is no adversary's fault.
        if math.isfinite(logs.get("supervised", 0.0)):
            warn_of_adversaries(logs, f"epoch {epoch + 1} ({self.phase})")

    def call_teachers(self, images: Tensor) -> dict[str, Endpoints]:
        """Endpoints of the teacher of the current stage, where it is read."""
        if not self._step.reads_teacher:
            return {}
        return {TAUGHT: self._parts.teacher(images, training=False)}

    def call_trained(self, images: Tensor) -> dict[str, Endpoints]:
        """Endpoints of what the current phase trains, by role."""
        return self._step.call(images)

    def compute_terms(
        self,
        labels: Tensor,
        endpoints: Mapping[str, Endpoints],
        sample_weight: Tensor | None = None,
    ) -> tuple[Terms, Tensor]:
        """The terms of the current phase, see `Distiller.compute_terms`."""

        def supervised(logits: Tensor) -> Tensor:
            return self._supervised(labels, logits, sample_weight)

        def mean(values: Tensor) -> Tensor:
            return batch_mean(values, sample_weight)

        terms, total = self._step.compute_terms(endpoints, supervised, mean)
        for block, judged in endpoints[STUDENT].get("judged", {}).items():
            real = endpoints[TAUGHT][self._parts.last]
            losses = adversarial_losses(self.scores[block - 1], real, judged)
            generator, discriminator = map(mean, losses)
            terms[f"generator{block}"] = generator
            terms[f"{DISCRIMINATOR}{block}"] = discriminator
            total = total + (
                self.adversarial_weight * generator + discriminator
            )
        terms["regularization"] = regularization(self._step.student_variables)
        return terms, total + terms["regularization"]

    def compute_loss(
        self,
        x: Inputs | None = None,
        y: Tensor | None = None,
        y_pred: Any = None,
        sample_weight: Tensor | None = None,
        training: bool = True,
    ) -> Tensor:
        """See `Distiller.compute_loss`; in training it logs the phase, too."""
        if training:
            self.term_trackers["stage"].update_state(self.stage)
            self.term_trackers["block"].update_state(self.phase.block)
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    @property
    def metrics(self) -> list[keras.Metric]:
        """Those of the current phase."""
        others = {
            id(tracker)
            for term, tracker in self.term_trackers.items()
            if term not in self._terms
        }
        return [m for m in super().metrics if id(m) not in others]

    @property
    def student_is_whole(self) -> bool:
        """See `Distiller.student_is_whole`: after the first head's phase."""
        return self.phase.stage > 1 or self.phase.kind != BLOCK

    @property
    def frozen_networks(self) -> list[keras.Model]:
        """See `Distiller.frozen_networks`."""
        return [*super().frozen_networks, self.teacher]

    @property
    def trained_parts(self) -> list[keras.layers.Layer]:
        """See `Distiller.trained_parts`."""
        partner = [] if self.partner is None else [self.partner]
        return [*super().trained_parts, *partner, *self.adapters]

    @property
    def variables_to_train(self) -> list[keras.Variable]:
        """See `Distiller.variables_to_train`: those of the current phase."""
        return self.variables_of(self.phase)

    def variables_of(self, phase: Phase) -> list[keras.Variable]:
        """The variables that a phase of `plan` trains."""
        return self.steps[phase.kind, phase.block].variables

    @property
    def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """See `Distiller.optimizers`."""
        if not self.scores:
            return super().optimizers
        return {**super().optimizers, "adversaries": self.adversary_optimizer}

    def apply_gradients(
        self, gradients: Sequence[Tensor], variables: Sequence[keras.Variable]
    ) -> None:
        """Gives each optimizer its own, of the scaled loss."""
        apply_apart(
            zip(gradients, variables, strict=True),
            self.optimizer,
            self._score_variables,
            self.adversary_optimizer,
        )

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return keras.saving.serialize_keras_object(
            {
                "student": self.student,
                "expert_teacher": list(self.teachers.values()),
                "temperature": self.temperature,
                "adversarial_weight": self.adversarial_weight,
                "feature_weight": self.feature_weight,
                "mutual": self.mutual,
                "adversary_learning_rate": self.adversary_learning_rate,
                "partner_weight": self.partner_weight,
                "name": self.name,
            }
        )

    def _enter(self, phase: Phase, anew: bool) -> None:
        """Makes `phase` the current one; `anew` at its first epoch."""
        stage = list(self.teachers.values())[phase.stage - 1]
        self.teacher.set_weights(stage.get_weights())
        if anew and phase.kind == MUTUAL and self.partner is not None:
            self.partner.set_weights(stage.get_weights())
        self.phase = self._entered = phase
        self.stage.assign(phase.stage)
        kind = (phase.kind, phase.block)
        if kind not in self._functions:
            self.make_train_function(force=True)
            self._functions[kind] = self.train_function
        self.train_function = self._functions[kind]
        # The metrics of this phase, not of the last one.
        self.reset_metrics()

    @property
    def _step(self) -> PhaseStep:
        return self.steps[self.phase.kind, self.phase.block]

    @property
    def _score_variables(self) -> list[keras.Variable]:
        return [v for score in self.scores for v in score.trainable_variables]

    @property
    def _terms(self) -> set[str]:
        """Names of what the current phase logs."""
        return {*self._step.terms, "stage", "block"}
