"""Questions of this package: what images without labels are worth."""

from typing import Any

from keras_artkd.runs.expert_config import FROZEN_EXPERT
from keras_artkd.runs.presets.folder import UNLABELLED
from keras_artkd.studies.inheriting import EXPERT, SETTINGS
from keras_artkd.studies.study import Cell, Study

# Of the labels, in percent.
_SHARES = (5, 10, 20, 50, 100)
# Of all training images: as many steps for every student.
_EPOCHS = 8
# Of smaller shares an expert learns nothing but the classifier on its frozen
# features, as the command's does of few labels (`runs/budget.py`).
_TRAINED_FROM = 50
_TRAINED: dict[str, Any] = {"expert_train": "all", "expert_epochs": 8}


def name_of(share: int, what: str) -> str:
    """Name of a cell: `20 %: labels`."""
    return f"{share} %: {what}"


def _cells(share: int) -> list[Cell]:
    labels = name_of(share, "labels")
    begins = _TRAINED if share >= _TRAINED_FROM else FROZEN_EXPERT
    # Exactly as a person would type it.
    data: dict[str, Any] = begins | {"unlabelled": round(1 - share / 100, 2)}
    alone = data | {"epochs": _EPOCHS * 100 // share}
    expert = data | EXPERT
    expert |= {
        name.removeprefix("expert_"): value for name, value in begins.items()
    }
    cells = [
        Cell(labels, alone),
        Cell(name_of(share, "expert"), expert, against=labels),
        Cell(
            name_of(share, "random weights"),
            alone | {"inherit": None},
            against=labels,
        ),
    ]
    if share < 100:
        with_others = data | UNLABELLED | {"epochs": _EPOCHS}
        name = name_of(share, "and images without")
        cells.insert(1, Cell(name, with_others, against=labels))
    return cells


def _labels() -> Study:
    cells = [cell for share in _SHARES for cell in _cells(share)]
    names = {cell.name for cell in cells}
    return Study(
        "own/labels",
        "Few labels, many images: accuracy against the share of labels",
        tuple(cells),
        ("your images",),
        also=("labels",),
        settings=SETTINGS,
        splits=True,
        label_curves={
            what: {
                share: name
                for share in _SHARES
                if (name := name_of(share, what)) in names
            }
            for what in (
                "labels",
                "and images without",
                "expert",
                "random weights",
            )
        },
        notes=(
            "Students of one seed take equally many steps: of fewer labels "
            "more epochs. A seed has a split of its own, and its own images "
            "with labels. Validation and test keep all their labels."
        ),
    )


_FEW = 20
_LABELS = {"epochs": _EPOCHS * 100 // _FEW}


def _few(**changes: Any) -> dict[str, Any]:
    """Few labels, and as many steps as all others have."""
    return {
        "unlabelled": round(1 - _FEW / 100, 2),
        "epochs": _EPOCHS,
        **FROZEN_EXPERT,
        **changes,
    }


def _features() -> Study:
    ways: dict[str, dict[str, Any]] = {
        "labels": _LABELS,
        "and images without": UNLABELLED,
        # Of the pretrained network itself: no label changes them.
        "features first": {"method": "feature_distillation"},
        "its expert's features first": {
            "method": "feature_distillation",
            "expert_train": "all",
            "expert_epochs": 30,
        },
    }
    beginnings: dict[str, dict[str, Any]] = {
        "": {},
        "random weights, ": {"inherit": None},
    }
    cells = [
        Cell(
            f"{begin}{way}",
            _few(**changes, **weights),
            against=None if way == "labels" else f"{begin}labels",
        )
        for begin, weights in beginnings.items()
        for way, changes in ways.items()
    ]
    return Study(
        "own/features",
        f"{_FEW} % of the labels: an expert's features first, or its answers",
        tuple(cells),
        ("your images",),
        reference="labels",
        settings=SETTINGS,
        splits=True,
        notes=(
            "All students of one seed take equally many steps. Features first "
            "are of the pretrained network, without a label; its expert's are "
            "of the one that was trained on the labels, which also answers."
        ),
    )


# What may make more of images without labels.
_TRIES: dict[str, dict[str, Any]] = {
    "": {},
    ", mixup": {"augment": ("mixup",)},
    ", average of the weights": {"ema_momentum": 0.99},
    ", 16 views": {"expert_views": 16},
    ", a larger expert": {
        "expert_network": "efficientnet_lite2",
        "expert_image_size": 224,
    },
}


def _longer() -> Study:
    labels, long_labels = "labels", "labels, 24 epochs"
    with_others = "and images without"
    cells = [
        Cell(labels, _few(**_LABELS)),
        Cell(with_others, _few(**UNLABELLED), against=labels),
        Cell(long_labels, _few(epochs=3 * _LABELS["epochs"]), against=labels),
    ]
    cells += [
        Cell(
            f"{with_others}, 24 epochs{name}",
            _few(**UNLABELLED | {"epochs": 3 * _EPOCHS} | changes),
            against=long_labels,
        )
        for name, changes in _TRIES.items()
    ]
    return Study(
        "own/longer",
        f"{_FEW} % of the labels: three times as long, and what else may help",
        tuple(cells),
        ("your images",),
        reference=labels,
        settings=SETTINGS,
        splits=True,
        notes=(
            "Epochs are of all images: students of labels alone take as many "
            "steps. Mixup and the average are the expert's, too."
        ),
    )


STUDIES = (_labels(), _features(), _longer())
