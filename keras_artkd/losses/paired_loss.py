"""The base of losses on pairs of feature maps, and their connectors."""

import keras
from keras import layers

from keras_artkd.layers.defaults import batch_norm, he_normal
from keras_artkd.layers.pooling import pool_to_smaller
from keras_artkd.losses.transfer_loss import TransferLoss

GROUP_PAIRS = tuple((group, group) for group in ("group1", "group2", "group3"))


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

    def __init__(self, pairs=GROUP_PAIRS, teacher="expert", **kwargs):
        super().__init__(teacher=teacher, **kwargs)
        self.pairs = tuple(tuple(pair) for pair in pairs)
        self.teacher_endpoints = tuple(pair[0] for pair in self.pairs)
        self.student_endpoints = tuple(pair[1] for pair in self.pairs)

    def make_connector(self, teacher_shape, student_shape):
        """A layer from the student's pooled map to the teacher's channels.

        Args:
            teacher_shape: `(None, height, width, channels)`, pooled.
            student_shape: the same of the student.

        Returns:
            An unbuilt layer, or None for no connector.
        """
        return None

    def build(self, teacher_shape, student_shape):
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

    def pooled_shapes(self, *named_shapes):
        """Shapes of a pair of maps after pooling to the smaller.

        Args:
            *named_shapes: two of `(endpoint name, shape)`.

        Raises:
            ValueError: for what is no map of a known size.
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

    def maps(self, teacher, student):
        """Pairs of maps of one size, teacher's first, not connected."""
        return [
            pool_to_smaller(teacher[teacher_name], student[student_name])
            for teacher_name, student_name in self.pairs
        ]

    def connected_maps(self, teacher, student):
        """Pairs of maps of one shape, the student's through a connector."""
        return [
            # A transfer loss is computed in training alone.
            (taught, connector(learnt, training=True))
            for (taught, learnt), connector in zip(
                self.maps(teacher, student), self.connectors, strict=True
            )
        ]

    def get_config(self):
        """Every constructor argument."""
        return {**super().get_config(), "pairs": self.pairs}


def sum_halving(values):
    """Sum in which each value counts half as much as the next."""
    total = 0.0
    for value in values:
        total = total / 2 + value
    return total


def convolution(filters, kernel_size=1, use_bias=False, initializer=None):
    """A convolution for connectors, float32 and He-normal by default."""
    return layers.Conv2D(
        filters,
        kernel_size,
        padding="same",
        use_bias=use_bias,
        kernel_initializer=initializer or he_normal("fan_out"),
        dtype="float32",
    )


def convolutional_connector(filters, use_bias=False, activation=None):
    """A 1x1 convolution, batch normalisation and an activation or none."""
    return keras.Sequential(
        [
            convolution(filters, use_bias=use_bias),
            batch_norm(dtype="float32"),
            layers.Activation(activation, dtype="float32"),
        ]
    )
