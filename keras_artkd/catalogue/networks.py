"""The networks by name, with the module and the settings of each.

The table holds text and numbers only, so that the command line checks a name
before Keras is imported. `keras_artkd.models.build` makes the network.
"""

import dataclasses
import pathlib
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
        can_end_early: bool, whether `<name>_first<k>`, of its first k blocks,
            is a network too.
        has_weights: bool, whether ImageNet's weights are at hand: installed
            with the package, or with its extra `pretrained`.
    """

    module: str
    maker: str
    settings: dict[str, Any]
    can_end_early: bool = False
    has_weights: bool = False


_WIDE = r"wrn_(\d+)_(\d+)"
_FIRST_BLOCKS = r"(.+)_first([1-9]\d*)"
# Networks of `keras.applications`; a test keeps the list.
APPLICATIONS = (
    *("ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny"),
    *("ConvNeXtXLarge", "DenseNet121", "DenseNet169", "DenseNet201"),
    *(f"EfficientNetB{i}" for i in range(8)),
    *(f"EfficientNetV2{size}" for size in ("B0", "B1", "B2", "B3")),
    *("EfficientNetV2L", "EfficientNetV2M", "EfficientNetV2S"),
    *("InceptionResNetV2", "InceptionV3", "MobileNet", "MobileNetV2"),
    *("MobileNetV3Large", "MobileNetV3Small", "NASNetLarge", "NASNetMobile"),
    *("ResNet101", "ResNet101V2", "ResNet152", "ResNet152V2", "ResNet50"),
    *("ResNet50V2", "VGG16", "VGG19", "Xception"),
)
# What `artkd train --sizes` trains, by the name of the size.
SIZES = {
    "tiny": "efficientnet_lite0_first3",
    "small": "efficientnet_lite0_first5",
    "medium": "efficientnet_lite0_first8",
}


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
    """A SAN; the name says whether it attends by patches."""
    settings: dict[str, Any] = {"num_blocks": num_blocks, "name": name}
    if name.endswith("_patchwise"):
        settings["attention"] = "patchwise"
    return NetworkEntry("san", "SAN", settings)


def _convnext(application: str) -> NetworkEntry:
    return NetworkEntry("convnext", "convnext", {"application": application})


def _efficientnet_lite(number: int, width: float, depth: float) -> NetworkEntry:
    name = f"efficientnet_lite{number}"
    settings = {"width": width, "depth": depth, "name": name}
    return NetworkEntry(
        "efficientnet_lite",
        "EfficientNetLite",
        settings,
        can_end_early=True,
        has_weights=number <= 2,
    )


# `build` also takes wrn_<depth>_<width> of any other depth and width, and
# <network>_first<k> of those that can end early.
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
    "resnet101": _large_resnet("resnet101", (3, 4, 23, 3), bottleneck=True),
    "resnet152": _large_resnet("resnet152", (3, 8, 36, 3), bottleneck=True),
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
    "san10_patchwise": _san("san10_patchwise", 2, 1, 2, 4, 1),
    "san15_patchwise": _san("san15_patchwise", 3, 2, 3, 5, 2),
    "san19_patchwise": _san("san19_patchwise", 3, 3, 4, 6, 3),
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
    "efficientnet_lite0": _efficientnet_lite(0, 1.0, 1.0),
    "efficientnet_lite1": _efficientnet_lite(1, 1.0, 1.1),
    "efficientnet_lite2": _efficientnet_lite(2, 1.1, 1.2),
    "efficientnet_lite3": _efficientnet_lite(3, 1.2, 1.4),
    "efficientnet_lite4": _efficientnet_lite(4, 1.4, 1.8),
    "convnext_tiny": _convnext("ConvNeXtTiny"),
    "convnext_small": _convnext("ConvNeXtSmall"),
    "convnext_base": _convnext("ConvNeXtBase"),
}


def file_of(name: str) -> pathlib.Path | None:
    """The file or folder behind a network's name; None if it has none.

    That is a `.keras` file, or the folder of a KerasHub preset, also where
    only the first blocks of it are meant.

    Args:
        name: str, see `get_network`.
    """
    parts = _around_file(name)
    return None if parts is None else parts[1]


def absolute(name: str) -> str:
    """A network's name from any folder: paths are absolute."""
    parts = _around_file(name)
    if parts is None:
        return name
    before, path, after = parts
    return f"{before}{path.resolve()}{after}"


def without_place(name: str) -> str:
    """A network's name without the folders on the way to its file."""
    parts = _around_file(name)
    return name if parts is None else parts[1].stem + parts[2]


def _around_file(name: str) -> tuple[str, pathlib.Path, str] | None:
    """What stands before a name's path, the path, and what stands after."""
    first = re.fullmatch(_FIRST_BLOCKS, name)
    whole = first[1] if first else name
    after = name.removeprefix(whole)
    if whole.endswith(".keras"):
        return "", pathlib.Path(whole), after
    if whole.startswith("hub/") and pathlib.Path(whole[4:]).is_dir():
        return "hub/", pathlib.Path(whole[4:]), after
    return None


def get_network(name: str, argument: str = "name") -> NetworkEntry:
    """Looks up the entry of a network.

    Args:
        name: str: a key of `NETWORKS` or `SIZES`; `wrn_<depth>_<width>`;
            `applications/<Name>` of `keras.applications`; `hub/<preset>` or
            `hf://<user>/<model>` of KerasHub; path of a `.keras` file;
            `<network>_first<k>`.
        argument: the caller's name for `name`, for the error.

    Raises:
        ValueError: for an unknown name; it lists the known ones.
    """
    if name in NETWORKS:
        return NETWORKS[name]
    if name in SIZES:
        return get_network(SIZES[name], argument)
    if wide := re.fullmatch(_WIDE, name):
        depth, width = map(int, wide.groups())
        return _wide_resnet(depth, width)
    kind, _, application = name.partition("/")
    if kind == "applications" and application in APPLICATIONS:
        settings = {"application": application}
        return NetworkEntry("applications", "application", settings, True)
    if name.startswith(("hub/", "hf://")) and not re.fullmatch(
        _FIRST_BLOCKS, name
    ):
        preset = {"preset": name.removeprefix("hub/")}
        return NetworkEntry("hub", "hub_backbone", preset, True, True)
    if name.endswith(".keras"):
        settings = {"path": name}
        return NetworkEntry("applications", "backbone_file", settings, True)
    if first := re.fullmatch(_FIRST_BLOCKS, name):
        whole = get_network(first[1], argument)
        if whole.can_end_early:
            changes: dict[str, Any] = {"num_blocks": int(first[2])}
            if "name" in whole.settings:
                changes["name"] = name
            return dataclasses.replace(
                whole, settings={**whole.settings, **changes}
            )
    raise ValueError(
        f"`{argument}` must be one of {', '.join(NETWORKS)}; another "
        "wrn_<depth>_<width>; applications/<Name> of "
        f"{', '.join(APPLICATIONS)}; hub/<preset> or hf://<user>/<model> of "
        "KerasHub; the path of a .keras file; <network>_first<k>, the first k "
        "blocks of an EfficientNet-Lite, an application, a preset or a file; "
        f"or {', '.join(SIZES)}. "
        f"Received: {argument}={name!r}."
    )
