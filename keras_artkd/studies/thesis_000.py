"""The tables and figures of thesis 000, and the questions it leaves open."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from keras_artkd.studies.published import published_tables
from keras_artkd.studies.study import Cell, Study

PAINTINGS = ("MultitaskPainting100k", "Pandora18k", "WikiArt")
SMALL = {
    "image_size": 32,
    "epochs": 30,
    "batch_size": 32,
    "learning_rate": 0.02,
    "expert_learning_rate": 0.02,
    "feature_scale": 8.0,
    "student": "wrn_16_1",
    "initial": "wrn_16_2",
    "expert_network": "wrn_16_2",
}
OURS = {"method": "collaborative"}
_TABLES = published_tables()


def _ours(**options: Any) -> dict[str, Any]:
    return {**OURS, "options": options}


def _study(
    key: str,
    cells: Iterable[Cell],
    datasets: tuple[str, ...] = PAINTINGS[:1],
    **settings: Any,
) -> Study:
    """A study of a printed table, or of a figure with a caption of its own."""
    if key in _TABLES:
        settings.setdefault("caption", _TABLES[key].caption)
        settings.setdefault("notes", _TABLES[key].notes)
    settings.setdefault("small", SMALL)
    return Study(key, cells=tuple(cells), datasets=datasets, **settings)


def _loss_weights() -> Study:
    table = _TABLES["000/4.4"]
    cells = [
        Cell(
            f"alpha {alpha:g}, beta {beta:g}",
            _ours(alpha=alpha, beta=beta),
            {table.dataset: value},
        )
        for beta, *values in table.rows
        for alpha, value in zip(
            (float(name.partition("=")[2]) for name in table.columns[1:]),
            values,
            strict=True,
        )
    ]
    return _study(table.key, cells, reference="alpha 1.5, beta 0.2")


def _attention_mappings() -> Study:
    table = _TABLES["000/4.5"]
    mappings = {
        "F_sum": "sum",
        "F_sum_2": "sum2",
        "F_sum_4": "sum4",
        "F_max_2": "max2",
    }
    cells = [
        Cell(
            name,
            _ours(attention_mapping=mappings[name]),
            {table.dataset: value},
        )
        for name, value in table.rows
    ]
    return _study(table.key, cells, reference="F_sum_2")


_PLAIN = "plain Gram matrix"


def _correlations(key: str, figure: str) -> Study:
    """Of AWGram; the plain Gram matrix is in the figure, now lost, alone."""
    table = _TABLES[key]
    best = max(table.rows, key=lambda row: row[1])[0]
    cells = [
        Cell(_PLAIN, {**OURS, "correlation": "none"}),
        *(
            Cell(name, {**OURS, "correlation": name}, {table.dataset: value})
            for name, value in table.rows
        ),
    ]
    return _study(
        key,
        cells,
        (table.dataset,),
        reference=_PLAIN,
        claims=(
            ("pearson", _PLAIN),
            ("spearman", _PLAIN),
            *((name, best) for name, _ in table.rows if name != best),
        ),
        also=(figure,),
    )


_TEMPERATURES = (1.0, 2.0, 4.0, 8.0)


def _temperatures(figure: str, dataset: str) -> Study:
    cells = [Cell(f"T = {t:g}", _ours(temperature=t)) for t in _TEMPERATURES]
    best = "T = 4"
    claims = ((cell.name, best) for cell in cells if cell.name != best)
    return _study(
        figure,
        cells,
        (dataset,),
        caption="Temperature of the soft targets",
        reference=best,
        claims=tuple(claims),
        notes="The figure is lost. The text: T = 4 is best.",
    )


_METHODS = {
    "KD": {"method": "kd"},
    "ATKD": {"method": "attention"},
    "RLKD": {"method": "rocket"},
    "CTKD": {"method": "ctkd"},
    "ours": OURS,
}


def _methods(key: str, width: int, **more: Any) -> Study:
    table = _TABLES[key]
    teacher = f"wrn_40_{width}"
    cells = []
    for name, value in table.column("accuracy").items():
        changes = _METHODS.get(name, {"method": "baseline", "student": teacher})
        cells.append(Cell(name, changes, {table.dataset: value}))
    networks = {
        "student": f"wrn_16_{width}",
        "initial": teacher,
        "expert_network": teacher,
    }
    return _study(
        key,
        cells,
        reference="KD",
        subjects=("ours",),
        settings=networks,
        # The table is about these networks, small or not.
        small=SMALL | networks,
        **more,
    )


def _ablation() -> Study:
    """Rows are not increments of one objective.

    Rows 2 and 3 repeat KD and ATKD of table 4.11, and row 4 lies below CTKD
    there, so it has no L2 term.
    """
    table = _TABLES["000/4.13"]
    rows = (
        ("baseline", {"method": "baseline"}),
        ("+ expert teacher", {"method": "kd"}),
        ("+ attention maps", {"method": "attention"}),
        ("+ initial teacher", {**_ours(alpha=0.0), "head": "pool"}),
        ("+ AWGram", {**OURS, "head": "awgram"}),
    )
    cells = [
        Cell(name, changes, {table.dataset: value})
        for (name, changes), value in zip(
            rows, table.column("accuracy").values(), strict=True
        )
    ]
    names = [name for name, _ in rows]
    return _study(
        table.key,
        cells,
        reference="baseline",
        claims=tuple(itertools.pairwise(names)),
    )


def _compared(key: str) -> Study:
    """With others' methods, whose numbers the thesis took from their papers."""
    table = _TABLES[key]
    cells = [
        Cell("ours", OURS, {table.dataset: table.column("accuracy")["ours"]})
    ]
    others = ", ".join(
        f"{name} {value:.2f}" for name, value in table.rows if name != "ours"
    )
    return _study(
        key,
        cells,
        (table.dataset,),
        notes=(
            "The others' are other networks and protocols, from their own "
            f"papers: {others}."
        ),
    )


def _classes(key: str, dataset: str, *also: str) -> Study:
    cells = [Cell("ours", OURS)]
    return _study(key, cells, (dataset,), show=("classes",), also=also)


def _headline() -> Study:
    table = _TABLES["000/text:abstract"]
    published = table.column("accuracy_tables")
    return _study(
        table.key, [Cell("ours", OURS, published)], datasets=PAINTINGS
    )


_WITHOUT_EXPERT = {"alpha": 0.0, "beta": 0.0}


def _parts() -> Study:
    """Each part added to nothing, and taken from everything."""
    attention = {"beta": 0.2, "norm": "l2"}
    expert = {
        "method": "logits_l2+attention",
        "options": {f"attention.{k}": v for k, v in attention.items()},
    }
    alone: dict[str, dict[str, Any]] = {
        "student alone": {"method": "baseline"},
        "only AWGram": {"method": "baseline", "head": "awgram"},
        "only the expert's L2": {"method": "logits_l2"},
        "only the expert's attention": {
            "method": "attention",
            "options": attention,
        },
        "only the expert": {**expert, "head": "pool"},
        "only the initial teacher": {
            **_ours(**_WITHOUT_EXPERT),
            "head": "pool",
        },
    }
    whole = {
        "all": OURS,
        "all but AWGram": {**OURS, "head": "pool"},
        "all but L2": _ours(alpha=0.0),
        "all but attention": _ours(beta=0.0),
        "all but the expert": _ours(**_WITHOUT_EXPERT),
        "all but the initial teacher": {**expert, "head": "awgram"},
    }
    cells = [Cell(name, changes) for name, changes in alone.items()]
    cells += [
        Cell(name, changes, against="student alone" if name == "all" else "all")
        for name, changes in whole.items()
    ]
    claims = [(name, "all") for name in whole if name != "all"]
    claims += [("student alone", name) for name in alone][1:]

    parts = {
        "AWGram": "AWGram",
        "the expert's L2": "L2",
        "the expert's attention": "attention",
        "the expert": "the expert",
        "the initial teacher": "the initial teacher",
    }
    contrasts = {
        part: (("student alone", f"only {part}"), (f"all but {short}", "all"))
        for part, short in parts.items()
    }
    return _study(
        "000/parts",
        cells,
        caption="What each part of the method adds",
        reference="student alone",
        claims=tuple(claims),
        contrasts=contrasts,
        notes=(
            "Asked here: the thesis's table 4.13 changes several things at "
            "once. The weights are the method's own, alpha 1.5 and beta 0.2 "
            "(un-squared attention); the expert teaches with both."
        ),
    )


def _open_questions() -> Iterator[Study]:
    """Points that the thesis leaves open or contradicts."""
    yield _study(
        "000/l2",
        [
            Cell("of the expert (eqs 3.12, 3.15)", OURS),
            Cell("of the initial teacher (text)", _ours(l2_teacher="initial")),
            Cell("none", _ours(alpha=0.0)),
        ],
        caption="Whose logits the L2 term reads",
        reference="of the expert (eqs 3.12, 3.15)",
    )
    mean_square = {"attention_norm": "mse", "beta": 1000.0}
    yield _study(
        "000/attention-norm",
        [
            Cell("un-squared, beta 0.2 (eq 3.14)", OURS),
            Cell("mean square, beta 1000 (AT's code)", _ours(**mean_square)),
            Cell("none", _ours(beta=0.0)),
        ],
        caption="Norm of the attention term",
        reference="un-squared, beta 0.2 (eq 3.14)",
    )
    heads = {
        "in no network": ("pool", "pool"),
        "in the student": ("awgram", "pool"),
        "in the teachers": ("pool", "awgram"),
        "in all three": ("awgram", "awgram"),
    }
    yield _study(
        "000/awgram",
        [
            Cell(name, {**OURS, "head": student, "teacher_head": teachers})
            for name, (student, teachers) in heads.items()
        ],
        caption="Which networks have an AWGram head",
        reference="in the student",
    )
    yield _study(
        "000/expert-term",
        [
            Cell("baseline", {"method": "baseline"}),
            Cell("KD (as tables 4.10 to 4.12)", {"method": "kd"}),
            Cell("L2 (eq 3.15)", {"method": "logits_l2"}),
        ],
        caption="What the ablation's expert teaches with",
        reference="baseline",
    )
    yield _study(
        "000/learning-rate",
        [
            Cell("0.01 (table 4.3)", {**OURS, "learning_rate": 0.01}),
            Cell("0.001 (text)", {**OURS, "learning_rate": 0.001}),
        ],
        caption="First learning rate",
        reference="0.01 (table 4.3)",
        small={k: v for k, v in SMALL.items() if k != "learning_rate"},
    )


STUDIES = (
    _loss_weights(),
    _temperatures("000/fig4.4", "Pandora18k"),
    _temperatures("000/fig4.5", "WikiArt"),
    _temperatures("000/fig4.6", "MultitaskPainting100k"),
    _attention_mappings(),
    _correlations("000/4.6", "000/fig4.8"),
    _correlations("000/4.7", "000/fig4.9"),
    _correlations("000/4.8", "000/fig4.10"),
    _methods("000/4.10", 1),
    _methods("000/4.11", 2, show=("curves",), also=("000/fig4.11",)),
    _methods("000/4.12", 4),
    _ablation(),
    _classes("000/4.14", "MultitaskPainting100k"),
    *(_compared(f"000/{table}") for table in ("4.15", "4.16", "4.17")),
    _classes("000/text:4.3.7-pandora", "Pandora18k", "000/fig4.12"),
    _classes("000/text:4.3.7-wikiart", "WikiArt", "000/fig4.14"),
    _headline(),
    _parts(),
    *_open_questions(),
)
