"""The tables of thesis 002, and what it leaves open."""

from collections.abc import Iterable, Sequence
from typing import Any

from keras_artkd.catalogue.augmentations import AUGMENTATIONS
from keras_artkd.studies.published import published_tables
from keras_artkd.studies.study import Cell, Study

# On two cores a ResNet-20 stands for a ResNet-18; the wide ResNet is smaller.
SMALL = {"epochs": 24, "batch_size": 64, "student": "resnet20"}
SMALL_WIDE = {**SMALL, "student": "wrn_16_1"}
_TABLES = published_tables()
_WIDE_NOTE = (
    "SKDSAM's beta of 100 is that of a ResNet-18 with 512 channels; the mean "
    "over 64 or 128 channels of unit vectors is larger, and so is the term: "
    "--method-options skdsam.feature_weight 1 is gentler."
)

_MODELS: dict[str, dict[str, Any]] = {
    "cross_entropy": {"method": "baseline"},
    "DDGSD": {"method": "ddgsd"},
    "BYOT": {"method": "byot"},
    "CS-KD": {"method": "cs_kd"},
    "SLA-SD": {"method": "sla_sd"},
    "FRSKD": {"method": "frskd"},
    "SKDSAM": {"method": "skdsam"},
    # Equal weights are what attention as printed has: read as every exit
    # counting 1.
    "w/o SA": {"method": "skdsam", "options": {"attention": "sum"}},
}


def _model(name: str) -> dict[str, Any]:
    """Changes of a row: a method, or one with an augmentation."""
    if name in _MODELS:
        return _MODELS[name]
    parts = {part.lower(): part for part in name.split("+")}
    (augmentation,) = {*parts} & {*AUGMENTATIONS}
    (other,) = {*parts} - {augmentation}
    return {**_MODELS[parts[other]], "augment": (augmentation,)}


def _cell(name: str, published: dict[str, float]) -> Cell:
    """A row's cell; SLA's answer is its aggregate over rotations (3.4.2).

    That of `sla_sd` is not: its head for the upright image replaces it.
    """
    changes = _model(name)
    aggregated = "sla" in changes.get("augment", ())
    return Cell(name, changes, published, aggregated=aggregated)


def _study(
    key: str,
    cells: Iterable[Cell],
    student: str,
    datasets: Iterable[str] = ("CIFAR-100",),
    **settings: Any,
) -> Study:
    table = _TABLES.get(key)
    if table:
        settings.setdefault("caption", table.caption)
    notes = [table.notes] if table and table.notes else []
    if student == "wrn_16_2":
        notes.append(_WIDE_NOTE)
    return Study(
        key,
        cells=tuple(cells),
        datasets=tuple(datasets),
        preset="self_distillation",
        notes=" ".join(notes),
        settings={"student": student},
        small={
            "resnet18": SMALL,
            "wrn_16_2": SMALL_WIDE,
            "densenet121": SMALL | {"student": "densenet121"},
        }[student],
        **settings,
    )


def _decays(key: str) -> Study:
    """PD-BYOT; its first row has a decay of one throughout.

    This makes its losses BYOT's, but its exits are still PD-BYOT's (fig 4.4).
    BYOT with its own exits is another cell.
    """
    table = _TABLES[key]
    none = "no decay"
    cells = [
        Cell(_decay_name(decays), _decay(decays), {table.dataset: value})
        for *decays, value in table.rows
    ]
    if none not in {cell.name for cell in cells}:
        cells.insert(0, Cell(none, _decay((1.0, 1.0, 1.0))))
    published = {
        cell.name: cell.published[table.dataset]
        for cell in cells
        if cell.published
    }
    best = max(published, key=published.__getitem__)
    return _study(
        key,
        [Cell("BYOT", {"method": "byot"}), *cells],
        "resnet18",
        reference=none,
        # What the thesis says of every one of these tables.
        claims=((none, best), ("BYOT", best)),
    )


def _decay(decays: Iterable[float]) -> dict[str, Any]:
    names = ("label_decay", "divergence_decay", "feature_decay")
    options = dict(zip(names, decays, strict=True))
    return {"method": "pd_byot", "options": options}


def _decay_name(decays: Sequence[float]) -> str:
    if {*decays} == {1.0}:
        return "no decay"
    return "labels {:g}, divergence {:g}, features {:g}".format(*decays)


def _models(key: str, student: str, **settings: Any) -> Study:
    """Rows are methods, columns data sets."""
    table = _TABLES[key]
    datasets = table.columns[1:]
    cells = [
        _cell(name, dict(zip(datasets, values, strict=True)))
        for name, *values in table.rows
    ]
    first = cells[0].name
    return _study(
        key,
        cells,
        student,
        datasets,
        reference=first,
        # Among others' methods the thesis's own, with or without an
        # augmentation the best.
        subjects=("SKDSAM",) if first == "cross_entropy" else (),
        **settings,
    )


def _attention_networks() -> Study:
    """Columns are networks; each column is compared in itself."""
    table = _TABLES["002/4.12"]
    networks = {
        "SAN": ("san10", "san15", "san19"),
        "DIANet": ("dianet", "dianet34", "dianet50"),
        "SKDSAM": ("resnet18", "resnet34", "resnet50"),
    }
    cells = [
        Cell(
            f"{column}: {name}",
            {
                "method": "skdsam" if name == "SKDSAM" else "baseline",
                "student": student,
            },
            {table.dataset: value},
            group=column,
            against=f"{column}: SAN",
        )
        for name, *values in table.rows
        for column, student, value in zip(
            table.columns[1:], networks[name], values, strict=True
        )
    ]
    own = tuple(cell.name for cell in cells if "SKDSAM" in cell.name)
    return _study(table.key, cells, "resnet18", subjects=own)


def _temperatures() -> Study:
    table = _TABLES["002/4.15"]
    cells = [
        Cell(
            f"T' = {attention}, T = {temperature:g}",
            {
                "method": "skdsam",
                "options": {
                    "attention_temperature": float(attention),
                    "temperature": temperature,
                },
            },
            {table.dataset: value},
        )
        for attention, *values in table.rows
        for temperature, value in zip((1.0, 4.0), values, strict=True)
    ]
    return _study(table.key, cells, "resnet18", reference="T' = 4, T = 4")


def _weights(key: str, option: str, reference: str) -> Study:
    table = _TABLES[key]
    cells = [
        Cell(
            f"{table.columns[0]} = {weight:g}",
            {"method": "skdsam", "options": {option: float(weight)}},
            {table.dataset: value},
        )
        for weight, value in table.rows
    ]
    return _study(key, cells, "resnet18", reference=reference)


def _attention() -> Study:
    """Attention as printed is equal weights to seven digits."""
    names = {
        "as printed (eqs 3.5 to 3.7)": "paper",
        "cosine": "cosine",
        "equal weights": "mean",
        "every exit counts 1": "sum",
    }
    cells = [
        Cell(name, {"method": "skdsam", "options": {"attention": kind}})
        for name, kind in names.items()
    ]
    return _study(
        "002/attention",
        [Cell("no distillation", {"method": "baseline"}), *cells],
        "wrn_16_2",
        caption="SKDSAM's attention: as printed, cosine, or none",
        reference="as printed (eqs 3.5 to 3.7)",
    )


STUDIES = (
    *(_decays(f"002/4.{number}") for number in (3, 4, 5, 6)),
    _models("002/4.7", "resnet18"),
    _models("002/4.8", "wrn_16_2"),
    _models("002/4.9", "densenet121"),
    _models("002/4.10", "resnet18"),
    _models("002/4.11", "densenet121"),
    _attention_networks(),
    _models("002/4.13", "resnet18"),
    _models("002/4.14", "wrn_16_2"),
    _temperatures(),
    *(
        _models(f"002/4.{number}", student)
        for number, student in (
            (16, "resnet18"),
            (17, "wrn_16_2"),
            (18, "resnet18"),
            (19, "wrn_16_2"),
        )
    ),
    _weights("002/4.20", "weight", "lambda = 1.5"),
    _weights("002/4.21", "feature_weight", "beta = 100"),
    _attention(),
)
