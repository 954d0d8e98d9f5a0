"""The networks of a training in stages, cut at their groups."""

import keras
from keras import ops

from keras_artkd.distillers.endpoint_pairs import group_pairs
from keras_artkd.distillers.network import Network, resize_like
from keras_artkd.layers.pooling import pool_to
from keras_artkd.losses.paired_loss import convolutional_connector
from keras_artkd.models.endpoints import LOGITS, get_endpoints
from keras_artkd.models.splitting import network_part, split_network

PARTNER, TAUGHT = "partner", "taught"


class StagedNetworks:
    """The networks, cut at their groups.

    A plain object, so that Keras does not track every layer a second time.

    Attributes:
        pairs: tuple of `(teacher endpoint, student endpoint)`, one a block.
        shapes: for each the shapes of the teacher's and the student's map.
        teacher: `Network`, the teacher at work.
        student: list of its parts, the head last.
        partner: `Network`, and `partner_parts`: what is before its head, and
            the head; both None without partner.
        last: the teacher's endpoint that adversaries judge.
        judged: its KerasTensor.
    """

    def __init__(self, student, teacher, partner):
        self.pairs = group_pairs(teacher, student)
        known = get_endpoints(teacher), get_endpoints(student)
        self.shapes = [
            tuple(
                _map_shape(name, endpoints[name].shape)
                for name, endpoints in zip(pair, known, strict=True)
            )
            for pair in self.pairs
        ]
        self.teacher = Network(TAUGHT, teacher)
        self.student = split_network(student, [pair[1] for pair in self.pairs])
        self.partner = self.partner_parts = None
        deepest = self.pairs[-1][0]
        if partner is not None:
            self.partner = Network(PARTNER, partner)
            self.partner_parts = split_network(partner, [deepest])
        endpoints = known[0]
        self.last = "features" if "features" in endpoints else deepest
        # Where the last map is the block's own, the tail has but the logits.
        self._tails = [
            network_part(
                teacher,
                name,
                [LOGITS]
                if endpoints[self.last] is endpoints[name]
                else [LOGITS, self.last],
            )
            for name, _ in self.pairs
        ]
        self.judged = endpoints[self.last]

    @property
    def blocks(self):
        """How many blocks the student has."""
        return len(self.pairs)

    def call_tail(self, block, x):
        """The teacher's logits and last map, of a map that is not its own."""
        end = self._tails[block - 1](x, training=False)
        return {self.last: x, **end}


def copy_network(network):
    """Another network of the same weights, all of it trainable."""
    config = keras.saving.serialize_keras_object(network)
    copy = keras.saving.deserialize_keras_object(config)
    copy.trainable = True
    copy.set_weights(network.get_weights())
    return copy


def make_adapter(teacher_shape, student_shape):
    """From the student's map to the teacher's channels."""
    if teacher_shape == student_shape:
        return keras.layers.Identity(dtype="float32")
    adapter = convolutional_connector(teacher_shape[-1])
    adapter.build((None, *teacher_shape[:2], student_shape[-1]))
    return adapter


def resize_map(x, shape):
    """A map of so many rows and columns, pooled or interpolated."""
    size = shape[:2]
    if tuple(x.shape[1:3]) == size:
        return x
    if x.shape[1] >= size[0] and x.shape[2] >= size[1]:
        return pool_to(x, *size)
    return ops.image.resize(ops.cast(x, "float32"), size, "bilinear")


def call_frozen(parts, x):
    """What frozen parts make of it, which gets no gradient."""
    for part in parts:
        x = part(x, training=False)
    return ops.stop_gradient(x)


def call_head(parts, images):
    """The logits of parts of which the last alone is trained."""
    *blocks, head = parts
    x = call_frozen(blocks, resize_like(images, parts[0]))
    return {LOGITS: head(x, training=True)}


def _map_shape(name, shape):
    if len(shape) != 4 or None in tuple(shape)[1:]:
        raise ValueError(
            "Blocks must end in feature maps of a fixed size, (batch, height, "
            f"width, channels). Received: {name} {tuple(shape)}. Fix: name "
            "layers that give maps, of networks built with a fixed "
            "`input_shape`."
        )
    return tuple(shape)[1:]
