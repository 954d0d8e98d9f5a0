"""BiFPNc: a pyramid that refines a network's maps for FRSKD."""

from collections.abc import Mapping, Sequence

from keras import layers

from keras_artkd.layers import FastNormalizedFusion
from keras_artkd.layers.defaults import Policy
from keras_artkd.models.blocks import (
    apply_conv_bn_relu,
    apply_global_pool,
    apply_relu,
    apply_separable_unit,
    classifier,
)
from keras_artkd.types import Tensor

# Refined maps have so many times the channels of the maps, as the authors'.
WIDTH = 2


def apply_self_teacher(
    endpoints: Mapping[str, Tensor],
    groups: Sequence[str],
    num_classes: int,
    dtype: Policy,
) -> dict[str, Tensor]:
    """Makes FRSKD's self-teacher: refined maps, and logits of the last.

    It reads the groups after normalisation and ReLU, as the authors' code. In
    a pre-activation network these are not the groups themselves.

    Args:
        endpoints: dict of a network's endpoints, inner ones included.
        groups: names of its groups' maps, shallow to deep.
        num_classes: int.
        dtype: policy of the layers.

    Returns:
        dict of `activated1`, `refined1`, ... and `refined_logits`.

    Raises:
        ValueError: for maps whose size is no multiple of the next one's.
    """
    activated = {}
    for i, group in enumerate(groups, start=1):
        before = group.replace("group", "preactivation")
        x = endpoints.get(before, endpoints[group])
        activated[f"activated{i}"] = apply_relu(
            x, dtype=dtype, name=f"activated{i}"
        )
    refined = apply_bifpn([*activated.values()], dtype)
    features = apply_global_pool(refined[-1], dtype, "refined")
    logits = classifier(num_classes, "refined_logits")(features)
    named = {f"refined{i}": x for i, x in enumerate(refined, start=1)}
    return {**activated, **named, "refined_logits": logits}


def apply_bifpn(maps: Sequence[Tensor], dtype: Policy = None) -> list[Tensor]:
    """Applies one layer of BiFPNc, with twice the maps' channels.

    Deep maps go up to the shallow ones, then shallow maps go down to the deep
    ones. At every step a map is added, with trained weights, to the map of
    that level, and goes through two separable convolutions. In contrast to a
    BiFPN, the channels of each level are in proportion to those of its map.

    Args:
        maps: list of two maps or more, shallow to deep, after a ReLU. Each is
            as large as the next or a whole number of times larger.
        dtype: dtype policy.

    Returns:
        list of as many maps, of the same sizes, each after a ReLU.

    Raises:
        ValueError: for maps whose size is no multiple of the next one's.

    Reference: Ji et al., "Refine Myself by Teaching Myself: Feature
    Refinement via Self-Knowledge Distillation", 2021,
    https://arxiv.org/abs/2103.08273, section 3.1, and the authors' code.
    """
    ratios = _size_ratios(maps)
    names = [f"refined{i}" for i in range(1, len(maps) + 1)]
    up = [
        _project(x, WIDTH * x.shape[-1], dtype, f"{name}_lateral")
        for x, name in zip(maps, names, strict=True)
    ]
    channels = [x.shape[-1] for x in up]
    deepest = len(maps) - 1
    for i in reversed(range(deepest)):
        deeper = _upsample(up[i + 1], ratios[i], dtype, names[i])
        deeper = _project(deeper, channels[i], dtype, f"{names[i]}_upsampled")
        up[i] = _fuse([up[i], deeper], dtype, f"{names[i]}_up")
    down = up[:1]
    for i in range(1, len(maps)):
        # Not the lateral of `up`: each path has its own.
        lateral = _project(
            maps[i], channels[i], dtype, f"{names[i]}_down_lateral"
        )
        shallower = _downsample(down[-1], ratios[i - 1], dtype, names[i])
        shallower = _project(
            shallower, channels[i], dtype, f"{names[i]}_downsampled"
        )
        # The deepest has no other map from the way up.
        between = [] if i == deepest else [up[i]]
        down.append(
            _fuse([lateral, *between, shallower], dtype, f"{names[i]}_down")
        )
    return down


def _size_ratios(maps: Sequence[Tensor]) -> list[tuple[int, ...]]:
    """Computes how many times larger each map is than the next, by axis."""
    sizes = [tuple(x.shape[1:3]) for x in maps]
    pairs = list(zip(sizes, sizes[1:], strict=False))
    if any(s % d for pair in pairs for s, d in zip(*pair, strict=True)):
        raise ValueError(
            "The size of each map to refine must be a multiple of the next "
            "one's size, so that maps can be resized. Received: sizes "
            f"{', '.join(map(str, sizes))}. Fix: choose an `input_shape` that "
            "the network halves without a remainder (32, 64, 96, ...)."
        )
    return [tuple(s // d for s, d in zip(*pair, strict=True)) for pair in pairs]


def _project(x: Tensor, channels: int, dtype: Policy, name: str) -> Tensor:
    return apply_conv_bn_relu(x, channels, 1, dtype=dtype, name=name)


def _fuse(maps: list[Tensor], dtype: Policy, name: str) -> Tensor:
    """Adds maps, then applies two separable convolutions."""
    x = FastNormalizedFusion(dtype=dtype, name=f"{name}_fusion")(maps)
    return apply_separable_unit(x, x.shape[-1], 1, dtype=dtype, name=name)


def _upsample(
    x: Tensor, ratio: tuple[int, ...], dtype: Policy, name: str
) -> Tensor:
    if ratio == (1, 1):
        return x
    return layers.UpSampling2D(ratio, dtype=dtype, name=f"{name}_upsampling")(x)


def _downsample(
    x: Tensor, ratio: tuple[int, ...], dtype: Policy, name: str
) -> Tensor:
    if ratio == (1, 1):
        return x
    # 3x3, but never narrower than the step; 1 along an axis that stays.
    window = tuple(max(step, 3) if step > 1 else 1 for step in ratio)
    return layers.MaxPooling2D(
        window, ratio, "same", dtype=dtype, name=f"{name}_downsampling"
    )(x)
