"""Heads with which networks teach themselves: exits, and one for rotations.

Each public `apply_` function makes one kind of `keras_artkd.models.with_exits`,
whose docstring describes the kinds. Its arguments are

- `endpoints`: dict of a network's endpoints;
- `groups`: names of the maps of its groups, shallow to deep;
- `num_classes`: int, the number of classes of the new logits;
- `dtype`: policy of the layers.

It returns the new endpoints by name.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from keras import layers

from keras_artkd.catalogue.augmentations import ROTATIONS
from keras_artkd.layers.defaults import Policy, he_normal
from keras_artkd.models.blocks import (
    apply_batch_norm_relu,
    apply_conv_bn_relu,
    apply_global_pool,
    apply_separable_unit,
    classifier,
)
from keras_artkd.models.endpoints import LOGITS
from keras_artkd.types import Tensor

# Channels inside a bottleneck of PD-BYOT. The thesis does not give them; they
# are those of BYOT's authors.
PATCH_FILTERS = 128

Endpoints: TypeAlias = Mapping[str, Tensor]


def apply_byot(
    endpoints: Endpoints, groups: Sequence[str], num_classes: int, dtype: Policy
) -> dict[str, Tensor]:
    """Makes BYOT's exits."""
    return _apply_exits(endpoints, groups, num_classes, dtype, _apply_separable)


def apply_pd_byot(
    endpoints: Endpoints, groups: Sequence[str], num_classes: int, dtype: Policy
) -> dict[str, Tensor]:
    """Makes PD-BYOT's exits."""
    return _apply_exits(endpoints, groups, num_classes, dtype, _apply_patches)


def apply_skdsam(
    endpoints: Endpoints, groups: Sequence[str], num_classes: int, dtype: Policy
) -> dict[str, Tensor]:
    """Makes SKDSAM's exits, which have projections."""
    return _apply_exits(
        endpoints, groups, num_classes, dtype, _apply_separable, True
    )


def apply_rotations(
    endpoints: Endpoints, groups: Sequence[str], num_classes: int, dtype: Policy
) -> dict[str, Tensor]:
    """Makes SLA's classifier of class and rotation."""
    features = apply_global_pool(last_map(endpoints, groups), dtype, "rotation")
    head = classifier(ROTATIONS * num_classes, "rotation_logits")
    return {"rotation_logits": head(features)}


def last_map(endpoints: Endpoints, groups: Sequence[str]) -> Tensor:
    """Returns the map that a network pools for its own logits."""
    return endpoints.get("features", endpoints[groups[-1]])


def _apply_exits(
    endpoints: Endpoints,
    groups: Sequence[str],
    num_classes: int,
    dtype: Policy,
    apply_bottleneck: Callable[[Tensor, Sequence[Tensor], Policy, str], Tensor],
    projections: bool = False,
) -> dict[str, Tensor]:
    """Makes an exit after each group.

    `apply_bottleneck` takes a map and all deeper ones, and makes a map with
    the channels of the deepest.
    """
    maps = [endpoints[group] for group in groups]
    last = last_map(endpoints, groups)
    exits = {}
    for i, group_map in enumerate(maps, start=1):
        name = f"exit{i}"
        deeper = [*maps[i:-1], last]
        deepest = i == len(maps)
        x = last
        if not deepest:
            x = apply_bottleneck(group_map, deeper, dtype, f"{name}_bottleneck")
        features = apply_global_pool(x, dtype, name)
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


def _apply_separable(
    x: Tensor, deeper: Sequence[Tensor], dtype: Policy, name: str
) -> Tensor:
    """Applies a separable unit for each deeper map (BYOT, SKDSAM)."""
    for i, target in enumerate(deeper, start=1):
        x = apply_separable_unit(
            x, target.shape[-1], dtype=dtype, name=f"{name}{i}"
        )
    return x


def _apply_patches(
    x: Tensor, deeper: Sequence[Tensor], dtype: Policy, name: str
) -> Tensor:
    """Turns patches of the map into pixels of the last map (PD-BYOT)."""
    target = deeper[-1].shape
    # At least 1: a map may be as small as a deeper one.
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


def _apply_projection(
    x: Tensor, channels: int, dtype: Policy, name: str
) -> Tensor:
    """Makes the vector that SKDSAM's attention compares."""
    x = apply_separable_unit(x, channels, dtype=dtype, name=f"{name}1")
    x = apply_batch_norm_relu(x, dtype=dtype, name=f"{name}2")
    x = layers.UpSampling2D(
        2, interpolation="bilinear", dtype=dtype, name=f"{name}_upsampling"
    )(x)
    x = layers.Activation("sigmoid", dtype=dtype, name=f"{name}_sigmoid")(x)
    return apply_global_pool(x, dtype, name)
