"""The networks by name, with the module and the settings of each.

The table holds text and numbers only, so that the command line checks a name
before Keras is imported. `keras_artkd.models.build` makes the network.
"""

import dataclasses
import re
from typing import Any


@dataclasses.dataclass(frozen=True)
class NetworkEntry:
    """One row of the table.

    Attributes:
        module: str, a module of `keras_artkd.models`.
        maker: str, the class or function in it that makes the network.
        settings: dict, its other arguments than `num_classes`, `input_shape`
            and the options of `build`.
    """

    module: str
    maker: str
    settings: dict[str, Any]


_WIDE = r"wrn_(\d+)_(\d+)"


def _wide_resnet(depth: int, width: int) -> NetworkEntry:
    settings = {"depth": depth, "width": width, "name": f"wrn_{depth}_{width}"}
    return NetworkEntry("wide_resnet", "WideResNet", settings)


def _small_resnet(name: str, depth: int, width: int = 1) -> NetworkEntry:
    """A ResNet of three groups of `(depth - 2) / 6` basic blocks."""
    settings = {
        "num_blocks": ((depth - 2) // 6,) * 3,
        "filters": (16 * width, 32 * width, 64 * width),
        # The stem of a network four times as wide is only twice as wide.
        "stem_filters": 16 if width == 1 else 32,
        "stem": "small",
        "name": name,
    }
    return NetworkEntry("resnet", "ResNet", settings)


def _large_resnet(
    name: str,
    num_blocks: tuple[int, ...],
    bottleneck: bool = False,
    module: str = "resnet",
    maker: str = "ResNet",
) -> NetworkEntry:
    settings = {
        "num_blocks": num_blocks,
        "filters": (64, 128, 256, 512),
        "bottleneck": bottleneck,
        "name": name,
    }
    return NetworkEntry(module, maker, settings)


def _dianet(
    name: str, num_blocks: tuple[int, ...], bottleneck: bool = False
) -> NetworkEntry:
    return _large_resnet(name, num_blocks, bottleneck, "dianet", "DIANet")


def _san(name: str, *num_blocks: int) -> NetworkEntry:
    return NetworkEntry("san", "SAN", {"num_blocks": num_blocks, "name": name})


def _convnext(application: str) -> NetworkEntry:
    return NetworkEntry("convnext", "convnext", {"application": application})


# `build` also takes wrn_<depth>_<width> of any other depth and width.
NETWORKS: dict[str, NetworkEntry] = {
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
    "densenet121": NetworkEntry(
        "densenet",
        "DenseNet",
        {
            "num_layers": (6, 12, 24, 16),
            "growth_rate": 32,
            "name": "densenet121",
        },
    ),
    "dianet": _dianet("dianet", (2, 2, 2, 2)),
    "dianet34": _dianet("dianet34", (3, 4, 6, 3)),
    "dianet50": _dianet("dianet50", (3, 4, 6, 3), bottleneck=True),
    "san10": _san("san10", 2, 1, 2, 4, 1),
    "san15": _san("san15", 3, 2, 3, 5, 2),
    "san19": _san("san19", 3, 3, 4, 6, 3),
    "vgg8": NetworkEntry("vgg", "VGG", {"depth": 8, "name": "vgg8"}),
    "vgg13": NetworkEntry("vgg", "VGG", {"depth": 13, "name": "vgg13"}),
    "mobilenet_v2": NetworkEntry(
        "mobilenet_v2", "MobileNetV2", {"name": "mobilenet_v2"}
    ),
    "mobilenet_v2_x1_0": NetworkEntry(
        "mobilenet_v2",
        "MobileNetV2",
        {"width": 1.0, "original": True, "name": "mobilenet_v2_x1_0"},
    ),
    "shufflenet_v1": NetworkEntry(
        "shufflenet_v1", "ShuffleNetV1", {"name": "shufflenet_v1"}
    ),
    "shufflenet_v2": NetworkEntry(
        "shufflenet_v2", "ShuffleNetV2", {"name": "shufflenet_v2"}
    ),
    "convnext_tiny": _convnext("ConvNeXtTiny"),
    "convnext_small": _convnext("ConvNeXtSmall"),
    "convnext_base": _convnext("ConvNeXtBase"),
}


def get_network(name: str, argument: str = "name") -> NetworkEntry:
    """Looks up the entry of a network.

    Args:
        name: str.
        argument: the caller's name for `name`, for the error.

    Raises:
        ValueError: for an unknown name; it lists the known ones.
    """
    if name in NETWORKS:
        return NETWORKS[name]
    if wide := re.fullmatch(_WIDE, name):
        depth, width = map(int, wide.groups())
        return _wide_resnet(depth, width)
    raise ValueError(
        f"`{argument}` must be one of {', '.join(NETWORKS)}, or another "
        f"wrn_<depth>_<width>. Received: {argument}={name!r}."
    )
