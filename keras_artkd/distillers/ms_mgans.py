"""Multi-stage, multi-GAN mutual distillation: the method of paper 003."""

import math
import warnings

import keras
from keras import ops

from keras_artkd.distillers.adversaries import (
    DISCRIMINATOR,
    FeatureScore,
    judge_adversaries,
)
from keras_artkd.distillers.distiller import Distiller, batch_mean
from keras_artkd.distillers.network import STUDENT, resize_like
from keras_artkd.distillers.phases import (
    BLOCK,
    HEAD,
    MUTUAL,
    Phase,
    PhaseCosine,
    plan_phases,
)
from keras_artkd.distillers.spaces import Choice, Float
from keras_artkd.distillers.staged_networks import (
    PARTNER,
    TAUGHT,
    StagedNetworks,
    call_frozen,
    call_head,
    copy_network,
    make_adapter,
    resize_map,
)
from keras_artkd.losses import kd
from keras_artkd.losses.adversarial import discriminator_loss, generator_loss
from keras_artkd.losses.relative_error import relative_error
from keras_artkd.losses.temperature_loss import check_temperature
from keras_artkd.models.endpoints import LOGITS

EXPERT = "expert"
MUTUALS = ("full", "head", "none")

MS_MGANS_SPACE = {
    "temperature": Float(1.0, 16.0, sampling="log"),
    "adversarial_weight": Float(0.01, 1.0, sampling="log"),
    "feature_weight": Float(0.1, 10.0, sampling="log"),
    "mutual": Choice(MUTUALS),
}


@keras.saving.register_keras_serializable("keras_artkd")
class MultiStageDistiller(Distiller):
    """Trains a student block by block, against a teacher of every stage.

    The teachers are one network at several stages of its own training. For
    each in turn, from the youngest:

    1. Blocks. The student's blocks are trained one after another, those
       before frozen. What block l makes of an image is adapted to the
       teacher's map and goes on through the rest of the teacher, frozen:

           L(y, z) + T^2 KL(teacher || z) + feature_weight E
           + adversarial_weight (r(f) - 1)^2 / 2

       z and f are the logits and last map at the teacher's end, E the squared
       distance to the teacher's own map (`relative_error`). r is the block's
       adversary, a linear score of the teacher's end, which learns in the
       same step to score the teacher's map 1 and the student's 0.
    2. The head, what follows the last block: L(y, S) + T^2 KL(teacher || S).
    3. The mutual phase. The student and a partner, a copy of the teacher that
       is thrown away afterwards, learn from the labels and from each other,
       `L(y, a) + KL(b || a)`, the student from all adversaries besides.

    `fit` lays these over its epochs (`plan`) and goes through them; begun
    again with `initial_epoch` it goes on where it was. Logs have the terms of
    the current phase, `generator<l>` and `discriminator<l>` of each adversary
    among them, and the numbers `stage` and `block` (0 for head and mutual
    phase). `loss` is the sum of all that a step minimises, and in a block's
    phase `accuracy` is that of the block with the rest of the teacher. An
    adversary whose mean loss of an epoch says that it collapsed (it tells all
    maps apart) or exploded is named in a warning; a loss that is not finite
    ends the training.

    `rate_schedule` has the learning rates that belong to it. It is made for
    SGD with that schedule, whose velocity is nil at the end of each phase;
    another optimizer takes its state from one phase to the next. TensorFlow
    alone can train it, as other backends' trainers have one optimizer. Of
    regularisation those of single variables count.

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
        student,
        expert_teacher,
        temperature=4.0,
        adversarial_weight=0.1,
        feature_weight=1.0,
        mutual="full",
        adversary_learning_rate=2e-4,
        partner_weight=0.1,
        name=None,
    ):
        if mutual not in MUTUALS:
            raise ValueError(
                f"`mutual` must be one of {', '.join(MUTUALS)}. "
                f"Received: mutual={mutual!r}."
            )
        _check_numbers(
            temperature,
            adversary_learning_rate,
            adversarial_weight=adversarial_weight,
            feature_weight=feature_weight,
            partner_weight=partner_weight,
        )
        stages = (
            list(expert_teacher)
            if isinstance(expert_teacher, (list, tuple))
            else [expert_teacher]
        )
        _check_stages(stages)
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
        self._parts = StagedNetworks(student, self.teacher, self.partner)
        self.adapters = [make_adapter(*shapes) for shapes in self._parts.shapes]
        self.scores = []
        if adversarial_weight:
            for block in range(1, self._parts.blocks + 1):
                score = FeatureScore(name=f"score{block}")
                score.build(self._parts.judged.shape)
                self.scores.append(score)
        blocks = range(1, self._parts.blocks + 1)
        self.term_trackers = {
            **self.term_trackers,
            **{
                term: keras.metrics.Mean(name=term)
                for term in (
                    *("kd", "feature", "mutual"),
                    *("partner_supervised", "partner_mutual"),
                    *(f"generator{block}" for block in blocks),
                    *(f"{DISCRIMINATOR}{block}" for block in blocks),
                    *("stage", "block"),
                )
            },
        }
        self.stage = keras.Variable(1.0, trainable=False, name="stage")
        kind = HEAD if mutual == "none" else MUTUAL
        self.phase = Phase(len(stages), kind, 0, 0, 1)
        self._entered = None
        self._functions = {}
        self.adversary_optimizer = None

    def plan(self, epochs, stages=None):
        """The phases of a training, list of `Phase`.

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

    def rate_schedule(self, learning_rate, epochs, steps_per_epoch):
        """Falls to zero in every phase; from the third stage on begins lower.

        See `Distiller.rate_schedule`.
        """
        plan = self.plan(epochs)
        return PhaseCosine(
            [learning_rate * phase.rate_factor for phase in plan],
            [steps_per_epoch * phase.epochs for phase in plan],
        )

    def compile(self, *args, **kwargs):
        """As `Distiller.compile`; the adversaries have their own Adam."""
        super().compile(*args, **kwargs)
        self._functions = {}
        if self.scores:
            self.adversary_optimizer = keras.optimizers.Adam(
                self.adversary_learning_rate, beta_1=0.5
            )
            loss_scaling = keras.optimizers.LossScaleOptimizer
            if isinstance(self.optimizer, loss_scaling):
                # Whose steps it leaves out where they overflow, too.
                self.adversary_optimizer = loss_scaling(
                    self.adversary_optimizer
                )
            self.adversary_optimizer.build(self._score_variables)

    def fit(self, *args, **kwargs):
        """As `Distiller.fit`, through the phases of `plan(epochs)`."""
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                "This method trains with TensorFlow. Received: the backend "
                f"{keras.backend.backend()}. Fix: KERAS_BACKEND=tensorflow."
            )
        self._entered = None
        return super().fit(*args, **kwargs)

    def begin_epoch(self, epoch, epochs):
        """Enters the phase of the epoch, see `Distiller.begin_epoch`."""
        super().begin_epoch(epoch, epochs)
        phase = next(
            phase
            for phase in reversed(self.plan(epochs))
            if phase.begin <= epoch
        )
        if phase != self._entered:
            self._enter(phase, anew=phase.begin == epoch)

    def end_epoch(self, epoch, logs):
        """Names adversaries that are out of order.

        Raises:
            ValueError: if the loss of one is not finite.
        """
        # Where all is not finite it is no adversary's fault.
        if not math.isfinite(logs.get("supervised", 0.0)):
            return
        for block, state in judge_adversaries(logs).items():
            value = logs[f"{DISCRIMINATOR}{block}"]
            message = (
                f"Adversary {block} {state} in epoch {epoch + 1} "
                f"({self.phase}): its loss is {value:.3g}."
            )
            if not math.isfinite(value):
                raise ValueError(
                    f"{message} Fix: a smaller adversary_learning_rate or "
                    "adversarial_weight."
                )
            warnings.warn(message, stacklevel=2)

    def call_teachers(self, images):
        """Endpoints of the teacher of the current stage, where it is read."""
        if self.phase.kind == MUTUAL and not self._judged_blocks:
            return {}
        return {TAUGHT: self._parts.teacher(images, training=False)}

    def call_trained(self, images):
        """Endpoints of what the current phase trains, by role."""
        if self.phase.kind == BLOCK:
            return {STUDENT: self._call_block(images, self.phase.block)}
        if self.phase.kind == MUTUAL and self.mutual == "full":
            return {
                STUDENT: self._call_student(images),
                PARTNER: self._parts.partner(images, training=True),
            }
        called = {STUDENT: call_head(self._parts.student, images)}
        if self.phase.kind == MUTUAL:
            called[PARTNER] = call_head(self._parts.partner_parts, images)
        return called

    def compute_terms(self, labels, endpoints, sample_weight=None):
        """The terms of the current phase, see `Distiller.compute_terms`."""
        taught, learnt = endpoints.get(TAUGHT), endpoints[STUDENT]
        logits = learnt[LOGITS]

        def divergence(teacher, student, temperature):
            values = kd(ops.stop_gradient(teacher), student, temperature)
            return batch_mean(values, sample_weight)

        terms = {"supervised": self._supervised(labels, logits, sample_weight)}
        total = terms["supervised"]
        if self.phase.kind == MUTUAL:
            partner = endpoints[PARTNER][LOGITS]
            terms["mutual"] = divergence(partner, logits, 1.0)
            terms["partner_supervised"] = self._supervised(
                labels, partner, sample_weight
            )
            terms["partner_mutual"] = divergence(logits, partner, 1.0)
            total = total + terms["mutual"]
            of_partner = terms["partner_supervised"] + terms["partner_mutual"]
            of_partner = of_partner + _penalty(self._partner_variables)
            total = total + self.partner_weight * of_partner
        else:
            terms["kd"] = divergence(taught[LOGITS], logits, self.temperature)
            total = total + terms["kd"]
        if self.phase.kind == BLOCK:
            target = taught[self._parts.pairs[self.phase.block - 1][0]]
            terms["feature"] = batch_mean(
                relative_error(target, learnt["adapted"]), sample_weight
            )
            total = total + self.feature_weight * terms["feature"]
        for block, judged in learnt.get("judged", {}).items():
            score = self.scores[block - 1]
            real = score(taught[self._parts.last])
            fooled = generator_loss(score(judged, detached=True))
            caught = discriminator_loss(real, score(ops.stop_gradient(judged)))
            terms[f"generator{block}"] = batch_mean(fooled, sample_weight)
            terms[f"{DISCRIMINATOR}{block}"] = batch_mean(caught, sample_weight)
            total = total + (
                self.adversarial_weight * terms[f"generator{block}"]
                + terms[f"{DISCRIMINATOR}{block}"]
            )
        terms["regularization"] = _penalty(self._student_variables)
        return terms, total + terms["regularization"]

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """As `Distiller.compute_metrics`; in training of the phase too."""
        if isinstance(y_pred, dict):
            self.term_trackers["stage"].update_state(self.stage)
            self.term_trackers["block"].update_state(self.phase.block)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    @property
    def metrics(self):
        """Those of the current phase."""
        others = {
            id(tracker)
            for term, tracker in self.term_trackers.items()
            if term not in self._terms
        }
        return [m for m in super().metrics if id(m) not in others]

    @property
    def student_is_whole(self):
        """See `Distiller.student_is_whole`: after the first head's phase."""
        return self.phase.stage > 1 or self.phase.kind != BLOCK

    @property
    def frozen_networks(self):
        """See `Distiller.frozen_networks`."""
        return [*super().frozen_networks, self.teacher]

    @property
    def trained_parts(self):
        """See `Distiller.trained_parts`."""
        partner = [] if self.partner is None else [self.partner]
        return [*super().trained_parts, *partner, *self.adapters]

    @property
    def variables_to_train(self):
        """What the current phase trains."""
        variables = [*self._student_variables]
        if self.phase.kind == MUTUAL:
            variables += self._partner_variables
        for block in self._judged_blocks:
            variables += self.scores[block - 1].trainable_variables
        return variables

    @property
    def optimizers(self):
        """See `Distiller.optimizers`."""
        if not self.scores:
            return super().optimizers
        return {**super().optimizers, "adversaries": self.adversary_optimizer}

    def apply_gradients(self, gradients, variables):
        """Gives each optimizer its own, of the scaled loss."""
        of_scores = {id(variable) for variable in self._score_variables}
        pairs = list(zip(gradients, variables, strict=True))
        judging = [pair for pair in pairs if id(pair[1]) in of_scores]
        # Before the step, which may change the scale.
        scale = self.optimizer.scale_loss(1.0)
        self.optimizer.apply_gradients(
            [pair for pair in pairs if id(pair[1]) not in of_scores]
        )
        if judging:
            factor = self.adversary_optimizer.scale_loss(1.0) / scale
            self.adversary_optimizer.apply_gradients(
                [
                    (factor * gradient, variable)
                    for gradient, variable in judging
                ]
            )

    def get_config(self):
        """Every constructor argument."""
        networks = {
            "student": self.student,
            "expert_teacher": list(self.teachers.values()),
        }
        return {
            **keras.saving.serialize_keras_object(networks),
            "temperature": self.temperature,
            "adversarial_weight": self.adversarial_weight,
            "feature_weight": self.feature_weight,
            "mutual": self.mutual,
            "adversary_learning_rate": self.adversary_learning_rate,
            "partner_weight": self.partner_weight,
            "name": self.name,
        }

    def _enter(self, phase, anew):
        """Makes `phase` the current one; `anew` at its first epoch."""
        stage = list(self.teachers.values())[phase.stage - 1]
        self.teacher.set_weights(stage.get_weights())
        if phase.kind == MUTUAL and anew:
            self.partner.set_weights(stage.get_weights())
        self.phase = self._entered = phase
        self.stage.assign(phase.stage)
        kind = (phase.kind, phase.block)
        if kind not in self._functions:
            self.make_train_function(force=True)
            self._functions[kind] = self.train_function
        self.train_function = self._functions[kind]
        # Of these metrics, not of the last phase's.
        self.reset_metrics()

    def _call_block(self, images, block):
        """Image, student's block, adapter, the rest of the teacher."""
        *before, trained = self._parts.student[:block]
        x = call_frozen(before, resize_like(images, self.student))
        return self._call_tail(block, trained(x, training=True))

    def _call_student(self, images):
        """All of the student, and what the adversaries judge of it."""
        *blocks, head = self._parts.student
        x = resize_like(images, self.student)
        judged = {}
        for block, part in enumerate(blocks, start=1):
            x = part(x, training=True)
            if self.scores:
                judged |= self._call_tail(block, x)["judged"]
        return {LOGITS: head(x, training=True), "judged": judged}

    def _call_tail(self, block, x):
        adapted = resize_map(x, self._parts.shapes[block - 1][0])
        adapted = self.adapters[block - 1](adapted, training=True)
        end = self._parts.call_tail(block, adapted)
        judged = {block: end[self._parts.last]} if self.scores else {}
        return {"adapted": adapted, "judged": judged, LOGITS: end[LOGITS]}

    @property
    def _judged_blocks(self):
        """Numbers of the blocks whose adversaries are at work."""
        if not self.scores or self.phase.kind == HEAD:
            return []
        if self.phase.kind == BLOCK:
            return [self.phase.block]
        return range(1, len(self.scores) + 1) if self.mutual == "full" else []

    @property
    def _student_variables(self):
        """Of the student and its adapters, those that the phase trains."""
        if self.phase.kind == BLOCK:
            block = self.phase.block - 1
            parts = [self._parts.student[block], self.adapters[block]]
        elif self.phase.kind == MUTUAL and self.mutual == "full":
            parts = [self.student]
            if self.scores:
                parts += self.adapters
        else:
            parts = [self._parts.student[-1]]
        return [v for part in parts for v in part.trainable_variables]

    @property
    def _partner_variables(self):
        if self.mutual == "full":
            return self.partner.trainable_variables
        return self._parts.partner_parts[-1].trainable_variables

    @property
    def _score_variables(self):
        return [v for score in self.scores for v in score.trainable_variables]

    @property
    def _terms(self):
        """Names of what the current phase logs."""
        terms = {"supervised", "regularization", "stage", "block"}
        if self.phase.kind == MUTUAL:
            terms |= {"mutual", "partner_supervised", "partner_mutual"}
        else:
            terms.add("kd")
        if self.phase.kind == BLOCK:
            terms.add("feature")
        for block in self._judged_blocks:
            terms |= {f"generator{block}", f"{DISCRIMINATOR}{block}"}
        return terms


def _penalty(variables):
    """The sum of the variables' regularisation losses."""
    losses = [
        variable.regularizer(variable)
        for variable in variables
        if variable.regularizer is not None
    ]
    return ops.sum(ops.stack(losses)) if losses else ops.zeros(())


def _check_numbers(temperature, learning_rate, **weights):
    check_temperature(temperature)
    if not learning_rate > 0:
        raise ValueError(
            "`adversary_learning_rate` must be positive. "
            f"Received: adversary_learning_rate={learning_rate!r}."
        )
    for name, weight in weights.items():
        if not weight >= 0:
            raise ValueError(
                f"`{name}` must not be negative. Received: {name}={weight!r}."
            )


def _check_stages(stages):
    shapes = [[tuple(w.shape) for w in stage.weights] for stage in stages]
    if not shapes or any(shape != shapes[0] for shape in shapes):
        raise ValueError(
            "The stages of an expert must be one network with different "
            "weights. Received: "
            + (", ".join(stage.name for stage in stages) or "none")
            + ". Fix: those that keras_artkd.training.KeepStages saved."
        )
