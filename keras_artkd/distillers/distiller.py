"""The one objective and training step that every method shares."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_artkd.distillers.fixed import FixedWeights
from keras_artkd.distillers.model_methods import ModelMethods
from keras_artkd.distillers.objective import batch_mean, sum_losses
from keras_artkd.distillers.recorded import Inputs, split_answers
from keras_artkd.distillers.roles import STUDENT, freeze
from keras_artkd.distillers.schedules import Weight, weight_at
from keras_artkd.distillers.supervision import (
    check_from_logits,
    check_soft_labels,
    evaluation_labels,
    loss_values,
    metrics_of_labels,
)
from keras_artkd.distillers.validation import (
    check_losses,
    check_views,
    check_weight,
    name_networks,
    own_terms,
)
from keras_artkd.distillers.views import (
    first_view,
    leading_views,
    merge_views,
    repeat_views,
)
from keras_artkd.losses import cross_entropy
from keras_artkd.losses.base import Endpoints, TransferLoss
from keras_artkd.models import without_exits
from keras_artkd.models.resizing import resize_to
from keras_artkd.types import Tensor


@keras.saving.register_keras_serializable("keras_artkd")
class Distiller(ModelMethods):
    """Trains a student with a supervised loss and weighted transfer losses.

    Networks have roles. The student learns from labels and from teachers.
    Frozen `teachers` only answer: they run in inference mode, outside the
    gradient tape, and no step changes them. `co_trained` teachers learn
    beside the student from the labels alone; transfer losses give them no
    gradient. Every network runs once a step.

    The objective, in which the batch mean of each term is weighted by the
    `sample_weight` that `fit` receives, is

        supervised_weight * L(y, student) + sum_t L(y, co_trained_t)
        + sum_i transfer_weights_i * transfer_losses_i
        + the trained networks' regularisation losses.

    `fit` logs `loss`, the total, and every term by its unweighted value:
    `supervised`, `<role>_supervised`, each transfer loss by its name,
    `regularization`. `evaluate` and `predict` concern the student alone and
    change no state. After training, the student is the model to save and
    export. If it has heads for its training (`models.with_exits`), that is
    `keras_artkd.models.without_exits(distiller.student)`.

    Under a `tf.distribute` strategy of several replicas, batch normalisation
    in the trained networks uses the statistics of the whole batch. Therefore
    two replicas with half a batch each take the same step as one with the
    whole. Losses that compare the examples of a batch are the exception: each
    replica compares its own.

    Args:
        student: a `keras.Model` from raw images to logits. Networks made by
            `keras_artkd.models` or `with_endpoints` also offer inner
            endpoints. A subclassed model with its own `call` offers its logits
            alone, and must have seen images.
        teachers: dict of role -> teacher, whose `trainable` becomes False.
        co_trained: dict of role -> teacher trained along.
        transfer_losses: list of `TransferLoss`, with distinct names.
        transfer_weights: list of as many floats, or serialisable callables
            of the epoch (a float tensor counted from 1). Defaults to ones.
        supervised_weight: the same, of the student's own supervised loss.
        views: int, how many images of each example a training batch has.
            Where it is not 1, images are `(batch, views, height, width, 3)`,
            and losses see `batch * views` rows, those of an example together.
        labelled_views: int, from how many of them, the first, labels are
            learned; by default from all.
        soft_labels: whether labels must be probabilities, `(batch, classes)`,
            in training; class numbers are then rejected. For students that
            learn from pseudo-labels.

    Raises:
        ValueError: if roles clash, a loss names a network or an endpoint
            that does not exist, the class numbers or numbers of views do not
            fit.

    Example:
    >>> from keras_artkd import losses, models
    >>> student = models.build("wrn_10_1", 10, input_shape=(32, 32, 3))
    >>> expert = models.build("wrn_16_1", 10, input_shape=(32, 32, 3))
    >>> distiller = Distiller(
    ...     student,
    ...     teachers={"expert": expert},
    ...     transfer_losses=[losses.KD(), losses.AttentionTransfer()],
    ...     transfer_weights=[0.9, 0.2],
    ...     supervised_weight=0.1,
    ... )
    >>> distiller.compile("sgd", metrics=["accuracy"])

    Then `distiller.fit(images, labels)`, as with any Keras model.
    """

    fixed_attributes = ("transfer_weights", "supervised_weight")

    def __init__(
        self,
        student: keras.Model,
        teachers: Mapping[str, keras.Model] | None = None,
        co_trained: Mapping[str, keras.Model] | None = None,
        transfer_losses: Sequence[TransferLoss] = (),
        transfer_weights: Sequence[Weight] | None = None,
        supervised_weight: Weight = 1.0,
        views: int = 1,
        labelled_views: int | None = None,
        soft_labels: bool = False,
        name: str | None = None,
    ) -> None:
        # `compile` decides on loss scaling by the policy, the student's. No
        # autocast: pixels up to 255 would lose precision; the networks cast.
        super().__init__(name=name, dtype=student.dtype_policy, autocast=False)
        self.student = student
        self.teachers = dict(teachers or {})
        self.co_trained = dict(co_trained or {})
        self.transfer_losses = list(transfer_losses)
        if transfer_weights is None:
            transfer_weights = [1.0] * len(self.transfer_losses)
        self.transfer_weights = FixedWeights(
            check_weight("transfer_weights", w) for w in transfer_weights
        )
        self.supervised_weight = check_weight(
            "supervised_weight", supervised_weight
        )
        self.views = views
        self.labelled_views = (
            views if labelled_views is None else labelled_views
        )
        check_views(views, self.labelled_views)
        self.soft_labels = bool(soft_labels)
        for teacher in self.teachers.values():
            freeze(teacher)
        self._networks = name_networks(
            student, self.teachers, self.co_trained, self.transfer_losses
        )
        check_losses(
            self.transfer_losses, self.transfer_weights, self._networks, views
        )
        self.term_trackers = {
            term: keras.metrics.Mean(name=term)
            for term in (
                *own_terms(self.co_trained),
                *(loss.name for loss in self.transfer_losses),
            )
        }
        for loss in self.transfer_losses:
            loss.fix()
        self.built = True

    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer = "sgd",
        loss: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """Configures training, as `keras.Model.compile` does.

        Args:
            optimizer: one optimizer for all that is trained.
            loss: the supervised loss, of labels and logits. The default is
                `keras_artkd.losses.cross_entropy`; it takes integers and also
                probabilities, which Mixup makes. Its values per example are
                averaged over the batch, whatever its own reduction.
            metrics: of labels and the student's logits. `"accuracy"` also
                takes labels of both forms.
            weighted_metrics: likewise, weighted by the sample weights.
            **kwargs: as in `keras.Model.compile`.

        Raises:
            ValueError: for a loss that expects probabilities.
        """
        if loss is None:
            loss = cross_entropy
        check_from_logits(loss)
        self.supervised_loss = keras.losses.get(loss)
        super().compile(
            optimizer=optimizer,
            loss=loss,
            metrics=metrics_of_labels(metrics),
            weighted_metrics=metrics_of_labels(weighted_metrics),
            **kwargs,
        )
        # TensorFlow traces a step that makes variables a second time.
        self.optimizer.build(self.trainable_variables)

    def call(self, inputs: Inputs, training: bool = False) -> Any:
        """Runs the networks.

        Args:
            inputs: images `(batch, height, width, 3)`, raw pixels; resized to
                what each network was built for. In training with a further
                axis of views where there are several, and a dict with
                recorded teachers (`keras_artkd.distillers.recorded`).
            training: whether networks are trained.

        Returns:
            The student's logits; in training a dict of role -> dict of
            endpoints, of every network that is trained or that a loss reads.
        """
        if not training:
            images = first_view(split_answers(inputs)[0])
            images = resize_to(images, self._networks[STUDENT].input_shape)
            return self.student(images, training=False)
        return {**self.call_teachers(inputs), **self.call_trained(inputs)}

    def call_teachers(self, inputs: Inputs) -> dict[str, Endpoints]:
        """Endpoints, by role, of the frozen teachers that a loss reads."""
        images, seen = split_answers(inputs)
        images = merge_views(images, self.views)
        read = {loss.teacher for loss in self.transfer_losses}
        return {
            role: self._networks[role](seen.get(role, images), training=False)
            for role in self.teachers
            if role in read
        }

    def call_trained(self, inputs: Inputs) -> dict[str, Endpoints]:
        """Endpoints of student and co-trained teachers, by role."""
        images = merge_views(split_answers(inputs)[0], self.views)
        return {
            role: self._networks[role](images, training=True)
            for role in (STUDENT, *self.co_trained)
        }

    def compute_loss(
        self,
        x: Inputs | None = None,
        y: Tensor | None = None,
        y_pred: Any = None,
        sample_weight: Tensor | None = None,
        training: bool = True,
    ) -> Tensor:
        """The objective of a batch.

        Args:
            x: unused.
            y: labels, as the supervised loss takes them.
            y_pred: what `call` returns.
            sample_weight: `(batch,)` or None.
            training: whether transfer losses count.

        Returns:
            Scalar, the mean over the batch this replica sees.
        """
        if not training:
            y = evaluation_labels(y, y_pred, self.student)
            supervised = self._supervised(y, y_pred, sample_weight)
            return supervised + sum_losses(without_exits(self.student).losses)
        if self.soft_labels:
            check_soft_labels(y)
        terms, total = self.compute_terms(y, y_pred, sample_weight)
        count = ops.shape(y_pred[STUDENT]["logits"])[0]
        for name, value in terms.items():
            self.term_trackers[name].update_state(value, sample_weight=count)
        return total

    def compute_terms(
        self,
        labels: Tensor,
        endpoints: Mapping[str, Endpoints],
        sample_weight: Tensor | None = None,
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Every term of the objective, and the weighted total.

        Args:
            labels: as the supervised loss takes them.
            endpoints: every network's, by role, as `call` returns them.
            sample_weight: `(batch,)` or None.

        Returns:
            dict of name -> unweighted scalar, and the total, a scalar.
        """

        def supervised(role: str) -> Tensor:
            logits = self._labelled(endpoints[role]["logits"])
            repeated = repeat_views(labels, self.labelled_views)
            return self._supervised(
                repeated, logits, sample_weight, self.labelled_views
            )

        terms = {"supervised": supervised(STUDENT)}
        weight = weight_at(self.supervised_weight, self.epoch)
        total = weight * terms["supervised"]
        for role in self.co_trained:
            terms[f"{role}_supervised"] = supervised(role)
            total = total + terms[f"{role}_supervised"]
        labels_of_views = repeat_views(labels, self.views)
        endpoints = self.complete_endpoints(labels_of_views, endpoints)
        for loss, weight in zip(
            self.transfer_losses, self.transfer_weights, strict=True
        ):
            teacher = endpoints[loss.teacher]
            if loss.detach_teacher and loss.teacher != STUDENT:
                teacher = {
                    name: ops.stop_gradient(tensor)
                    for name, tensor in teacher.items()
                }
            values = loss(labels_of_views, teacher, endpoints[STUDENT])
            views = 1 if loss.views else self.views
            terms[loss.name] = batch_mean(values, sample_weight, views)
            total = total + weight_at(weight, self.epoch) * terms[loss.name]
        terms["regularization"] = sum_losses(self.losses)
        return terms, total + terms["regularization"]

    def complete_endpoints(
        self, labels: Tensor, endpoints: Mapping[str, Endpoints]
    ) -> dict[str, Endpoints]:
        """What transfer losses read: `endpoints`, with what needs the labels.

        Args:
            labels: a row for each image.
            endpoints: every network's, by role, as `call` returns them.
        """
        return {
            role: self._networks[role].complete(of_role, labels)
            for role, of_role in endpoints.items()
        }

    def compute_metrics(
        self,
        x: Inputs,
        y: Tensor,
        y_pred: Any,
        sample_weight: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Updates and returns the metrics, of the student's logits."""
        if isinstance(y_pred, dict):
            y_pred = self._labelled(y_pred[STUDENT]["logits"])
            y = repeat_views(y, self.labelled_views)
            sample_weight = repeat_views(sample_weight, self.labelled_views)
        else:
            y = evaluation_labels(y, y_pred, self.student)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    @property
    def training_metrics(self) -> list[keras.Metric]:
        """See `TrainingModel`: the terms, and what losses log."""
        of_losses = [m for loss in self.transfer_losses for m in loss.metrics]
        return [*self.term_trackers.values(), *of_losses]

    @property
    def frozen_networks(self) -> list[keras.Model]:
        """Networks that no training changes: they have files of their own."""
        return [*self.teachers.values()]

    @property
    def trained_parts(self) -> list[keras.layers.Layer]:
        """Networks and losses that have weights to train."""
        return [self.student, *self.co_trained.values(), *self.transfer_losses]

    def _labelled(self, logits: Tensor) -> Tensor:
        return leading_views(logits, self.views, self.labelled_views)

    def _supervised(
        self,
        labels: Tensor,
        logits: Tensor,
        sample_weight: Tensor | None,
        views: int = 1,
    ) -> Tensor:
        values = loss_values(self.supervised_loss, labels, logits)
        return batch_mean(values, sample_weight, views)
