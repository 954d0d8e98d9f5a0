"""The results of a study, read from the folders of its runs."""

import dataclasses
import pathlib
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from keras_artkd.files import read_arrays
from keras_artkd.measure.comparing import Difference, compare, judge_order
from keras_artkd.run_folder import AGGREGATED, RunFolder
from keras_artkd.runs.config import Config
from keras_artkd.runs.plan import Plan
from keras_artkd.studies.rates import shares
from keras_artkd.studies.settings import Settings
from keras_artkd.studies.study import RECIPES, Cell, Study
from keras_artkd.types import Array

# A cell, its runs by seed, and the runs that try its rates, by rate.
PlannedRuns = tuple[Cell, dict[int, Plan], dict[float, Plan]]
# Accuracy of a run, and which test images are right, if that is known.
Measured = tuple[float, Array | None]
# Of a run's metrics: the upright test images' -> those over rotations.
_AGGREGATED = {
    "test": "test_rotations",
    "test_last_epoch": "test_rotations_last_epoch",
}


@dataclasses.dataclass(frozen=True)
class Result:
    """A cell as measured.

    Attributes:
        name: str, the cell's.
        published: float, percent, or None.
        runs: dict of seed -> `Plan`, all that there should be; none while
            its rate is not known.
        aggregated: whether it is measured over rotations, see `Cell`.
        metrics: dict of seed -> metrics of the run, of those that ended.
        correct: dict of seed -> which test images are right, bool `(n,)`, or
            None where the run's predictions are gone, or those over rotations
            are not among them.
        epochs: int, of its training.
        settings: dict, what makes it this cell.
        trials: dict of first learning rate -> `Plan`, the runs that try
            it; empty where there is one rate.
        rates: dict of the same -> share of the validation images; None where
            the run has not ended.
    """

    name: str
    published: float | None
    runs: dict[int, Plan]
    aggregated: bool
    metrics: dict[int, dict[str, Any]]
    correct: dict[int, Array | None]
    epochs: int
    settings: dict[str, Any]
    trials: dict[float, Plan]
    rates: dict[float, float | None]

    @property
    def plans(self) -> dict[str, Plan]:
        """Every run that is known, by what it is: a seed or a trial."""
        runs = {f"seed {seed}": plan for seed, plan in self.runs.items()}
        known = {plan.folder for plan in runs.values()}
        return runs | {
            f"a trial of the rate {rate:g}": plan
            for rate, plan in self.trials.items()
            if plan.folder not in known
        }

    @property
    def ended(self) -> int:
        """How many of its runs have ended, trials included."""
        rates = {plan.first_rate for plan in self.runs.values()}
        return len(self.metrics) + sum(
            share is not None
            for rate, share in self.rates.items()
            if rate not in rates
        )

    def values(
        self,
        split: str = "test",
        metric: str = "accuracy",
        upright: bool = False,
    ) -> dict[int, float]:
        """Returns dict of seed -> a metric, a share.

        Args:
            split: str, `"test"`, `"test_last_epoch"` or `"validation"`.
            metric: str.
            upright: bool, of the upright images even where `aggregated`.

        Returns:
            dict of all seeds; empty if a run of an older version lacks it: the
            last epoch over rotations.
        """
        if self.aggregated and not upright:
            split = _AGGREGATED.get(split, split)
        if any(split not in metrics for metrics in self.metrics.values()):
            return {}
        return {s: m[split][metric] for s, m in self.metrics.items()}

    def summary(
        self,
        split: str = "test",
        metric: str = "accuracy",
        upright: bool = False,
    ) -> tuple[float | None, float | None]:
        """Returns mean and standard deviation over seeds; None where none."""
        values = [*self.values(split, metric, upright).values()]
        if not values:
            return None, None
        spread = statistics.stdev(values) if len(values) > 1 else None
        return statistics.fmean(values), spread


@dataclasses.dataclass(frozen=True)
class Contrast:
    """A comparison of cells.

    Attributes:
        name: str.
        best: `Difference` at the best epochs by validation.
        last: `Difference` at the last epochs, over seeds alone; None where
            runs of older versions lack it.
    """

    name: str
    best: Difference
    last: Difference | None


@dataclasses.dataclass(frozen=True)
class Results:
    """A study as measured so far.

    Attributes:
        study: `Study`.
        base: `Config`, the settings that all runs share.
        settings: the flags, `Settings`.
        dataset: name of the paper's data set whose numbers stand beside.
        cells: list of `Result`.
        chosen: names of the cells that were asked for.
        differences: list of `Contrast`, of cells from what they are compared
            with.
        matched: list of `Contrast`, of methods from the other baselines
            that they have to beat.
        contrasts: list of `Contrast`, the study's.
        order: dict, of `judge_order`; None where nothing is claimed.
        experts: list of `(Plan, accuracy)`, the runs that taught; None of
            those that have not ended.
        failed: dict of run folder -> why.
        overlap: float, test images by training images, where each seed has a
            split of its own; None where all have the same test images.
    """

    study: Study
    base: Config
    settings: Settings
    dataset: str
    cells: list[Result]
    chosen: set[str]
    differences: list[Contrast]
    matched: list[Contrast]
    contrasts: list[Contrast]
    order: dict[str, Any] | None
    experts: list[tuple[Plan, float | None]]
    failed: Mapping[RunFolder, str]
    overlap: float | None

    @property
    def seeds(self) -> range:
        """The seeds of every cell."""
        return self.settings.seeds_from(self.base)

    @property
    def runs_each(self) -> int:
        """How many runs a cell has, trials included."""
        # The trial of the rate that is chosen is the first seed's run.
        return len(self.seeds) + max(0, len(self.settings.rates) - 1)

    @property
    def done(self) -> tuple[int, int]:
        """How many runs have ended, of how many; experts are left out."""
        cells = [cell for cell in self.cells if cell.name in self.chosen]
        return sum(c.ended for c in cells), self.runs_each * len(cells)

    @property
    def comparable(self) -> bool:
        """Whether the paper's numbers are of these data and this training."""
        recipe = RECIPES[self.dataset]
        paper = self.study.default(recipe, "paper")
        # Neither where the images are nor how fast it goes matters.
        free = ("data_dir", "seed", "workdir", "precision", "exports")
        given = self.base.flat()
        same = {name: given[name] for name in free}
        return not (
            self.settings.rates or self.settings.method_options
        ) and self.base == paper.replace(**same)


def collect(
    study: Study,
    base: Config,
    settings: Settings,
    runs: Sequence[PlannedRuns],
    chosen: set[str],
    failed: Mapping[RunFolder, str],
) -> Results:
    """Reads what there is.

    Args:
        study: `Study`.
        base: `Config`.
        settings: `Settings`.
        runs: list of `(cell, dict of seed -> Plan, dict of rate -> Plan)`; the
            last are trials of the rate, none where there is one.
        chosen: names of the cells that were asked for.
        failed: dict of run folder -> why.

    Returns:
        `Results`.
    """
    dataset = study.dataset_of(base.recipe)
    _check_same_images(runs)
    overlap = _overlap(runs)
    cells = [
        _read_cell(cell, cell.published.get(dataset), by_seed, tried, base)
        for cell, by_seed, tried in runs
    ]
    best, last = _by_seed(cells, "test"), _by_seed(cells, "test_last_epoch")
    against = {cell.name: study.against(cell) for cell in study.cells}
    compared = [(name, other) for name, other in against.items() if other]
    matched = [pair for pair in study.matched if pair not in compared]

    def contrasts(
        pairs_by_name: Mapping[str, Iterable[tuple[str, str]]],
    ) -> list[Contrast]:
        known = [
            _contrast(name, pairs, best, last, overlap)
            for name, pairs in pairs_by_name.items()
        ]
        return [contrast for contrast in known if contrast is not None]

    claimed = study.expected_order(dataset)
    experts = {
        plan.expert.folder: plan.expert
        for cell in cells
        for plan in cell.plans.values()
        if plan.expert
    }
    return Results(
        study=study,
        base=base,
        settings=settings,
        dataset=dataset,
        cells=cells,
        chosen=chosen,
        differences=contrasts(_named(compared, study)),
        matched=contrasts(_named(matched, study)),
        contrasts=contrasts(study.contrasts),
        order=judge_order(claimed, best, overlap) if claimed else None,
        experts=[(plan, _accuracy(plan)) for plan in experts.values()],
        failed=failed,
        overlap=overlap,
    )


def _by_seed(
    cells: Iterable[Result], split: str
) -> dict[str, dict[int, Measured]]:
    """Cells as `compare` takes them; of the last epoch without predictions."""
    return {
        cell.name: {
            seed: (share, cell.correct[seed] if split == "test" else None)
            for seed, share in cell.values(split).items()
        }
        for cell in cells
    }


def _named(
    pairs: Iterable[tuple[str, str]], study: Study
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Pairs as `Study.contrasts` has them: the first less the other."""
    groups = {cell.name: cell.group for cell in study.cells}
    return {
        # Both are of a group, whose name stands in front already.
        f"{name} minus {other.removeprefix(f'{groups[name]}: ')}": (
            (other, name),
        )
        for name, other in pairs
    }


def _contrast(
    name: str,
    pairs: Iterable[tuple[str, str]],
    best: Mapping[str, dict[int, Measured]],
    last: Mapping[str, dict[int, Measured]],
    overlap: float | None,
) -> Contrast | None:
    pairs = list(pairs)
    at_best, at_last = (
        compare(*((known[a], known[b]) for a, b in pairs), overlap=overlap)
        for known in (best, last)
    )
    if at_best is None:
        return None
    return Contrast(name, at_best, at_last)


def _check_same_images(runs: Iterable[PlannedRuns]) -> None:
    """Rejects runs that were tested on other images, in one split."""
    first: dict[tuple[int, float | None], tuple[RunFolder, Any]] = {}
    plans = [plan for _, by_seed, _ in runs for plan in by_seed.values()]
    for plan in plans:
        if not plan.folder.is_finished:
            continue
        data, seed = plan.folder.data, plan.config.data.split_seed
        # Hidden labels leave fewer to train on, and the same to test.
        for share, images in (
            (plan.config.data.unlabelled, data["fingerprint"]),
            (None, data["splits"]["test"]),
        ):
            key = (seed, share)
            folder, known = first.setdefault(key, (plan.folder, images))
            if images != known:
                raise ValueError(
                    "The runs of a study must have the same images. Received: "
                    f"{folder} and {plan.folder}, which have not. Fix: "
                    "restore the images and remove the folder of the run that "
                    "had others."
                )


def _overlap(runs: Iterable[PlannedRuns]) -> float | None:
    """Test images by training images, where splits differ; None where not."""
    splits = {
        plan.config.data.split_seed: plan.folder.data["splits"]
        for _, by_seed, _ in runs
        for plan in by_seed.values()
        if plan.folder.is_finished
    }
    if len({tuple(split["test"]) for split in splits.values()}) < 2:
        return None
    first = next(iter(splits.values()))
    # Splits share them, whether they have their labels or not.
    train = len(first["train"]) + len(first.get("unlabelled", ()))
    return len(first["test"]) / train


def _read_cell(
    cell: Cell,
    published: float | None,
    by_seed: dict[int, Plan],
    tried: dict[float, Plan],
    base: Config,
) -> Result:
    metrics, correct = {}, {}
    for seed, plan in by_seed.items():
        if plan.folder.is_finished:
            metrics[seed] = plan.folder.metrics
            correct[seed] = _read_correct(
                plan.folder.predictions,
                AGGREGATED if cell.aggregated else "student",
            )
    return Result(
        name=cell.name,
        published=published,
        runs=by_seed,
        aggregated=cell.aggregated,
        metrics=metrics,
        correct=correct,
        epochs=cell.changes.get("epochs", base.schedule.epochs),
        settings=cell.changes,
        trials=tried,
        rates=shares(tried),
    )


def _read_correct(path: pathlib.Path, name: str) -> Array | None:
    if not path.exists():
        return None
    arrays = read_arrays(path, "remove the run's folder, and train it again")
    if name not in arrays:
        return None
    correct: Array = arrays[name].argmax(axis=1) == arrays["labels"]
    return correct


def _accuracy(plan: Plan) -> float | None:
    if not plan.folder.is_finished:
        return None
    accuracy: float = plan.folder.metrics["test"]["accuracy"]
    return accuracy
