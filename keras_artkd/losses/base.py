"""Base classes of the transfer losses."""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import keras

from keras_artkd.layers.pooling import pool_to_smaller
from keras_artkd.losses.ops import check_temperature
from keras_artkd.types import Tensor

Endpoints: TypeAlias = Mapping[str, Tensor]
"""A network's endpoints, tensors by name."""

Shape: TypeAlias = tuple[Any, ...]
"""The shape of a tensor: ints, or None where a size is not known yet."""

GROUP_PAIRS = tuple((group, group) for group in ("group1", "group2", "group3"))


class TransferLoss(keras.layers.Layer):
    """Compares the endpoints of a teacher and of the student.

    A subclass overrides `call(labels, teacher, student)`. Unless it reads
    only the logits, it also sets `teacher_endpoints` and
    `student_endpoints`. It is a layer so that Keras tracks, trains and saves
    a trainable connector, made in `build` or `__init__`. It carries no weight
    of its own: the `Distiller` weights it. It computes in float32, whatever
    the networks' policies.

    Args:
        teacher: role of the network to learn from: a key of the distiller's
            `teachers` or `co_trained`, or `"student"` for self-distillation.
        detach_teacher: whether the teacher gets no gradient from this loss.
            Matters for co-trained teachers only.
        name: also the name of the term in the logs.

    Call arguments:
        labels: as `fit` receives them: `(batch,)` integers, or `(batch,
            classes)` probabilities as Mixup makes them.
        teacher: dict of the teacher's endpoints, tensors by name.
        student: dict of the student's endpoints.

    Output shape:
        `(batch,)`, one value per example, which sample weights then weight;
        or `()` where the loss is a property of the batch. A batch may have
        several views of each example (see `Distiller`): endpoints and labels
        then have a row for each view, and the views of one example are
        together. A loss that compares views sets their number (`views = 2`)
        and returns one value per example.

    Example:
    >>> class MeanLogit(TransferLoss):
    ...     def call(self, labels, teacher, student):
    ...         gap = teacher["logits"] - student["logits"]
    ...         return keras.ops.mean(keras.ops.abs(gap), axis=-1)
    """

    teacher_endpoints: tuple[str, ...] = ("logits",)
    student_endpoints: tuple[str, ...] = ("logits",)
    views: int | None = None

    def __init__(
        self,
        teacher: str = "expert",
        detach_teacher: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        # Keras would number the second instance of a class. The terms in the
        # logs would then change names from one run to the next.
        name = name or _snake_case(type(self).__name__)
        kwargs.setdefault("dtype", "float32")
        super().__init__(name=name, **kwargs)
        self.teacher = teacher
        self.detach_teacher = detach_teacher

    def fix(self) -> None:
        """Refuses new values of its arguments from now on.

        A distiller's traced step holds those that it was made with.
        """
        classes = type(self).__mro__
        own = classes[: classes.index(TransferLoss) + 1]
        # Keras's arguments may change: `trainable` does with the distiller's.
        # Not by `get_config`, which imports TensorFlow on any backend.
        self._fixed = frozenset(
            name
            for each in own
            if "__init__" in vars(each)
            for name, parameter in inspect.signature(each).parameters.items()
            if parameter.kind is not parameter.VAR_KEYWORD
        ) - {"name"}

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuses arguments that a traced step would not see."""
        if name in getattr(self, "_fixed", ()):
            raise AttributeError(
                f"`{name}` of {self.name!r} is part of a distiller's training "
                "step, which would go on with the old value. Received: "
                f"{name}={value!r}. Fix: a new loss, and a new distiller."
            )
        super().__setattr__(name, value)

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {
            **super().get_config(),
            "teacher": self.teacher,
            "detach_teacher": self.detach_teacher,
        }


class TemperatureLoss(TransferLoss):
    """A transfer loss on logits with a softmax temperature.

    Args:
        temperature: float > 0. Defaults to 4.0.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self, temperature: float = 4.0, teacher: str = "expert", **kwargs: Any
    ) -> None:
        super().__init__(teacher=teacher, **kwargs)
        check_temperature(temperature)
        self.temperature = temperature

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {**super().get_config(), "temperature": self.temperature}


class PreparedLogits(TransferLoss):
    """Puts `prepare` before the loss on logits that it is mixed into.

    It comes first among the bases: `class PerceptionKD(PreparedLogits, KD)`.
    """

    def prepare(self, logits: Tensor) -> Tensor:
        """Logits as the loss takes them; of teacher and student alike.

        Args:
            logits: `(batch, classes)`, not normalised.

        Returns:
            `(batch, classes)`.
        """
        raise NotImplementedError

    def call(
        self, labels: Tensor, teacher: Endpoints, student: Endpoints
    ) -> Tensor:
        """The loss of the prepared logits."""
        taught, learnt = (
            {"logits": self.prepare(side["logits"])}
            for side in (teacher, student)
        )
        return super().call(labels, taught, learnt)


class EmbeddingLoss(TransferLoss):
    """A transfer loss on one endpoint of each network.

    Networks may differ in channels and in resolution.

    Args:
        pair: `(teacher endpoint, student endpoint)`, by default the last
            features of both.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self,
        pair: tuple[str, str] = ("features", "features"),
        teacher: str = "expert",
        **kwargs: Any,
    ) -> None:
        super().__init__(teacher=teacher, **kwargs)
        self.pair = tuple(pair)
        self.teacher_endpoints = self.pair[:1]
        self.student_endpoints = self.pair[1:]

    def read(self, teacher: Endpoints, student: Endpoints) -> tuple[Any, Any]:
        """The two tensors (or shapes) to compare, teacher's first."""
        return teacher[self.pair[0]], student[self.pair[1]]

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {**super().get_config(), "pair": self.pair}


class PairedLoss(TransferLoss):
    """A transfer loss on pairs of feature maps, shallow to deep.

    Maps of different size are average-pooled to the smaller. A subclass that
    overrides `make_connector` gets a connector for each pair, in
    `connectors`.

    Args:
        pairs: `(teacher endpoint, student endpoint)` names, by default the
            three groups of a wide ResNet.
        teacher: role of the network to learn from.
        **kwargs: see `TransferLoss`.
    """

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]] = GROUP_PAIRS,
        teacher: str = "expert",
        **kwargs: Any,
    ) -> None:
        super().__init__(teacher=teacher, **kwargs)
        self.pairs = tuple(
            (teacher_name, student_name) for teacher_name, student_name in pairs
        )
        self.teacher_endpoints = tuple(pair[0] for pair in self.pairs)
        self.student_endpoints = tuple(pair[1] for pair in self.pairs)

    def make_connector(
        self, teacher_shape: Shape, student_shape: Shape
    ) -> keras.layers.Layer | None:
        """A layer from the student's pooled map to the teacher's channels.

        Args:
            teacher_shape: `(None, height, width, channels)`, pooled.
            student_shape: the same of the student.

        Returns:
            An unbuilt layer, or None for no connector.
        """
        return None

    def build(
        self,
        teacher_shape: Mapping[str, Shape],
        student_shape: Mapping[str, Shape],
    ) -> None:
        """Makes and builds the connectors."""
        self.connectors = []
        for teacher_name, student_name in self.pairs:
            shapes = self.pooled_shapes(
                (teacher_name, teacher_shape[teacher_name]),
                (student_name, student_shape[student_name]),
            )
            connector = self.make_connector(*shapes)
            if connector is not None:
                connector.build(shapes[1])
                self.connectors.append(connector)

    def pooled_shapes(
        self, *named_shapes: tuple[str, Shape]
    ) -> tuple[Shape, ...]:
        """Shapes of a pair of maps after pooling to the smaller.

        Args:
            *named_shapes: two of `(endpoint name, shape)`.

        Raises:
            ValueError: for an endpoint that is no map of a known size.
        """
        for name, shape in named_shapes:
            if len(shape) != 4 or None in tuple(shape)[1:]:
                raise ValueError(
                    f"Transfer loss {self.name!r} needs feature maps of a "
                    "fixed size, (batch, height, width, channels). Received: "
                    f"{name} {tuple(shape)}. Fix: name layers that give maps, "
                    "of networks built with a fixed `input_shape`."
                )
        shapes = [tuple(shape) for _, shape in named_shapes]
        height, width = (min(shape[i] for shape in shapes) for i in (1, 2))
        return tuple((None, height, width, shape[3]) for shape in shapes)

    def maps(
        self, teacher: Endpoints, student: Endpoints
    ) -> list[tuple[Tensor, Tensor]]:
        """Pairs of maps of one size, teacher's first, not connected."""
        return [
            pool_to_smaller(teacher[teacher_name], student[student_name])
            for teacher_name, student_name in self.pairs
        ]

    def connected_maps(
        self, teacher: Endpoints, student: Endpoints
    ) -> list[tuple[Tensor, Tensor]]:
        """Pairs of maps of one shape, the student's through a connector."""
        return [
            # A transfer loss is computed only in training.
            (taught, connector(learnt, training=True))
            for (taught, learnt), connector in zip(
                self.maps(teacher, student), self.connectors, strict=True
            )
        ]

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {**super().get_config(), "pairs": self.pairs}


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
