"""Features of a teacher through projectors: pooled, and position by position.

What the student's features are near to, not their values: similarities with
the teacher's features of other images, and among the positions of an image.
"""

from collections.abc import Mapping
from typing import Any

import keras
from keras import initializers, layers, ops

from keras_artkd.losses.base import EmbeddingLoss, Endpoints, Shape
from keras_artkd.losses.ops import (
    check_temperature,
    log_probabilities,
    pooled,
    unit,
)
from keras_artkd.types import Tensor

# What LightlyTrain has for both.
TEMPERATURE = 0.07
_FEATURES = ("features", "features")


def pooled_similarity(
    teacher: Tensor,
    student: Tensor,
    bank: Tensor,
    temperature: float = TEMPERATURE,
) -> Tensor:
    """Divergence of what an image's vector is near to in a bank of vectors.

    `KL(softmax(t B / T) || softmax(s B / T))`, all vectors at unit length.

    Args:
        teacher: `(batch, channels)`.
        student: `(batch, channels)`, projected to the teacher's channels.
        bank: `(size, channels)`, the teacher's vectors of some images.
        temperature: float > 0, T.

    Returns:
        `(batch,)`, float32, nats per example.

    Reference: LightlyTrain 0.15, method `distillationv3`, global loss,
    https://docs.lightly.ai/train/stable/pretrain_distill/methods/distillation.html
    """
    teacher, student, bank = (
        unit(ops.cast(x, "float32")) for x in (teacher, student, bank)
    )
    others = ops.transpose(bank)
    return _divergence(
        ops.matmul(teacher, others), ops.matmul(student, others), temperature
    )


def spatial_similarity(
    teacher: Tensor, student: Tensor, temperature: float = TEMPERATURE
) -> Tensor:
    """Divergence of how the positions of a map are near to each other.

    `KL(softmax(t_p t' / T) || softmax(s_p s' / T))`, the mean over positions
    p, all vectors at unit length.

    Args:
        teacher: `(batch, height, width, channels)`.
        student: `(batch, height, width, channels)`; these may be others.
        temperature: float > 0, T.

    Returns:
        `(batch,)`, float32, nats per position.

    Reference: LightlyTrain 0.15, method `distillationv3`, local loss, see
    `pooled_similarity`.
    """
    near = []
    for features in (teacher, student):
        _, height, width, channels = features.shape
        rows = ops.reshape(
            ops.cast(features, "float32"), (-1, height * width, channels)
        )
        rows = unit(rows)
        near.append(ops.matmul(rows, ops.transpose(rows, (0, 2, 1))))
    of_teacher, of_student = near
    values = _divergence(of_teacher, of_student, temperature)
    return ops.mean(values, axis=-1)


class _ProjectedFeatures(EmbeddingLoss):
    """A loss on features, the student's projected to the teacher's channels.

    Args:
        temperature: float > 0.
        pair: `(teacher endpoint, student endpoint)`.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self,
        temperature: float = TEMPERATURE,
        pair: tuple[str, str] = _FEATURES,
        teacher: str = "expert",
        **kwargs: Any,
    ) -> None:
        super().__init__(pair=pair, teacher=teacher, **kwargs)
        check_temperature(temperature)
        self.temperature = temperature

    def build(
        self,
        teacher_shape: Mapping[str, Shape],
        student_shape: Mapping[str, Shape],
    ) -> None:
        """Makes the projector: linear, with a bias."""
        taught, learnt = self.read(teacher_shape, student_shape)
        self.projector = layers.Dense(
            taught[-1],
            kernel_initializer=initializers.TruncatedNormal(stddev=0.02),
            dtype="float32",
        )
        self.projector.build((*learnt[:-1], learnt[-1]))

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {**super().get_config(), "temperature": self.temperature}


@keras.saving.register_keras_serializable("keras_artkd")
class PooledSimilarity(_ProjectedFeatures):
    """`pooled_similarity` with a bank of the teacher's latest vectors.

    They are those of the batch and, behind it, of the batches before, as many
    as `queue` says. At first the rest are zeros.

    Under a `tf.distribute` strategy each replica compares with its own batch;
    behind it come the first replica's vectors.

    Args:
        temperature: float > 0.
        queue: int >= 1, vectors to compare with.
        pair: `(teacher endpoint, student endpoint)`, by default the last
            features of both.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self,
        temperature: float = TEMPERATURE,
        queue: int = 512,
        pair: tuple[str, str] = _FEATURES,
        teacher: str = "expert",
        **kwargs: Any,
    ) -> None:
        super().__init__(temperature, pair=pair, teacher=teacher, **kwargs)
        if queue < 1:
            raise ValueError(
                "`queue` must be at least 1, the vectors to compare with. "
                f"Received: queue={queue!r}."
            )
        self.queue = int(queue)

    def build(
        self,
        teacher_shape: Mapping[str, Shape],
        student_shape: Mapping[str, Shape],
    ) -> None:
        """Makes the projector and the bank."""
        super().build(teacher_shape, student_shape)
        self.bank = self.add_weight(
            shape=(self.queue, self.read(teacher_shape, student_shape)[0][-1]),
            initializer="zeros",
            trainable=False,
            # Replicas have different examples, whose mean is no example.
            aggregation="only_first_replica",
            name="bank",
        )

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """The divergence of the pooled features."""
        taught, learnt = map(pooled, self.read(teacher, student))
        latest = ops.stop_gradient(unit(taught))
        bank = ops.concatenate([latest, ops.convert_to_tensor(self.bank)])
        bank = ops.reshape(bank[: self.queue], self.bank.shape)
        self.bank.assign(bank)
        return pooled_similarity(
            taught, self.projector(learnt), bank, self.temperature
        )

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {**super().get_config(), "queue": self.queue}


@keras.saving.register_keras_serializable("keras_artkd")
class SpatialSimilarity(_ProjectedFeatures):
    """`spatial_similarity` of the student's map on the teacher's grid.

    It is projected, then interpolated (bilinear, without antialiasing, as
    LightlyTrain does).

    Args:
        temperature: float > 0.
        pair: `(teacher endpoint, student endpoint)`, by default the last maps
            of both.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def build(
        self,
        teacher_shape: Mapping[str, Shape],
        student_shape: Mapping[str, Shape],
    ) -> None:
        """Makes the projector.

        Raises:
            ValueError: for an endpoint that is no map of a known size.
        """
        shapes = self.read(teacher_shape, student_shape)
        for name, shape in zip(self.pair, shapes, strict=True):
            if len(shape) != 4 or None in tuple(shape)[1:]:
                raise ValueError(
                    f"Transfer loss {self.name!r} needs feature maps of a "
                    "fixed size, (batch, height, width, channels). Received: "
                    f"{name} {tuple(shape)}. Fix: name layers that give maps, "
                    "of networks built with a fixed `input_shape`."
                )
        super().build(teacher_shape, student_shape)

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """The divergence of the maps."""
        taught, learnt = self.read(teacher, student)
        learnt = self.projector(learnt)
        size = tuple(taught.shape[1:3])
        if tuple(learnt.shape[1:3]) != size:
            learnt = ops.image.resize(
                learnt,
                size,
                interpolation="bilinear",
                antialias=False,
                data_format="channels_last",
            )
        return spatial_similarity(taught, learnt, self.temperature)


def _divergence(teacher: Tensor, student: Tensor, temperature: float) -> Tensor:
    """`KL(softmax(teacher / T) || softmax(student / T))` of the last axis."""
    expected, said = (
        log_probabilities(x, temperature) for x in (teacher, student)
    )
    return ops.sum(ops.exp(expected) * (expected - said), axis=-1)
