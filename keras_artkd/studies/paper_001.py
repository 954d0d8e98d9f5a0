"""The tables of paper 001."""

from collections.abc import Iterable, Sequence
from typing import Any

from keras_artkd.studies.published import Table, published_tables
from keras_artkd.studies.study import Cell, Study

SMALL = {
    "epochs": 24,
    "expert_epochs": 60,
    "student": "wrn_16_1",
    "expert_network": "wrn_16_2",
}
# The paper's own methods.
_OWN = ("KD+PR", "DKD+PR", "PR-DKD")
_TABLES = published_tables()


def network(name: str) -> str:
    """The recipes' name of a network that a paper calls so."""
    return name.lower().replace("-", "_")


def method(name: str) -> str:
    """The method that a paper calls so."""
    known = {"AT": "attention", "KD+PR": "pr_kd", "DKD+PR": "pr_dkd"}
    return known.get(name) or name.lower().replace("-", "_")


def _methods(
    table: Table, values: Iterable[Sequence[Any]], **settings: Any
) -> Study:
    """Methods for one pair of networks; `values` are `(name, percent)`."""
    numbers = {name: value for name, value in values}
    cells = [
        Cell(name, {"method": method(name)}, {table.dataset: value})
        for name, value in numbers.items()
    ]
    return Study(
        table.key,
        table.caption,
        tuple(cells),
        (table.dataset,),
        reference="KD",
        subjects=tuple(n for n in _OWN if n in numbers),
        **settings,
    )


def _perception() -> Study:
    table = _TABLES["001/2"]
    return _methods(
        table,
        table.rows,
        preset="paper",
        settings={"student": "resnet32", "expert_network": "resnet110"},
        small=SMALL,
        notes="KD+PR's 74.20 is LumiNet's figure, with far larger weights.",
    )


def _pairs(key: str) -> Study:
    """One row a pair of networks; methods are compared within a row."""
    table = _TABLES[key]
    cells = []
    for teacher, student, *values in table.rows:
        pair = {"expert_network": network(teacher), "student": network(student)}
        label = f"{teacher} to {student}"
        for name, value in zip(table.columns[2:], values, strict=True):
            if name == "delta":
                continue
            cells.append(
                Cell(
                    f"{label}: {name}",
                    {**pair, "method": method(name)},
                    {table.dataset: value},
                    group=label,
                    against=f"{label}: KD",
                )
            )
    return Study(
        key,
        table.caption,
        tuple(cells),
        (table.dataset,),
        subjects=tuple(
            cell.name for cell in cells if cell.name.endswith(": PR-DKD")
        ),
        preset="paper",
        small={name: SMALL[name] for name in ("epochs", "expert_epochs")},
        notes=(
            "FitNet, RKD, CRD and KD are RepDistiller's numbers, of 240 "
            "epochs and batches of 64."
        ),
    )


def _imagenet() -> Study:
    table = _TABLES["001/5"]
    return _methods(
        table,
        zip(table.columns[1:], table.rows[0][1:], strict=True),
        # The published rate is of batches of 512.
        small={"epochs": 10, "batch_size": 64, "learning_rate": 0.025},
        settings={"student": "resnet18", "expert_network": "resnet34"},
    )


def _decay() -> Study:
    """Table 1's decay of 0.01 for ResNets, surely a misprint."""
    settings = {"student": "resnet32", "expert_network": "resnet110"}
    return Study(
        "001/decay",
        "The learning rate's decay for ResNets: 0.1, or 0.01 as printed",
        (
            Cell("0.1", {"method": "pr_dkd", "drop_factor": 0.1}),
            Cell("0.01", {"method": "pr_dkd", "drop_factor": 0.01}),
        ),
        ("CIFAR-100",),
        reference="0.1",
        preset="paper",
        settings=settings,
        small=SMALL,
    )


STUDIES = (
    _perception(),
    _pairs("001/3"),
    _pairs("001/4"),
    _imagenet(),
    _decay(),
)
