"""The networks of a training in stages, cut at their groups."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_artkd.distillers.adversaries import FeatureScore
from keras_artkd.distillers.endpoint_pairs import group_pairs
from keras_artkd.distillers.roles import RoleNetwork
from keras_artkd.layers.pooling import pool_to
from keras_artkd.losses.base import Endpoints
from keras_artkd.losses.connectors import convolutional_connector
from keras_artkd.models.endpoints import LOGITS, get_endpoints
from keras_artkd.models.resizing import resize_like
from keras_artkd.models.splitting import network_part, split_network
from keras_artkd.types import Tensor

PARTNER, TAUGHT = "partner", "taught"


class StagedNetworks:
    """The networks, cut at their groups, and what lies between them.

    A plain object, so that Keras does not track every layer a second time.

    Args:
        student: the network to train.
        teacher: the teacher at work.
        partner: the network of the mutual phases, or None.
        adversaries: whether blocks have adversaries.

    Attributes:
        pairs: tuple of `(teacher endpoint, student endpoint)`, one a block.
        shapes: for each the shapes of the teacher's and the student's map.
        adapters: for each a layer from the student's map to the teacher's.
        scores: for each its adversary, a `FeatureScore`; empty without.
        tails: for each the rest of the teacher, behind the adapted map.
        whole_student: the student.
        student: list of its parts, the head last.
        teacher: `RoleNetwork`, the teacher at work.
        partner: `RoleNetwork`; None without partner.
        partner_parts: what is before its head, and the head; empty without.
        last: the teacher's endpoint that adversaries judge.
    """

    def __init__(
        self,
        student: keras.Model,
        teacher: keras.Model,
        partner: keras.Model | None,
        adversaries: bool,
    ) -> None:
        self.pairs = group_pairs(teacher, student)
        of_teacher, of_student = get_endpoints(teacher), get_endpoints(student)
        self.shapes = [
            (_map_shape(taught, of_teacher), _map_shape(learnt, of_student))
            for taught, learnt in self.pairs
        ]
        self.teacher = RoleNetwork(TAUGHT, teacher)
        self.whole_student = student
        self.student = split_network(student, [pair[1] for pair in self.pairs])
        deepest = self.pairs[-1][0]
        self.partner = None
        self.partner_parts: list[keras.Model] = []
        if partner is not None:
            self.partner = RoleNetwork(PARTNER, partner)
            self.partner_parts = split_network(partner, [deepest])
        self.last = "features" if "features" in of_teacher else deepest
        # Where the last map is the block's own, only logits are left.
        self.tails = [
            network_part(
                teacher,
                name,
                [LOGITS]
                if of_teacher[self.last] is of_teacher[name]
                else [LOGITS, self.last],
            )
            for name, _ in self.pairs
        ]
        self.adapters = [_make_adapter(*shapes) for shapes in self.shapes]
        self.scores = []
        for block in range(1, self.blocks + 1) if adversaries else ():
            score = FeatureScore(name=f"score{block}")
            score.build(of_teacher[self.last].shape)
            self.scores.append(score)

    @property
    def blocks(self) -> int:
        """The number of the student's blocks."""
        return len(self.pairs)

    def call_tail(self, block: int, x: Tensor) -> Endpoints:
        """Runs a student's map through the adapter and the rest of the teacher.

        Args:
            block: int, whose map it is, counted from 1.
            x: the map.

        Returns:
            dict of the `"adapted"` map, the teacher's `"logits"` of it, and
            `"judged"`: block -> the last map, empty without adversaries.
        """
        adapted = _resize_map(x, self.shapes[block - 1][0])
        adapted = self.adapters[block - 1](adapted, training=True)
        end = self.tails[block - 1](adapted, training=False)
        judged = {block: end.get(self.last, adapted)} if self.scores else {}
        return {"adapted": adapted, "judged": judged, LOGITS: end[LOGITS]}

    def call_block(self, block: int, images: Tensor) -> Endpoints:
        """Runs a block behind the frozen ones before it, and `call_tail`."""
        *before, trained = self.student[:block]
        x = _call_frozen(before, resize_like(images, self.whole_student))
        return self.call_tail(block, trained(x, training=True))

    def call_student(self, images: Tensor) -> Endpoints:
        """Runs all of the student.

        Returns:
            dict of its `"logits"`, and `"judged"` of every block, see
            `call_tail`.
        """
        *blocks, head = self.student
        x = resize_like(images, self.whole_student)
        judged: dict[int, Tensor] = {}
        for block, part in enumerate(blocks, start=1):
            x = part(x, training=True)
            if self.scores:
                judged |= self.call_tail(block, x)["judged"]
        return {LOGITS: head(x, training=True), "judged": judged}


def copy_network(network: keras.Model) -> keras.Model:
    """Another network of the same weights, all of it trainable."""
    config = keras.saving.serialize_keras_object(network)
    copy = keras.saving.deserialize_keras_object(config)
    copy.trainable = True
    copy.set_weights(network.get_weights())
    return copy


def call_head(parts: Sequence[keras.Model], images: Tensor) -> Endpoints:
    """The logits of parts of which only the last is trained."""
    *blocks, head = parts
    x = _call_frozen(blocks, resize_like(images, parts[0]))
    return {LOGITS: head(x, training=True)}


def expert_stages(
    expert: keras.Model | Sequence[keras.Model],
) -> list[keras.Model]:
    """The stages of an expert, from the youngest.

    Args:
        expert: a network, or the sequence of its stages.

    Raises:
        ValueError: if the stages are not of one network.
    """
    stages = [*expert] if isinstance(expert, Sequence) else [expert]
    shapes = [[tuple(w.shape) for w in stage.weights] for stage in stages]
    if not shapes or any(shape != shapes[0] for shape in shapes):
        raise ValueError(
            "The stages of an expert must be one network with different "
            "weights. Received: "
            + (", ".join(stage.name for stage in stages) or "none")
            + ". Fix: those that keras_artkd.runs.checkpoint.KeepStages saved."
        )
    return stages


def _call_frozen(parts: Sequence[keras.Model], x: Tensor) -> Tensor:
    """The output of frozen parts, which gets no gradient."""
    for part in parts:
        x = part(x, training=False)
    return ops.stop_gradient(x)


def _make_adapter(
    teacher_shape: tuple[int, ...], student_shape: tuple[int, ...]
) -> keras.layers.Layer:
    """From the student's map to the teacher's channels."""
    if teacher_shape == student_shape:
        return keras.layers.Identity(dtype="float32")
    adapter = convolutional_connector(teacher_shape[-1])
    adapter.build((None, *teacher_shape[:2], student_shape[-1]))
    return adapter


def _resize_map(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A map of so many rows and columns, pooled or interpolated."""
    size = shape[:2]
    if tuple(x.shape[1:3]) == size:
        return x
    if x.shape[1] >= size[0] and x.shape[2] >= size[1]:
        return pool_to(x, *size)
    return ops.image.resize(ops.cast(x, "float32"), size, "bilinear")


def _map_shape(name: str, endpoints: Endpoints) -> tuple[int, ...]:
    shape = tuple(endpoints[name].shape)
    if len(shape) != 4 or None in shape[1:]:
        raise ValueError(
            "Blocks must end in feature maps of a fixed size, (batch, height, "
            f"width, channels). Received: {name} {shape}. Fix: name layers "
            "that give maps, of networks built with a fixed `input_shape`."
        )
    return shape[1:]
