"""Questions of this package: what images without labels are worth."""

from typing import Any

from keras_artkd.runs.presets.folder import UNLABELLED
from keras_artkd.studies.inheriting import EXPERT, SETTINGS
from keras_artkd.studies.study import Cell, Study

# Of the labels, in percent.
_SHARES = (5, 10, 20, 50, 100)
# Of all training images: as many steps for every student.
_EPOCHS = 8
# An expert of few images needs many epochs, and is trained soon.
_EXPERT_EPOCHS = {5: 30, 10: 30, 20: 30, 50: 16, 100: 8}


def name_of(share: int, what: str) -> str:
    """Name of a cell: `20 %: labels`."""
    return f"{share} %: {what}"


def _cells(share: int) -> list[Cell]:
    labels = name_of(share, "labels")
    data: dict[str, Any] = {
        # Exactly as a person would type it.
        "unlabelled": round(1 - share / 100, 2),
        "expert_epochs": _EXPERT_EPOCHS[share],
    }
    alone = data | {"epochs": _EPOCHS * 100 // share}
    expert = data | EXPERT | {"epochs": _EXPERT_EPOCHS[share]}
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


# The pretrained network itself: no label changes its features.
_FEATURES = {
    "method": "feature_distillation",
    "expert_train": "head",
    "expert_epochs": 1,
}
_FEW = 20


def _features() -> Study:
    data: dict[str, Any] = {
        "unlabelled": round(1 - _FEW / 100, 2),
        "epochs": _EPOCHS,
        "expert_epochs": _EXPERT_EPOCHS[_FEW],
    }
    ways: dict[str, dict[str, Any]] = {
        "labels": {"epochs": _EPOCHS * 100 // _FEW},
        "and images without": UNLABELLED,
        "features first": _FEATURES,
        "its expert's features first": {"method": "feature_distillation"},
    }
    beginnings: dict[str, dict[str, Any]] = {
        "": {},
        "random weights, ": {"inherit": None},
    }
    cells = [
        Cell(
            f"{begin}{way}",
            data | changes | weights,
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


STUDIES = (_labels(), _features())
