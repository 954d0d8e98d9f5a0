"""Tables of structures and settings, which are looked up, not trained."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from keras_artkd.runs.presets import default_config, recipe_presets
from keras_artkd.studies.published import published_tables
from keras_artkd.studies.study import RECIPES

# Of table 4.9, whose counts mix those of several data sets: the largest's.
_CLASSES = 125


def describe(key: str) -> tuple[list[str], list[list[str]]]:
    """A table that needs no training, beside what is here.

    Args:
        key: str, of `published_tables`.

    Returns:
        `(header, rows)`, all of them str; `rows` have a last column, `here`,
        which is empty where nothing corresponds.

    Raises:
        KeyError: for a table of results that are trained.
    """
    table = published_tables()[key]
    here = _DESCRIPTIONS[key]()
    rows = [
        [*map(_text, row), _text(here.get(row[0], ""))] for row in table.rows
    ]
    return [*table.columns, "here"], rows


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _parameters() -> dict[str, float]:
    from keras_artkd import models

    counts = {}
    for name in published_tables()["000/4.9"].column("model"):
        network = models.build(
            name.lower().replace("-", "_"), _CLASSES, (64, 64, 3)
        )
        # As the literature counts: without batch normalisation's averages.
        trained = sum(math.prod(w.shape) for w in network.trainable_weights)
        counts[name] = round(trained / 1e6, 3)
    return counts


def _groups(name: str, size: int, stem: Mapping[str, str]) -> list[str]:
    """Sizes of the groups' maps, as the tables of structures have them."""
    from keras_artkd import models
    from keras_artkd.models.endpoints import group_names

    network = models.build(name, 10, (size, size, 3), **stem)
    shapes = [network.endpoints[name].shape for name in group_names(network)]
    return [f"{s[1]}x{s[2]}, {s[3]} channels" for s in shapes]


def _resnet34() -> dict[str, str]:
    names = ("Conv2", "Conv3", "Conv4", "Conv5")
    groups = _groups("resnet34", 224, {"stem": "imagenet"})
    return dict(zip(names, groups, strict=True))


def _wide_resnet(*names: str) -> dict[str, str]:
    groups = _groups("wrn_16_2", 32, {})
    return dict(zip(names, (f"{g} (k = 2)" for g in groups), strict=True))


def _training() -> dict[str, Any]:
    config = default_config("painting100k").flat()
    names = ("learning_rate", "batch_size", "epochs", "momentum")
    return {name: config[name] for name in names} | {"optimizer": "SGD"}


def _rates() -> dict[str, str]:
    paper = recipe_presets("cifar100")["paper"]
    networks = {
        "ResNet": "resnet32",
        "ShuffleNet": "shufflenet_v1",
        "MobileNet": "mobilenet_v2",
        "VGG": "vgg8",
        "Wide ResNet": "wrn_16_2",
    }
    schedule = paper.schedule
    rates = schedule.published_rates
    return {
        name: f"{rates.get(network, rates['']):g}, {schedule.drop_factor:g}"
        for name, network in networks.items()
    }


def _sources() -> dict[str, str]:
    return {
        name: f"artkd train --recipe {RECIPES[name]}: 70, 15 and 15 % of what "
        "there is"
        for name in published_tables()["000/4.1"].column("styles")
    }


def _environment() -> dict[str, str]:
    from keras_artkd.runs.provenance import describe_versions

    versions = describe_versions()
    return {
        "language": f"Python {versions['python']}",
        "framework": f"TensorFlow {versions['tensorflow']}, "
        f"Keras {versions['keras']}",
        "CPU": versions["cpu"],
        "GPU": f"{versions['gpus']} of them",
        "python": versions["python"],
        "numpy": versions["numpy"],
    }


def _losses() -> dict[str, str]:
    return {
        "cross entropy": "byot: every exit; skdsam: the deepest",
        "KL divergence": "byot: without T^2; skdsam: with it",
        "L_n feature loss": "byot: squared; skdsam: absolute, unit vectors",
        "total": "byot: alpha, feature_weight; skdsam: attention too",
    }


_DESCRIPTIONS: dict[str, Callable[[], Mapping[str, Any]]] = {
    "000/2.1": _resnet34,
    "000/2.2": lambda: _wide_resnet("Conv2", "Conv3", "Conv4"),
    "000/4.1": _sources,
    "000/4.2": _environment,
    "000/4.3": _training,
    "000/4.9": _parameters,
    "001/1": _rates,
    "002/3.1": _losses,
    "002/4.1": _environment,
    "002/4.2": lambda: _wide_resnet("conv2", "conv3", "conv4"),
}
DESCRIBED = tuple(_DESCRIPTIONS)
