"""Exits: classifiers on a network's inner maps, there for the training only.

In self-distillation the deepest exit, the network's own, teaches the others.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
from keras import layers

from keras_artkd.models.blocks import (
    apply_batch_norm_relu,
    apply_conv_bn_relu,
    apply_separable_unit,
    classifier,
    he_normal,
)
from keras_artkd.models.endpoints import LOGITS, get_endpoints, group_names

# Channels inside a bottleneck of PD-BYOT, which the thesis does not give:
# those of BYOT's authors.
PATCH_FILTERS = 128


@keras.saving.register_keras_serializable("keras_artkd")
class ExitModel(keras.Model):
    """A network with exits, which `with_exits` makes.

    Shares every layer with the network it is made from, and has its output.
    Saved and loaded, it keeps its exits, and `without_exits` gives the network
    without them.

    Args:
        model: see `with_exits`.
        kind: see `with_exits`.
        num_classes: see `with_exits`.
        name: str, by default the network's.
        trainable: bool.
    """

    def __init__(
        self, model, kind="byot", num_classes=None, name=None, trainable=True
    ):
        _check(model, kind)
        exits = _apply_exits(
            model.endpoints,
            group_names(model),
            kind,
            num_classes or model.outputs[0].shape[-1],
            model.dtype_policy,
        )
        super().__init__(
            inputs=model.inputs[0],
            outputs=model.outputs[0],
            name=name or model.name,
        )
        # Keras tracks what lies between input and output; the exits do not.
        own = {id(layer) for layer in model.layers}
        with_heads = keras.Model(model.inputs[0], exits)
        self.exit_layers = [
            layer for layer in with_heads.layers if id(layer) not in own
        ]
        # Afterwards: given to `super`, it would miss the layers.
        self.trainable = trainable
        self.dtype_policy = model.dtype_policy
        self.kind = kind
        self.num_classes = num_classes
        self.inner_endpoints = getattr(model, "inner_endpoints", {})
        others = {k: v for k, v in model.endpoints.items() if k != LOGITS}
        self.endpoints = {**others, **exits, LOGITS: model.outputs[0]}
        # In a function, which Keras does not track: the layers are already
        # ours, and must not be counted and saved twice.
        self._wrapped = lambda: model

    def get_config(self):
        """The network's own configuration and the kind of exits."""
        return {
            "model": keras.saving.serialize_keras_object(self._wrapped()),
            "kind": self.kind,
            "num_classes": self.num_classes,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Rebuilds the network, then its exits."""
        config = dict(config)
        config["model"] = keras.saving.deserialize_keras_object(
            config["model"], custom_objects=custom_objects
        )
        return cls(**config)


def with_exits(model, kind="byot", num_classes=None):
    """Gives a network an exit at each `group<i>`, to teach itself by.

    Every group but the last gets a bottleneck, pooling and `Dense`. The last
    exit, the deepest, is the network's own: its pooled last map and its
    logits. The result's output is the network's, its layers are shared, and
    its `endpoints` have besides, for each exit from the shallowest, counted
    from 1, to the deepest:

    - `exit<i>_logits`: `(batch, num_classes)`, float32, no softmax;
    - `exit<i>_features`: `(batch, channels)`, what these logits are of, of
      as many channels as the last map;
    - `exit<i>_projection`, of `"skdsam"` alone: `(batch, channels)`, in
      [0.5, 1], what `exit_attention` compares.

    Args:
        model: a network with at least two endpoints `group1`, `group2`, ...,
            maps of a fixed size. The last map is `features`, or where there
            is none the last group.
        kind: of the bottlenecks. `"byot"`: a separable unit
            (`apply_separable_unit`) for every deeper group, which give the
            channels of these. `"skdsam"`: the same, and projections.
            `"pd_byot"`: a 1x1 convolution to 128 channels, one that makes a
            patch each pixel of the last map, and a 1x1 convolution, with bias,
            batch normalisation and ReLU.
        num_classes: int, of the shallow exits; by default the network's, as
            losses that compare exits need it.

    Returns:
        An `ExitModel`. `without_exits` gives `model` back.

    Raises:
        ValueError: for an unknown kind, a network without groups, or one that
            has exits already.

    Example:
    >>> from keras_artkd.models import build
    >>> model = with_exits(build("resnet8", 10, (32, 32, 3)))
    >>> [name for name in model.endpoints if name.startswith("exit3")]
    ['exit3_logits', 'exit3_features']

    Reference: Zhang et al., "Be Your Own Teacher", 2019,
    https://arxiv.org/abs/1905.08094, and the authors' code; thesis 002,
    sections 2.2 and 3.2, figures 4.4 and 4.6 to 4.10. That a projection is
    pooled to a vector is not in the thesis, which compares vectors.
    """
    return ExitModel(model, kind, num_classes)


def without_exits(model):
    """The network that `with_exits` was given; any other model as it is."""
    return model._wrapped() if isinstance(model, ExitModel) else model


class _Kind(NamedTuple):
    """How exits of a kind are made.

    Attributes:
        apply_bottleneck: from a map and the deeper ones to a map of the
            deepest's channels.
        projections: whether exits have a projection.
    """

    apply_bottleneck: Callable
    projections: bool = False


def _apply_exits(endpoints, groups, kind, num_classes, dtype):
    """The exits' endpoints, by name."""
    apply_bottleneck, projections = KINDS[kind]
    maps = [endpoints[group] for group in groups]
    last = _last_map(endpoints, groups)
    exits = {}
    for i, group_map in enumerate(maps, start=1):
        name = f"exit{i}"
        deeper = [*maps[i:-1], last]
        deepest = i == len(maps)
        x = last
        if not deepest:
            x = apply_bottleneck(group_map, deeper, dtype, f"{name}_bottleneck")
        features = _pool(x, dtype, name)
        logits = endpoints[LOGITS]
        if not deepest:
            logits = classifier(num_classes, f"{name}_logits")(features)
        exits[f"{name}_logits"] = logits
        exits[f"{name}_features"] = features
        if projections:
            exits[f"{name}_projection"] = _apply_projection(
                group_map, last.shape[-1], dtype, f"{name}_projection"
            )
    return exits


def _apply_separable(x, deeper, dtype, name):
    """BYOT's and SKDSAM's bottleneck: a separable unit for each deeper map."""
    for i, target in enumerate(deeper, start=1):
        x = apply_separable_unit(x, target.shape[-1], dtype, f"{name}{i}")
    return x


def _apply_patches(x, deeper, dtype, name):
    """PD-BYOT's bottleneck: patches, each of a pixel of the last map."""
    target = deeper[-1].shape
    # At least 1: a map may be no larger than a deeper one.
    patch = tuple(max(x.shape[axis] // target[axis], 1) for axis in (1, 2))
    x = apply_conv_bn_relu(
        x, PATCH_FILTERS, 1, use_bias=True, dtype=dtype, name=f"{name}1"
    )
    x = layers.Conv2D(
        PATCH_FILTERS,
        patch,
        strides=patch,
        kernel_initializer=he_normal("fan_out"),
        dtype=dtype,
        name=f"{name}2_conv",
    )(x)
    x = apply_batch_norm_relu(x, dtype=dtype, name=f"{name}2")
    return apply_conv_bn_relu(
        x, target[-1], 1, use_bias=True, dtype=dtype, name=f"{name}3"
    )


def _apply_projection(x, channels, dtype, name):
    """The vector by which a map takes part in the attention."""
    x = apply_separable_unit(x, channels, dtype, f"{name}1")
    x = apply_batch_norm_relu(x, dtype=dtype, name=f"{name}2")
    x = layers.UpSampling2D(
        2, interpolation="bilinear", dtype=dtype, name=f"{name}_upsampling"
    )(x)
    x = layers.Activation("sigmoid", dtype=dtype, name=f"{name}_sigmoid")(x)
    return _pool(x, dtype, name)


def _pool(x, dtype, name):
    return layers.GlobalAveragePooling2D(dtype=dtype, name=f"{name}_pool")(x)


def _last_map(endpoints, groups):
    return endpoints.get("features", endpoints[groups[-1]])


KINDS = {
    "byot": _Kind(_apply_separable),
    "pd_byot": _Kind(_apply_patches),
    "skdsam": _Kind(_apply_separable, projections=True),
}


def _check(model, kind):
    if kind not in KINDS:
        raise ValueError(
            f"`kind` must be one of {', '.join(KINDS)}. "
            f"Received: kind={kind!r}."
        )
    if isinstance(model, ExitModel):
        raise ValueError(
            f"A network can have exits once. Received: {model.name!r}, with "
            f"exits of kind {model.kind!r}. Fix: "
            "keras_artkd.models.without_exits(model)."
        )
    groups = group_names(model)
    known = get_endpoints(model)
    if len(groups) < 2:
        raise ValueError(
            "Exits are made of a network's feature maps, two endpoints or "
            f"more named group1, group2, ... Received: {model.name!r} with "
            f"{', '.join(known)}. Fix: name its layers with "
            "keras_artkd.models.with_endpoints."
        )
    shapes = {group: known[group].shape for group in groups}
    shapes["features"] = _last_map(known, groups).shape
    if any(len(shape) != 4 or None in shape[1:] for shape in shapes.values()):
        raise ValueError(
            "Exits are made of feature maps of a fixed size, (batch, height, "
            f"width, channels). Received: {model.name!r} with {shapes}. Fix: "
            "name layers that give maps, of a network built with a fixed "
            "`input_shape`."
        )
