"""Heads with which networks teach themselves: exits, and one for rotations.

Each function here makes a kind of `keras_artkd.models.with_exits`, whose
docstring describes it. It takes

- `endpoints`: dict of a network's endpoints;
- `groups`: names of those that are maps of its groups, shallow to deep;
- `num_classes`: int, of the logits made here;
- `dtype`: policy of the layers,

and gives the new endpoints by name.
"""

from keras import layers

from keras_artkd.models.blocks import (
    apply_batch_norm_relu,
    apply_conv_bn_relu,
    apply_global_pool,
    apply_separable_unit,
    classifier,
    he_normal,
)
from keras_artkd.models.endpoints import LOGITS

# Channels inside a bottleneck of PD-BYOT, which the thesis does not give:
# those of BYOT's authors.
PATCH_FILTERS = 128

# Turns of an image by 90 degrees that can be told apart.
ROTATIONS = 4


def apply_byot(endpoints, groups, num_classes, dtype):
    """BYOT's exits."""
    return _apply_exits(endpoints, groups, num_classes, dtype, _apply_separable)


def apply_pd_byot(endpoints, groups, num_classes, dtype):
    """PD-BYOT's exits."""
    return _apply_exits(endpoints, groups, num_classes, dtype, _apply_patches)


def apply_skdsam(endpoints, groups, num_classes, dtype):
    """SKDSAM's exits, which have projections."""
    return _apply_exits(
        endpoints, groups, num_classes, dtype, _apply_separable, True
    )


def apply_rotations(endpoints, groups, num_classes, dtype):
    """SLA's classifier of class and rotation."""
    features = apply_global_pool(last_map(endpoints, groups), dtype, "rotation")
    head = classifier(ROTATIONS * num_classes, "rotation_logits")
    return {"rotation_logits": head(features)}


def last_map(endpoints, groups):
    """What a network's own logits are of, before it is pooled."""
    return endpoints.get("features", endpoints[groups[-1]])


def _apply_exits(
    endpoints, groups, num_classes, dtype, apply_bottleneck, projections=False
):
    """Exits after each group.

    `apply_bottleneck` makes of a map and the deeper ones a map of the
    deepest's channels.
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


def _apply_separable(x, deeper, dtype, name):
    """BYOT's and SKDSAM's bottleneck: a separable unit for each deeper map."""
    for i, target in enumerate(deeper, start=1):
        x = apply_separable_unit(
            x, target.shape[-1], dtype=dtype, name=f"{name}{i}"
        )
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
    x = apply_separable_unit(x, channels, dtype=dtype, name=f"{name}1")
    x = apply_batch_norm_relu(x, dtype=dtype, name=f"{name}2")
    x = layers.UpSampling2D(
        2, interpolation="bilinear", dtype=dtype, name=f"{name}_upsampling"
    )(x)
    x = layers.Activation("sigmoid", dtype=dtype, name=f"{name}_sigmoid")(x)
    return apply_global_pool(x, dtype, name)
