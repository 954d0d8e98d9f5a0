"""Networks by name."""

import functools
import re

import keras

from keras_artkd.models.densenet import DenseNet
from keras_artkd.models.dianet import DIANet
from keras_artkd.models.endpoints import with_endpoints
from keras_artkd.models.mobilenet_v2 import MobileNetV2
from keras_artkd.models.resnet import ResNet
from keras_artkd.models.san import SAN
from keras_artkd.models.shufflenet_v1 import ShuffleNetV1
from keras_artkd.models.shufflenet_v2 import ShuffleNetV2
from keras_artkd.models.vgg import VGG
from keras_artkd.models.wide_resnet import WideResNet


def _convnext(application, num_classes, input_shape, weights=None):
    """A ConvNeXt of keras.applications with a classifier of our own.

    Its four stages have strides 4, 8, 16 and 32; the last three are named
    after the groups of a wide ResNet. `weights="imagenet"` starts from
    pretrained weights, downloaded (or found in `~/.keras`) by Keras.
    """
    backbone = application(
        include_top=False, weights=weights, input_shape=input_shape
    )
    x = keras.layers.GlobalAveragePooling2D(name="pool")(backbone.output)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    model = keras.Model(backbone.input, logits, name=backbone.name)
    # A stage ends in an unnamed addition: it is what the next layer reads.
    readers = {
        "group1": model.get_layer(f"{backbone.name}_downsampling_block_1"),
        "group2": model.get_layer(f"{backbone.name}_downsampling_block_2"),
        "group3": backbone.layers[-1],
    }
    layer_names = {
        endpoint: reader.input._keras_history.operation.name
        for endpoint, reader in readers.items()
    }
    return with_endpoints(
        model, {**layer_names, "features": backbone.layers[-1].name}
    )


def _wide_resnet(depth, width):
    return functools.partial(
        WideResNet, depth, width, name=f"wrn_{depth}_{width}"
    )


def _small_resnet(name, depth, width=1):
    """Three groups of `(depth - 2) / 6` basic blocks, for small images."""
    return functools.partial(
        ResNet,
        num_blocks=((depth - 2) // 6,) * 3,
        filters=(16 * width, 32 * width, 64 * width),
        # Those four times as wide have a stem only twice as wide.
        stem_filters=16 if width == 1 else 32,
        stem="small",
        name=name,
    )


def _large_resnet(name, num_blocks, bottleneck=False, network=ResNet):
    return functools.partial(
        network,
        num_blocks=num_blocks,
        filters=(64, 128, 256, 512),
        bottleneck=bottleneck,
        name=name,
    )


# The usual ones; `build` takes wrn_<depth>_<width> of any depth and width.
NETWORKS = {
    **{
        f"wrn_{depth}_{width}": _wide_resnet(depth, width)
        for depth in (10, 16, 28, 40)
        for width in (1, 2, 4)
    },
    **{
        f"resnet{depth}": _small_resnet(f"resnet{depth}", depth)
        for depth in (8, 20, 32, 56, 110)
    },
    "resnet8x4": _small_resnet("resnet8x4", 8, width=4),
    "resnet32x4": _small_resnet("resnet32x4", 32, width=4),
    "resnet18": _large_resnet("resnet18", (2, 2, 2, 2)),
    "resnet34": _large_resnet("resnet34", (3, 4, 6, 3)),
    "resnet50": _large_resnet("resnet50", (3, 4, 6, 3), bottleneck=True),
    "densenet121": functools.partial(
        DenseNet,
        num_layers=(6, 12, 24, 16),
        growth_rate=32,
        name="densenet121",
    ),
    "dianet": _large_resnet("dianet", (2, 2, 2, 2), network=DIANet),
    "dianet34": _large_resnet("dianet34", (3, 4, 6, 3), network=DIANet),
    "dianet50": _large_resnet(
        "dianet50", (3, 4, 6, 3), bottleneck=True, network=DIANet
    ),
    "san10": functools.partial(SAN, num_blocks=(2, 1, 2, 4, 1), name="san10"),
    "san15": functools.partial(SAN, num_blocks=(3, 2, 3, 5, 2), name="san15"),
    "san19": functools.partial(SAN, num_blocks=(3, 3, 4, 6, 3), name="san19"),
    "vgg8": functools.partial(VGG, 8, name="vgg8"),
    "vgg13": functools.partial(VGG, 13, name="vgg13"),
    "mobilenet_v2": functools.partial(MobileNetV2, name="mobilenet_v2"),
    "mobilenet_v2_x1_0": functools.partial(
        MobileNetV2, width=1.0, original=True, name="mobilenet_v2_x1_0"
    ),
    "shufflenet_v1": functools.partial(ShuffleNetV1, name="shufflenet_v1"),
    "shufflenet_v2": functools.partial(ShuffleNetV2, name="shufflenet_v2"),
    "convnext_tiny": functools.partial(
        _convnext, keras.applications.ConvNeXtTiny
    ),
    "convnext_small": functools.partial(
        _convnext, keras.applications.ConvNeXtSmall
    ),
    "convnext_base": functools.partial(
        _convnext, keras.applications.ConvNeXtBase
    ),
}


_WIDE = r"wrn_(\d+)_(\d+)"


def check_name(name, argument="name"):
    """Refuses what is no network's name; lists the known ones.

    Args:
        name: str.
        argument: what the caller calls it, for the error.
    """
    if name not in NETWORKS and not re.fullmatch(_WIDE, name):
        raise ValueError(
            f"`{argument}` must be one of {', '.join(NETWORKS)}, or another "
            f"wrn_<depth>_<width>. Received: {argument}={name!r}."
        )


def build(name, num_classes, input_shape=(64, 64, 3), **options):
    """Makes a network by name, randomly initialised.

    Args:
        name: a key of `NETWORKS`, or `"wrn_<depth>_<width>"` with any depth
            6n + 4 and any width.
        num_classes: int >= 1.
        input_shape: `(height, width, 3)`, pixels.
        **options: what the network takes besides: `weights="imagenet"` for
            ConvNeXts; for all others `head` and `head_inputs`; `stem`, of
            `"auto"`, `"small"` and `"imagenet"`, for ResNets with four groups,
            DenseNet, DIANet, SANs, MobileNetV2 and ShuffleNets.

    Returns:
        A `keras.Model` with `endpoints`, from raw pixels in [0, 255] to
        float32 logits.

    Raises:
        ValueError: for an unknown name; it lists the known ones.

    Example:
    >>> build("wrn_16_1", num_classes=18).count_params() > 170_000
    True
    """
    check_name(name)
    wide = re.fullmatch(_WIDE, name)
    make = _wide_resnet(*map(int, wide.groups())) if wide else NETWORKS[name]
    try:
        return make(
            num_classes=num_classes, input_shape=tuple(input_shape), **options
        )
    except TypeError as error:
        raise ValueError(
            f"Network {name!r} does not take these options. "
            f"Received: {options}. ({error})"
        ) from error
