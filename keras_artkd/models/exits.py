"""Heads on a network's inner maps, for its training only.

In self-distillation they teach the network, or the network teaches them:
exits, a classifier of rotations, a pyramid that refines the maps.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from keras_artkd.models import bifpn, exit_heads
from keras_artkd.models.endpoints import LOGITS, get_endpoints, group_names
from keras_artkd.models.exit_heads import last_map
from keras_artkd.models.wrapped import WrappedModel
from keras_artkd.types import Tensor


@keras.saving.register_keras_serializable("keras_artkd")
class ExitModel(WrappedModel):
    """A network with heads for its training, made by `with_exits`.

    It shares all layers with the network it is made from, and has the same
    output. A saved and loaded `ExitModel` keeps the heads; `without_exits`
    returns the network without them.

    Args:
        model: see `with_exits`.
        kind: see `with_exits`.
        num_classes: see `with_exits`.
        name: str, by default the network's.
        trainable: bool.
    """

    def __init__(
        self,
        model: keras.Model,
        kind: str = "byot",
        num_classes: int | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        _check(model, kind)
        logits = model.endpoints[LOGITS]
        heads = KINDS[kind].apply(
            get_endpoints(model),
            group_names(model),
            num_classes or logits.shape[-1],
            model.dtype_policy,
        )
        super().__init__(model, name=name)
        # Keras tracks the layers between input and output, but not the heads.
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

    def get_config(self) -> dict[str, Any]:
        """Returns the network's configuration and the kind of heads."""
        return {
            **super().get_config(),
            "kind": self.kind,
            "num_classes": self.num_classes,
        }


def with_exits(
    model: keras.Model, kind: str = "byot", num_classes: int | None = None
) -> ExitModel:
    """Adds heads to a network by which it teaches itself in training.

    The result has the network's output and layers, which are shared. Its
    `endpoints` are the network's and those of the heads.

    `"byot"`, `"skdsam"` and `"pd_byot"` are exits, one at each `group<i>`.
    Every group except the last has a bottleneck, pooling and `Dense`. The last
    exit, the deepest, is the network's own: its pooled last map and its
    logits. Exits count from 1, the shallowest. Each has

    - `exit<i>_logits`: `(batch, num_classes)`, float32, no softmax;
    - `exit<i>_features`: `(batch, channels)`, the vector from which the logits
      are made, with as many channels as the last map; for the deepest exit
      the pooled last map;
    - `exit<i>_projection`, only with `"skdsam"`: `(batch, channels)`, in
      [0.5, 1], the vector that `exit_attention` compares.

    `"sla"` is a second classifier, of the pooled last map, for the class and
    the rotation of an image together:

    - `rotation_logits`: `(batch, 4 * num_classes)`, float32, no softmax.
      Class c in rotation j, by j times 90 degrees, has column 4c + j.

    `"frskd"` is a self-teacher, BiFPNc (`apply_bifpn`), which refines the maps
    of all groups, after normalisation and ReLU:

    - `activated<i>`: the map of `group<i>` before it is refined;
    - `refined<i>`: the refined map, of the size of `group<i>` and twice its
      channels, after a ReLU;
    - `refined_logits`: `(batch, num_classes)`, float32, no softmax, of the
      last refined map, pooled.

    Args:
        model: a network with endpoints `group1`, `group2`, ..., maps of a
            fixed size: two or more, for `"sla"` one. The last map is
            `features` if there is one, otherwise the last group.
        kind: the kind of heads, or of the exits' bottlenecks. `"byot"`: one
            separable unit (`apply_separable_unit`) for each deeper group, with
            the channels of that group. `"skdsam"`: the same, and projections.
            `"pd_byot"`: three convolutions, each with bias, batch
            normalisation and ReLU: a 1x1 to 128 channels, one that turns each
            patch into a pixel of the last map, and a 1x1. `"sla"` and
            `"frskd"`: see above.
        num_classes: int, the number of classes of the heads. By default that
            of the network's logits, which losses that compare them need.

    Returns:
        An `ExitModel`. `without_exits` returns `model` again.

    Raises:
        ValueError: for an unknown kind, a network without groups, or a network
            that already has exits; for `"frskd"`, maps whose size is no
            multiple of the next one's.

    Example:
    >>> from keras_artkd.models import build
    >>> model = with_exits(build("resnet8", 10, (32, 32, 3)))
    >>> [name for name in model.endpoints if name.startswith("exit3")]
    ['exit3_logits', 'exit3_features']

    Reference: Zhang et al., "Be Your Own Teacher", 2019,
    https://arxiv.org/abs/1905.08094, and the authors' code; thesis 002,
    sections 2.2 and 3.2, figures 4.4 and 4.6 to 4.10. The thesis compares
    vectors, but does not say that a projection is pooled to one. `"sla"`:
    Lee, Hwang and Shin, "Self-supervised Label Augmentation via Input
    Transformations", 2020, https://arxiv.org/abs/1910.05872. `"frskd"`: Ji et
    al., "Refine Myself by Teaching Myself", 2021,
    https://arxiv.org/abs/2103.08273.
    """
    return ExitModel(model, kind, num_classes)


def without_exits(model: keras.Model) -> keras.Model:
    """Removes the heads of `with_exits`; returns any other model unchanged."""
    return model.unwrap() if isinstance(model, ExitModel) else model


class _Kind(NamedTuple):
    """A kind of heads.

    Attributes:
        apply: makes the heads' endpoints of a network's, see `exit_heads`.
        min_groups: the number of groups that the network must have.
    """

    apply: Callable[..., dict[str, Tensor]]
    min_groups: int = 2


KINDS = {
    "byot": _Kind(exit_heads.apply_byot),
    "pd_byot": _Kind(exit_heads.apply_pd_byot),
    "skdsam": _Kind(exit_heads.apply_skdsam),
    "sla": _Kind(exit_heads.apply_rotations, min_groups=1),
    "frskd": _Kind(bifpn.apply_self_teacher),
}


def _check(model: keras.Model, kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(
            f"`kind` must be one of {', '.join(KINDS)}. "
            f"Received: kind={kind!r}."
        )
    if isinstance(model, ExitModel):
        raise ValueError(
            "A network can have exits only once. Received: "
            f"{model.name!r}, with exits of kind {model.kind!r}. Fix: "
            "keras_artkd.models.without_exits(model)."
        )
    groups = group_names(model)
    known = get_endpoints(model)
    if len(groups) < KINDS[kind].min_groups:
        several = KINDS[kind].min_groups > 1
        raise ValueError(
            f"Exits of kind {kind!r} need feature maps of a network, "
            f"{'two endpoints' if several else 'an endpoint'} or more named "
            f"group1, group2, ... Received: {model.name!r} with "
            f"{', '.join(known)}. Fix: name its layers with "
            "keras_artkd.models.with_endpoints."
        )
    shapes = {group: known[group].shape for group in groups}
    shapes["features"] = last_map(known, groups).shape
    if any(len(shape) != 4 or None in shape[1:] for shape in shapes.values()):
        raise ValueError(
            "Exits need feature maps of a fixed size, (batch, height, width, "
            f"channels). Received: {model.name!r} with {shapes}. Fix: name "
            "layers whose outputs are maps, in a network with a fixed "
            "`input_shape`."
        )
