"""Heads on a network's inner maps that are there for the training only.

In self-distillation they teach the network, or it teaches them: exits, a
classifier of rotations, a pyramid that refines the maps.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras

from keras_artkd.models import bifpn, exit_heads
from keras_artkd.models.endpoints import LOGITS, get_endpoints, group_names
from keras_artkd.models.exit_heads import last_map
from keras_artkd.models.wrapped import WrappedModel


@keras.saving.register_keras_serializable("keras_artkd")
class ExitModel(WrappedModel):
    """A network with heads for its training, which `with_exits` makes.

    Shares every layer with the network it is made from, and has its output.
    Saved and loaded, it keeps the heads, and `without_exits` gives the network
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
        logits = model.endpoints[LOGITS]
        heads = KINDS[kind].apply(
            get_endpoints(model),
            group_names(model),
            num_classes or logits.shape[-1],
            model.dtype_policy,
        )
        super().__init__(model, name=name)
        # Keras tracks what lies between input and output; the heads do not.
        own = {id(layer) for layer in model.layers}
        with_heads = keras.Model(model.inputs[0], heads)
        self.exit_layers = [
            layer for layer in with_heads.layers if id(layer) not in own
        ]
        self.trainable = trainable
        self.kind = kind
        self.num_classes = num_classes
        self.inner_endpoints = getattr(model, "inner_endpoints", {})
        others = {k: v for k, v in model.endpoints.items() if k != LOGITS}
        self.endpoints = {**others, **heads, LOGITS: logits}

    def get_config(self):
        """The network's own configuration and the kind of heads."""
        return {
            **super().get_config(),
            "kind": self.kind,
            "num_classes": self.num_classes,
        }


def with_exits(model, kind="byot", num_classes=None):
    """Gives a network heads to teach itself by, for the training only.

    The result's output is the network's, its layers are shared, and its
    `endpoints` have those of the heads besides.

    `"byot"`, `"skdsam"` and `"pd_byot"` are exits, one at each `group<i>`.
    Every group but the last gets a bottleneck, pooling and `Dense`. The last
    exit, the deepest, is the network's own: its pooled last map and its
    logits. For each exit from the shallowest, counted from 1, there are

    - `exit<i>_logits`: `(batch, num_classes)`, float32, no softmax;
    - `exit<i>_features`: `(batch, channels)`, what these logits are of, of
      as many channels as the last map; of the deepest that map, pooled;
    - `exit<i>_projection`, of `"skdsam"` alone: `(batch, channels)`, in
      [0.5, 1], what `exit_attention` compares.

    `"sla"` is a second classifier, of the pooled last map, for the class and
    the rotation of an image together:

    - `rotation_logits`: `(batch, 4 * num_classes)`, float32, no softmax.
      Class c turned by j times 90 degrees has column 4c + j.

    `"frskd"` is a self-teacher, BiFPNc (`apply_bifpn`), which refines the maps
    of all groups, after normalisation and ReLU:

    - `activated<i>`: the map that is refined, of `group<i>`;
    - `refined<i>`: the refined map, of the size of `group<i>` and twice its
      channels, after a ReLU;
    - `refined_logits`: `(batch, num_classes)`, float32, no softmax, of the
      last refined map, pooled.

    Args:
        model: a network with endpoints `group1`, `group2`, ..., maps of a
            fixed size: two or more, one for `"sla"`. The last map is
            `features`, or where there is none the last group.
        kind: of the heads, or of the exits' bottlenecks. `"byot"`: a separable
            unit (`apply_separable_unit`) for every deeper group, which give
            the channels of these. `"skdsam"`: the same, and projections.
            `"pd_byot"`: a 1x1 convolution to 128 channels, one that makes a
            patch each pixel of the last map, and a 1x1 convolution, with bias,
            batch normalisation and ReLU. `"sla"`, `"frskd"`: as above.
        num_classes: int, of the heads; by default as many as the network's
            own logits, as losses that compare them need it.

    Returns:
        An `ExitModel`. `without_exits` gives `model` back.

    Raises:
        ValueError: for an unknown kind, a network without groups, or one that
            has exits already; for `"frskd"`, maps that are no multiple of the
            next one's size.

    Example:
    >>> from keras_artkd.models import build
    >>> model = with_exits(build("resnet8", 10, (32, 32, 3)))
    >>> [name for name in model.endpoints if name.startswith("exit3")]
    ['exit3_logits', 'exit3_features']

    Reference: Zhang et al., "Be Your Own Teacher", 2019,
    https://arxiv.org/abs/1905.08094, and the authors' code; thesis 002,
    sections 2.2 and 3.2, figures 4.4 and 4.6 to 4.10. That a projection is
    pooled to a vector is not in the thesis, which compares vectors. `"sla"`:
    Lee, Hwang and Shin, "Self-supervised Label Augmentation via Input
    Transformations", 2020, https://arxiv.org/abs/1910.05872. `"frskd"`: Ji et
    al., "Refine Myself by Teaching Myself", 2021,
    https://arxiv.org/abs/2103.08273.
    """
    return ExitModel(model, kind, num_classes)


def without_exits(model):
    """The network that `with_exits` was given; any other model as it is."""
    return model.unwrap() if isinstance(model, ExitModel) else model


class _Kind(NamedTuple):
    """How heads of a kind are made.

    Attributes:
        apply: from a network's endpoints to the heads', see `exit_heads`.
        min_groups: how many groups of the network they need.
    """

    apply: Callable
    min_groups: int = 2


KINDS = {
    "byot": _Kind(exit_heads.apply_byot),
    "pd_byot": _Kind(exit_heads.apply_pd_byot),
    "skdsam": _Kind(exit_heads.apply_skdsam),
    "sla": _Kind(exit_heads.apply_rotations, min_groups=1),
    "frskd": _Kind(bifpn.apply_self_teacher),
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
    if len(groups) < KINDS[kind].min_groups:
        several = KINDS[kind].min_groups > 1
        raise ValueError(
            f"Exits of kind {kind!r} are made of a network's feature maps, "
            f"{'two endpoints' if several else 'an endpoint'} or more named "
            f"group1, group2, ... Received: {model.name!r} with "
            f"{', '.join(known)}. Fix: name its layers with "
            "keras_artkd.models.with_endpoints."
        )
    shapes = {group: known[group].shape for group in groups}
    shapes["features"] = last_map(known, groups).shape
    if any(len(shape) != 4 or None in shape[1:] for shape in shapes.values()):
        raise ValueError(
            "Exits are made of feature maps of a fixed size, (batch, height, "
            f"width, channels). Received: {model.name!r} with {shapes}. Fix: "
            "name layers that give maps, of a network built with a fixed "
            "`input_shape`."
        )
