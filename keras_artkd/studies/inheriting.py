"""Questions of this package: what a small student that inherits is worth."""

from typing import Any

from keras_artkd.catalogue.networks import SIZES
from keras_artkd.runs.config import Config
from keras_artkd.runs.presets import recipe_presets
from keras_artkd.studies.study import Cell, Study
from keras_artkd.studies.thesis_000 import SMALL

_PRESETS = recipe_presets("folder")
_PRETRAINED = _PRESETS["pretrained"]
_THESIS = _PRESETS["thesis"]


def _differences(config: Config, other: Config) -> dict[str, Any]:
    """The settings of a configuration that another has otherwise."""
    given = other.flat()
    return {k: v for k, v in config.flat().items() if v != given[k]}


# Where the command measures and chooses, a study has what is the same for all.
SETTINGS = _differences(_PRETRAINED, _THESIS.replace(method="baseline")) | {
    "epochs": 8,
    "expert_epochs": 8,
}
# Three times as long.
_LONG = {"epochs": 24}
# The expert's own run: what a student with an expert trains first.
EXPERT = {
    "student": _PRETRAINED.networks.expert_network,
    "inherit": _PRETRAINED.networks.expert_weights,
    "head": _PRETRAINED.networks.expert_head,
    "image_size": _PRETRAINED.networks.expert_image_size,
    "crop_size": _PRETRAINED.networks.expert_image_size,
    "expert_image_size": None,
}
# Methods with the expert, by the default options of their authors.
_METHODS: dict[str, dict[str, Any]] = {
    "kd": {},
    "dkd": {},
    "fitnet": {},
    "attention": {},
    # The head is another question.
    "collaborative": {"head": "pool"},
}


def _study(key: str, caption: str, cells: list[Cell], **settings: Any) -> Study:
    return Study(
        key,
        caption,
        tuple(cells),
        ("your images",),
        settings=SETTINGS,
        splits=True,
        **settings,
    )


def _thesis() -> dict[str, Any]:
    """Thesis 000's student and method, with its small budget."""
    config = _THESIS.replace(**SMALL)
    # The same crops of the same images, seen smaller.
    return {
        **_differences(config, _PRETRAINED.replace(**SETTINGS)),
        "expert_epochs": SMALL["epochs"],
        "crop_size": _PRETRAINED.networks.expert_image_size,
    }


def _inheriting() -> Study:
    medium = "medium: labels"
    cells = [Cell("expert", EXPERT)]
    for size, student in SIZES.items():
        labels = f"{size}: labels"
        pairs: dict[str, dict[str, Any]] = {
            f"{size}: random weights": {"inherit": None},
            f"{size}: kd": {"method": "kd"},
        }
        if size == "medium":
            pairs |= {
                f"{size}: {method}": {"method": method, **changes}
                for method, changes in _METHODS.items()
            }
        cells.append(Cell(labels, {"student": student}, against=medium))
        cells += [
            Cell(name, {"student": student, **changes}, against=labels)
            for name, changes in pairs.items()
        ]
    long = f"{medium}, 24 epochs"
    cells += [
        Cell(long, _LONG, against=medium),
        Cell("medium: kd, 24 epochs", {"method": "kd", **_LONG}, against=long),
        Cell(
            "medium: random weights, 24 epochs",
            {"inherit": None, **_LONG},
            against=long,
        ),
    ]
    cells.append(Cell("thesis 000, random weights", _thesis(), against=medium))
    return _study(
        "own/inheriting",
        "Students that inherit: sizes, the expert's answers, random weights",
        cells,
        reference=medium,
        sizes={
            "inherits": (*(f"{size}: labels" for size in SIZES), "expert"),
            "random weights": tuple(
                f"{size}: random weights" for size in SIZES
            ),
        },
        notes=(
            "Equal epochs but for those that say otherwise. The expert is "
            "trained from a classifier on its frozen features; the students "
            "of one split have the same expert. The thesis's networks see "
            "the same crops at 32 pixels."
        ),
    )


_POOLING = "pooling, 512 channels"


def _awgram() -> Study:
    def head(channels: int, scale: float, correlation: str) -> dict[str, Any]:
        return {
            "head": "awgram",
            "head_channels": channels,
            "feature_scale": scale,
            "correlation": correlation,
        }

    cells = [
        Cell(_POOLING, {}),
        Cell("pooling, 64 channels", {"head_channels": 64}),
        # As many parameters as AWGram with 128 channels.
        Cell("pooling, 1,536 channels", {"head_channels": 1536}),
        Cell("AWGram, 64 channels, norm 8", head(64, 8.0, "cosine")),
        Cell("AWGram, 32 channels, norm 8", head(32, 8.0, "cosine")),
        Cell("AWGram, 128 channels, norm 8", head(128, 8.0, "cosine")),
        Cell("AWGram, norm 1", head(64, 1.0, "cosine")),
        Cell("AWGram, norm 32", head(64, 32.0, "cosine")),
        Cell("AWGram, Pearson", head(64, 8.0, "pearson")),
        Cell("AWGram, Euclidean", head(64, 8.0, "euclidean")),
        Cell("plain Gram matrix", head(64, 8.0, "none")),
        Cell("plain Gram matrix, 128 channels", head(128, 8.0, "none")),
    ]
    for size in ("small", "tiny"):
        student = {"student": SIZES[size]}
        pooling = f"{size}: {_POOLING}"
        cells += [
            Cell(pooling, student),
            Cell(
                f"{size}: AWGram, 64 channels, norm 8",
                {**student, **head(64, 8.0, "cosine")},
                against=pooling,
            ),
            Cell(
                f"{size}: plain Gram matrix",
                {**student, **head(64, 8.0, "none")},
                against=pooling,
            ),
        ]
    return _study(
        "own/awgram",
        "AWGram and pooling on inherited maps: channels, norms, correlations, "
        "depths",
        cells,
        reference=_POOLING,
    )


STUDIES = (_inheriting(), _awgram())
