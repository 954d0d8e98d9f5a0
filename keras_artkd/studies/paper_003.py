"""The parts of paper 003's method, of which only an abstract exists."""

from typing import Any

from keras_artkd.studies.study import Cell, Study

# A fifth of 200 epochs: phases of 1 and 6 where the whole has 5 and 30.
SMALL = {
    "epochs": 40,
    "expert_epochs": 60,
    "student": "wrn_16_1",
    "expert_network": "wrn_16_2",
}
# What takes a part away.
_WITHOUT: dict[str, dict[str, Any]] = {
    "stage teachers": {"stages": 1},
    "adversaries": {"adversarial": False},
    "mutual learning": {"mutual": "none"},
}
_ALONE, _WHOLE = "student alone", "all"
_END_TO_END, _BLOCKS = "KD, end to end", "block by block"


def _parts() -> Study:
    """Each part added to training block by block, and taken from everything."""
    cells = [
        Cell(_ALONE, {"method": "baseline"}),
        Cell(_END_TO_END, {"method": "kd"}),
        Cell(_BLOCKS, _without(*_WITHOUT), against=_END_TO_END),
    ]
    whole = [Cell(_WHOLE, _without(), against=_ALONE)]
    contrasts: dict[str, tuple[tuple[str, str], ...]] = {
        "block by block": ((_END_TO_END, _BLOCKS),)
    }
    claims = [(_END_TO_END, _BLOCKS)]
    for part in _WITHOUT:
        only, but = f"blocks + {part}", f"all but {part}"
        others = (other for other in _WITHOUT if other != part)
        cells.append(Cell(only, _without(*others), against=_BLOCKS))
        whole.append(Cell(but, _without(part), against=_WHOLE))
        contrasts[part] = ((_BLOCKS, only), (but, _WHOLE))
        claims += [(_BLOCKS, only), (but, _WHOLE)]
    return Study(
        "003/parts",
        "What each part of multi-stage, multi-GAN mutual distillation adds",
        (*cells, *whole),
        ("CIFAR-100",),
        reference=_ALONE,
        claims=(*claims, (_ALONE, _WHOLE)),
        contrasts=contrasts,
        settings={"student": "wrn_16_2", "expert_network": "wrn_40_2"},
        small=SMALL,
        notes=(
            "Asked here: the paper's abstract prints no number, network or "
            "data set. KD has the same expert, but trains the student end to "
            "end. Stage teachers, adversaries and mutual learning are added "
            "to training block by block; the method has none of them without."
        ),
    )


def _without(*parts: str) -> dict[str, Any]:
    """The method without some of its parts."""
    changes: dict[str, Any] = {"method": "ms_mgans"}
    for part in parts:
        changes |= _WITHOUT[part]
    return changes


STUDIES = (_parts(),)
