"""The one objective and training step that every method shares."""

import inspect

import keras
from keras import ops

from keras_artkd.distillers.checks import (
    check_from_logits,
    check_losses,
    check_soft_labels,
    name_networks,
    own_terms,
)
from keras_artkd.distillers.network import STUDENT, resize_like
from keras_artkd.distillers.schedules import weight_at
from keras_artkd.distillers.views import (
    first_view,
    leading_views,
    mean_of_views,
    merge_views,
    repeat_views,
)
from keras_artkd.losses import cross_entropy, label_accuracy
from keras_artkd.losses.labels import without_rotations
from keras_artkd.models import without_exits

if keras.backend.backend() == "tensorflow":
    from keras_artkd.distillers.tensorflow_step import TrainStep
else:
    # Keras's own JAX and PyTorch steps call `call`, `compute_loss` and
    # `compute_metrics`, which is all they need.
    class TrainStep:
        """Nothing to add to Keras's own step."""


@keras.saving.register_keras_serializable("keras_artkd")
class Distiller(TrainStep, keras.Model):
    """Trains a student with a supervised loss and weighted transfer losses.

    Networks have roles. The student learns from labels and from teachers.
    Frozen `teachers` only answer: they run in inference mode, outside the
    gradient tape, and no step changes them. `co_trained` teachers learn
    beside the student from the labels alone; transfer losses pass them no
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
    export; one with heads for its training (`models.with_exits`) as
    `keras_artkd.models.without_exits(distiller.student)`.

    Under a `tf.distribute` strategy of several replicas, batch normalisation
    in the trained networks uses the statistics of the whole batch, so that
    two replicas of half a batch each take the step of one with the whole;
    except by losses that compare the examples of a batch, of which each
    replica sees its own.

    Args:
        student: a functional `keras.Model` from raw images to logits. Networks
            made by `keras_artkd.models` or `with_endpoints` offer inner
            endpoints besides.
        teachers: dict of role -> frozen teacher. Sets `trainable = False`
            on them.
        co_trained: dict of role -> teacher trained along.
        transfer_losses: list of `TransferLoss`, with distinct names.
        transfer_weights: list of as many floats, or serialisable callables
            of the epoch (a float tensor counted from 1). Defaults to ones.
        supervised_weight: float or such a callable, of the student's own
            supervised loss.
        views: int, how many images of each example a training batch has:
            images are `(batch, views, height, width, 3)` where it is not 1,
            and losses see `batch * views` rows, all of one example together,
            each with its example's label.
        labelled_views: int, of how many of these, the first, labels are
            learned; by default of all.
        soft_labels: whether labels must be probabilities, `(batch, classes)`,
            in training: class numbers are then refused. For students that
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

    def __init__(
        self,
        student,
        teachers=None,
        co_trained=None,
        transfer_losses=(),
        transfer_weights=None,
        supervised_weight=1.0,
        views=1,
        labelled_views=None,
        soft_labels=False,
        name=None,
    ):
        # `compile` decides on loss scaling by the policy: the student's. The
        # networks cast for themselves: pixels up to 255 lose by it.
        super().__init__(name=name, dtype=student.dtype_policy, autocast=False)
        self.student = student
        self.teachers = dict(teachers or {})
        self.co_trained = dict(co_trained or {})
        self.transfer_losses = list(transfer_losses)
        if transfer_weights is None:
            transfer_weights = [1.0] * len(self.transfer_losses)
        self.transfer_weights = list(transfer_weights)
        self.supervised_weight = supervised_weight
        self.views = views
        self.labelled_views = (
            views if labelled_views is None else labelled_views
        )
        if not 1 <= self.labelled_views <= views:
            raise ValueError(
                "`labelled_views` must be at least 1 and at most `views`. "
                f"Received: labelled_views={labelled_views!r}, views={views!r}."
            )
        self.soft_labels = bool(soft_labels)
        for teacher in self.teachers.values():
            _freeze(teacher)
        self._networks = name_networks(student, self.teachers, self.co_trained)
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
        # Counted from 1; a float, for schedules to compute with.
        self.epoch = keras.Variable(1.0, trainable=False, name="epoch")
        self._evaluating = False
        self.built = True

    def compile(
        self,
        optimizer="sgd",
        loss=None,
        metrics=None,
        weighted_metrics=None,
        **kwargs,
    ):
        """Configures training, as `keras.Model.compile` does.

        Args:
            optimizer: one optimizer for all that is trained.
            loss: the supervised loss, of labels and logits; by default
                `keras_artkd.losses.cross_entropy`, of integers as of
                probabilities, which Mixup makes. Its values per example are
                averaged over the batch, whatever its own reduction.
            metrics: of labels and the student's logits. `"accuracy"` takes
                labels of both forms too.
            weighted_metrics: likewise, by the sample weights.
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
            metrics=_of_any_labels(metrics),
            weighted_metrics=_of_any_labels(weighted_metrics),
            **kwargs,
        )
        # TensorFlow traces a step that makes variables a second time.
        self.optimizer.build(self.trainable_variables)

    def compile_from_config(self, config):
        """Compiles as saved; Keras does it for its own `compile` alone."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def call(self, images, training=False):
        """Runs the networks.

        Args:
            images: `(batch, height, width, 3)`, raw pixels; resized to what
                each network was built for. In training `(batch, views,
                height, width, 3)` where there are several views.
            training: if False, the student's logits are returned; if True,
                dict of role -> dict of endpoints of every network that is
                trained or that a loss reads.
        """
        if not training:
            images = first_view(images)
            return self.student(
                resize_like(images, self.student), training=False
            )
        return {
            **self.call_teachers(images),
            **self.call_trained(images),
        }

    def call_teachers(self, images):
        """Endpoints, by role, of the frozen teachers that a loss reads."""
        images = merge_views(images, self.views)
        read = {loss.teacher for loss in self.transfer_losses}
        return {
            role: self._networks[role](images, training=False)
            for role in self.teachers
            if role in read
        }

    def call_trained(self, images):
        """Endpoints of student and co-trained teachers, by role."""
        images = merge_views(images, self.views)
        return {
            role: self._networks[role](images, training=True)
            for role in (STUDENT, *self.co_trained)
        }

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """The objective of a batch.

        Args:
            x: unused.
            y: labels, as the supervised loss takes them.
            y_pred: in training, every network's endpoints by role, as `call`
                returns them; else the student's logits.
            sample_weight: `(batch,)` or None.
            training: whether transfer losses count.

        Returns:
            Scalar, the mean over the batch this replica sees.
        """
        if not training:
            y = self._evaluated(y, y_pred)
            supervised = self._supervised(y, y_pred, sample_weight)
            return supervised + _sum(without_exits(self.student).losses)
        if self.soft_labels:
            check_soft_labels(y)
        terms, total = self.compute_terms(y, y_pred, sample_weight)
        count = ops.shape(y_pred[STUDENT]["logits"])[0]
        for name, value in terms.items():
            self.term_trackers[name].update_state(value, sample_weight=count)
        return total

    def compute_terms(self, labels, endpoints, sample_weight=None):
        """Every term of the objective, and the weighted total.

        Returns:
            dict of name -> unweighted scalar, and the total, a scalar.
        """

        def supervised(role):
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
        terms["regularization"] = _sum(self.losses)
        return terms, total + terms["regularization"]

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Updates and returns the metrics, of the student's logits."""
        if isinstance(y_pred, dict):
            y_pred = self._labelled(y_pred[STUDENT]["logits"])
            y = repeat_views(y, self.labelled_views)
            sample_weight = repeat_views(sample_weight, self.labelled_views)
        else:
            y = self._evaluated(y, y_pred)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    @property
    def metrics(self):
        """Metrics in the logs; the terms are those of training alone."""
        if not self._evaluating:
            return super().metrics
        terms = {id(tracker) for tracker in self.term_trackers.values()}
        for loss in self.transfer_losses:
            terms |= {id(metric) for metric in loss.metrics}
        return [m for m in super().metrics if id(m) not in terms]

    def fit(self, *args, **kwargs):
        """As `keras.Model.fit`; keeps `epoch` for scheduled weights."""
        bound = inspect.signature(super().fit).bind(*args, **kwargs)
        callbacks = bound.arguments.get("callbacks")
        counter = _EpochCounter(bound.arguments.get("epochs", 1))
        if isinstance(callbacks, keras.callbacks.CallbackList):
            # That of a fit before knows other epochs.
            callbacks.callbacks[:] = [
                c for c in callbacks.callbacks if type(c) is not _EpochCounter
            ]
            counter.set_model(self)
            callbacks.callbacks.append(counter)
        else:
            bound.arguments["callbacks"] = [counter, *_as_list(callbacks)]
        return super().fit(*bound.args, **bound.kwargs)

    def begin_epoch(self, epoch, epochs):
        """Called by `fit` before an epoch.

        Args:
            epoch: int, counted from 0.
            epochs: int, of the whole training.
        """
        self.epoch.assign(epoch + 1.0)

    def end_epoch(self, epoch, logs):
        """Called by `fit` after an epoch, with its logs."""

    def rate_schedule(self, learning_rate, epochs, steps_per_epoch):
        """The learning rate that the method prescribes.

        Args:
            learning_rate: float, the first.
            epochs: int, of the whole training.
            steps_per_epoch: int.

        Returns:
            A Keras `LearningRateSchedule`; None where the method leaves it to
            the recipe, as most do.
        """
        return None

    @property
    def student_is_whole(self):
        """Whether every part of the student has been trained by now."""
        return True

    @property
    def frozen_networks(self):
        """Networks that no training changes: they have files of their own."""
        return [*self.teachers.values()]

    @property
    def trained_parts(self):
        """Networks and losses that have weights to train."""
        return [self.student, *self.co_trained.values(), *self.transfer_losses]

    @property
    def variables_to_train(self):
        """The variables that a step changes by gradients."""
        return self.trainable_variables

    @property
    def optimizers(self):
        """All optimizers of a training, a dict by name."""
        return {"optimizer": self.optimizer}

    def evaluate(self, *args, **kwargs):
        """As `keras.Model.evaluate`, of the student alone."""
        self._evaluating = True
        try:
            return super().evaluate(*args, **kwargs)
        finally:
            self._evaluating = False

    def _evaluated(self, labels, logits):
        # Keras shapes everything by a batch of the training too, whose
        # probabilities are those of classes in rotations.
        rotations = getattr(without_exits(self.student), "rotations", 1)
        return without_rotations(labels, logits.shape[-1], rotations)

    def _labelled(self, logits):
        return leading_views(logits, self.views, self.labelled_views)

    def _supervised(self, labels, logits, sample_weight, views=1):
        # Per example: `Loss.__call__` would reduce, and divide by replicas.
        loss = self.supervised_loss
        function = loss.call if isinstance(loss, keras.losses.Loss) else loss
        return batch_mean(function(labels, logits), sample_weight, views)

    def get_config(self):
        """Every constructor argument; networks and losses serialised."""
        return {
            "name": self.name,
            "student": _serialize(self.student),
            "teachers": _serialize(dict(self.teachers)),
            "co_trained": _serialize(dict(self.co_trained)),
            "transfer_losses": _serialize(list(self.transfer_losses)),
            "transfer_weights": _serialize(list(self.transfer_weights)),
            "supervised_weight": _serialize(self.supervised_weight),
            "views": self.views,
            "labelled_views": self.labelled_views,
            "soft_labels": self.soft_labels,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Rebuilds networks and losses, then the distiller."""
        return cls(
            **{
                key: keras.saving.deserialize_keras_object(
                    value, custom_objects=custom_objects
                )
                for key, value in config.items()
            }
        )


class _EpochCounter(keras.callbacks.Callback):
    """Tells the distiller which epoch it is."""

    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(self, epoch, logs=None):
        self.model.begin_epoch(epoch, self.epochs)

    def on_epoch_end(self, epoch, logs=None):
        self.model.end_epoch(epoch, logs or {})


def _freeze(model):
    # Of a model that says it is frozen already Keras takes this for no
    # change, though its layers may be trainable: it loads them so.
    model.trainable = True
    model.trainable = False


def _serialize(value):
    return keras.saving.serialize_keras_object(value)


def _as_list(callbacks):
    if callbacks is None:
        return []
    return (
        list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
    )


def _sum(losses):
    return ops.sum(ops.stack(losses)) if losses else ops.zeros(())


def _of_any_labels(metrics):
    # Keras would choose by the first labels it sees, those of training.
    def own(metric):
        if metric in ("accuracy", "acc"):
            return keras.metrics.MeanMetricWrapper(label_accuracy, name=metric)
        return metric

    return keras.tree.map_structure(own, metrics)


def batch_mean(values, sample_weight=None, views=1):
    """Mean over the batch of values per example, or of a batch's scalar.

    Of `views` values per example, one after another, the mean counts.
    """
    values = ops.cast(values, "float32")
    if len(values.shape) > 0:
        values = mean_of_views(values, views)
    if sample_weight is None:
        return ops.mean(values)
    sample_weight = ops.cast(sample_weight, "float32")
    if len(values.shape) == 0:
        return values * ops.mean(sample_weight)
    return ops.mean(values * ops.reshape(sample_weight, ops.shape(values)))
