"""Contrastive representation distillation (CRD) with queues of negatives."""

import math
from collections.abc import Mapping
from typing import Any

import keras
from keras import initializers, layers, ops

from keras_artkd.losses.base import EmbeddingLoss, Endpoints, Shape
from keras_artkd.losses.labels import class_indices
from keras_artkd.losses.ops import check_temperature, pooled, unit
from keras_artkd.types import Tensor

# The label in the queue before an example is there; differs from all labels.
NO_LABEL = -1


def noise_contrastive(
    anchors: Tensor,
    positives: Tensor,
    negatives: Tensor,
    counted: Tensor,
    log_scale: Tensor = 0.0,
) -> Tensor:
    """Loss of telling an anchor's positive from its negatives (NCE).

    With scores `s` (an anchor's products with the others) and K negatives:
    `-log P(s_positive) - sum_k log(1 - P(s_k))` where `P(s) = e^s / (e^s + K
    e^log_scale)`.

    Args:
        anchors: `(batch, dim)`, divided by the temperature.
        positives: `(batch, dim)`.
        negatives: `(count, dim)`, of all anchors.
        counted: `(batch, count)`, bool: which are an anchor's negatives.
        log_scale: logarithm of the noise's constant.

    Returns:
        `(batch,)`, float32, nats per example.
    """
    anchors, positives, negatives, weights = (
        ops.cast(x, "float32") for x in (anchors, positives, negatives, counted)
    )
    number = ops.maximum(ops.sum(weights, axis=-1), 1.0)
    noise = ops.log(number) + log_scale
    own = ops.sum(anchors * positives, axis=-1) - noise
    others = ops.matmul(anchors, ops.transpose(negatives))
    others = others - ops.expand_dims(noise, -1)
    return ops.softplus(-own) + ops.sum(weights * ops.softplus(others), axis=-1)


@keras.saving.register_keras_serializable("keras_artkd")
class ContrastiveRepresentation(EmbeddingLoss):
    """Contrastive representation distillation (CRD).

    A trained `Dense` layer of each network projects its pooled features to
    unit vectors. A network's vector of an image should be near the other
    network's vector of the same image, and far from its vectors of other
    classes' images, in both directions (`noise_contrastive`).

    The authors' memory keeps one vector for each training image and needs the
    image's index. Here the positive is the other network's vector of the same
    batch, without a gradient. Negatives are the last `num_negatives` vectors
    of earlier batches, less those of the image's own class. Therefore the
    loss needs only labels, and its memory does not grow with the data set.
    The first batch sets the constant of the noise, as in the authors' code.
    Where labels are probabilities, the likeliest class counts. Images without a
    label are no negatives of each other.

    Under a `tf.distribute` strategy the queues keep the first replica's
    vectors.

    Args:
        embedding_dim: int, of the unit vectors.
        num_negatives: int, length of the queues.
        temperature: float > 0, of the scores.
        pair: `(teacher endpoint, student endpoint)`.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.

    Reference: Tian et al., "Contrastive Representation Distillation", 2019,
    https://arxiv.org/abs/1910.10699.
    """

    def __init__(
        self,
        embedding_dim: int = 128,
        num_negatives: int = 16384,
        temperature: float = 0.07,
        pair: tuple[str, str] = ("features", "features"),
        teacher: str = "expert",
        **kwargs: Any,
    ) -> None:
        super().__init__(pair=pair, teacher=teacher, **kwargs)
        check_temperature(temperature)
        for name, number in (
            ("embedding_dim", embedding_dim),
            ("num_negatives", num_negatives),
        ):
            if number < 1:
                raise ValueError(
                    f"`{name}` must be at least 1. Received: {name}={number!r}."
                )
        self.embedding_dim = embedding_dim
        self.num_negatives = num_negatives
        self.temperature = temperature
        self.teacher_projection = layers.Dense(embedding_dim, dtype="float32")
        self.student_projection = layers.Dense(embedding_dim, dtype="float32")

    def build(
        self,
        teacher_shape: Mapping[str, Shape],
        student_shape: Mapping[str, Shape],
    ) -> None:
        """Makes the projections, and the queues of random vectors."""
        taught, learnt = self.read(teacher_shape, student_shape)
        self.teacher_projection.build((None, taught[-1]))
        self.student_projection.build((None, learnt[-1]))
        shape = (self.num_negatives, self.embedding_dim)
        bound = math.sqrt(3.0 / self.embedding_dim)
        # One initializer each: a shared one would give both the same vectors.
        self.teacher_queue, self.student_queue = (
            self._add_state(
                name, shape, initializers.RandomUniform(-bound, bound)
            )
            for name in ("teacher_queue", "student_queue")
        )
        self.label_queue = self._add_state(
            "label_queue",
            shape[:1],
            initializers.Constant(NO_LABEL),
            dtype="int32",
        )
        # One of each direction; the third is 1 once they are set.
        self.log_scales = self._add_state("log_scales", (3,), "zeros")

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """`noise_contrastive` in both directions, per example."""
        labels = class_indices(labels)
        taught, learnt = map(pooled, self.read(teacher, student))
        taught = unit(self.teacher_projection(taught))
        learnt = unit(self.student_projection(learnt))
        queues = (self.teacher_queue, self.student_queue, self.label_queue)
        teachers, students, queued = (
            ops.stop_gradient(ops.convert_to_tensor(queue)) for queue in queues
        )
        counted = ops.expand_dims(labels, 1) != ops.expand_dims(queued, 0)
        to_teacher, to_student = self._scales(
            (learnt, teachers), (taught, students)
        )
        loss = noise_contrastive(
            learnt / self.temperature,
            ops.stop_gradient(taught),
            teachers,
            counted,
            to_teacher,
        ) + noise_contrastive(
            taught / self.temperature,
            ops.stop_gradient(learnt),
            students,
            counted,
            to_student,
        )
        for queue, newest in zip(queues, (taught, learnt, labels), strict=True):
            self._enqueue(queue, ops.stop_gradient(newest))
        return loss

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {
            **super().get_config(),
            "embedding_dim": self.embedding_dim,
            "num_negatives": self.num_negatives,
            "temperature": self.temperature,
        }

    def _add_state(
        self,
        name: str,
        shape: tuple[int, ...],
        initializer: Any,
        dtype: str | None = None,
    ) -> keras.Variable:
        return self.add_weight(
            shape=shape,
            initializer=initializer,
            dtype=dtype,
            trainable=False,
            # Replicas have different examples, whose mean is no example.
            aggregation="only_first_replica",
            name=name,
        )

    def _scales(
        self, *directions: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Logarithms of the mean of e^score in the first batch."""
        first = []
        for anchors, queue in directions:
            scores = ops.matmul(anchors, ops.transpose(queue))
            flat = ops.reshape(scores / self.temperature, (-1,))
            count = ops.cast(ops.size(flat), "float32")
            first.append(ops.logsumexp(flat) - ops.log(count))
        first = ops.stop_gradient(ops.stack([*first, 1.0]))
        scales = ops.convert_to_tensor(self.log_scales)
        scales = ops.where(scales[2] > 0.0, scales, first)
        self.log_scales.assign(scales)
        return scales[0], scales[1]

    def _enqueue(self, queue: keras.Variable, newest: Tensor) -> None:
        longer = ops.concatenate([newest, ops.convert_to_tensor(queue)])
        queue.assign(ops.reshape(longer[: self.num_negatives], queue.shape))
