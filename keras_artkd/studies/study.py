"""`Study` and `Cell`: a table of a paper as data."""

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any, Literal, get_args

from keras_artkd.catalogue.methods import get_method
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.config import Config
from keras_artkd.runs.plan import Plan, resolve
from keras_artkd.runs.presets import default_config, recipe_presets

# Names of data sets in the papers' tables -> their recipes.
RECIPES = {
    "MultitaskPainting100k": "painting100k",
    "Pandora18k": "pandora",
    "WikiArt": "wikiart",
    "CIFAR-100": "cifar100",
    "Tiny ImageNet": "tiny_imagenet",
    "CUB-200": "cub200",
    "MIT-67": "mit67",
    "Dogs": "stanford_dogs",
    "Stanford-40": "stanford40",
    "ImageNet-1K": "imagenet",
    # Of the studies that are no paper's.
    "your images": "folder",
}
Budget = Literal["small", "paper", "own"]
BUDGETS = get_args(Budget)
# What a recipe says of its data; the rest is the schedule.
_OF_THE_DATA = (
    *("recipe", "dataset", "data_dir", "data_options", "keep_size"),
    "licence",
)
# Settings that cells replace.
_CELLS_OWN: dict[str, Any] = {
    "method": "baseline",
    "options": {},
    "exports": False,
}


@dataclasses.dataclass(frozen=True)
class Cell:
    """One number of a study: a configuration, trained with several seeds.

    Attributes:
        name: str, as the paper has it where it has it.
        changes: dict of setting -> value, over what the study sets.
        published: dict of data set -> percent; empty where there is no
            number to compare with.
        group: str; only cells of one group are compared with each other, as
            the methods for one pair of networks.
        against: name of the cell that this one's difference is taken from;
            None for the study's.
        added: whether it is a baseline that the paper does not have.
        aggregated: whether its numbers are of the logits averaged over four
            rotations of each test image, at four times the cost, as a paper
            measures it; of a cell with `augment=("sla",)` alone.
    """

    name: str
    changes: dict[str, Any]
    published: dict[str, float] = dataclasses.field(default_factory=dict)
    group: str = ""
    against: str | None = None
    added: bool = False
    aggregated: bool = False


@dataclasses.dataclass(frozen=True)
class Study:
    """A table or figure of a paper, or a question that it leaves open.

    Attributes:
        key: str, such as `"000/4.13"`.
        caption: str.
        cells: tuple of `Cell`.
        datasets: names of the data sets in the paper, of `RECIPES`.
        reference: name of the cell that others' differences are taken from.
        preset: name of the recipe's preset with the paper's schedule; None
            where it has one schedule.
        settings: dict of setting -> value, for all cells.
        small: the same, for the small budget in addition.
        subjects: names of the cells that the table is about, such as the
            paper's own method: the paper's order is theirs among the others
            of their group. Where none is named, of each group the best.
        claims: tuple of `(lower, higher)`, names of cells: the order that the
            paper states or implies, where it is not that of its numbers.
        matched: tuple of `(method, baseline)`, names of cells: what else a
            method has to beat (`matching.add_matched`).
        contrasts: dict of name -> pairs of cells, `(without, with)`: what
            something adds, as the mean of these differences.
        show: what is shown in addition to the numbers: `"classes"`, `"curves"`.
        also: keys of figures of the paper that this study shows as well.
        sizes: dict of name -> names of cells, networks of several sizes, whose
            accuracy is drawn against the size of their files.
        label_curves: dict of name -> share of the labels, percent -> name of
            the cell whose accuracy is drawn against it.
        splits: bool, whether each seed has a random split of its own.
        notes: str, what a reader should know.
    """

    key: str
    caption: str
    cells: tuple[Cell, ...]
    datasets: tuple[str, ...]
    reference: str | None = None
    preset: str | None = None
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    small: dict[str, Any] = dataclasses.field(default_factory=dict)
    subjects: tuple[str, ...] = ()
    claims: tuple[tuple[str, str], ...] = ()
    matched: tuple[tuple[str, str], ...] = ()
    contrasts: dict[str, tuple[tuple[str, str], ...]] = dataclasses.field(
        default_factory=dict
    )
    show: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    sizes: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    label_curves: dict[str, dict[int, str]] = dataclasses.field(
        default_factory=dict
    )
    splits: bool = False
    notes: str = ""

    def __post_init__(self) -> None:
        names = [cell.name for cell in self.cells]
        known = {*names}
        if len(known) < len(names):
            raise ValueError(f"Cells of {self.key} share a name: {names}.")
        pairs = itertools.chain(
            self.claims,
            self.matched,
            *self.contrasts.values(),
            self.sizes.values(),
            [tuple(x.values()) for x in self.label_curves.values()],
        )
        named = {*itertools.chain(*pairs), *self.subjects, self.reference}
        named |= {cell.against for cell in self.cells}
        if unknown := named - known - {None}:
            raise ValueError(f"{self.key} has no cells {unknown}.")

    def against(self, cell: Cell) -> str | None:
        """Name of the cell that `cell` is compared with, or None."""
        if cell.added:
            return None
        name = cell.against or self.reference
        return None if name == cell.name else name

    def dataset_of(self, recipe: str) -> str:
        """The paper's data set whose numbers stand beside a recipe's.

        The recipe's own where the paper has it, otherwise the paper's first.
        """
        for name in self.datasets:
            if RECIPES[name] == recipe:
                return name
        return self.datasets[0]

    def expected_order(self, dataset: str) -> list[tuple[str, str]]:
        """The order that is expected: list of `(lower, higher)` names.

        The study's claims; without any, where the published numbers of a data
        set put its subjects among the others.
        """
        if self.claims:
            return [*self.claims]
        groups: dict[str, dict[str, float]] = {}
        for cell in self.cells:
            if dataset in cell.published:
                shares = groups.setdefault(cell.group, {})
                shares[cell.name] = cell.published[dataset]
        pairs = []
        for shares in groups.values():
            subjects = {*shares} & {*self.subjects}
            if not self.subjects:
                subjects = {max(shares, key=shares.__getitem__)}
            pairs += [
                (lower, higher)
                for lower, higher in itertools.permutations(shares, 2)
                if shares[lower] < shares[higher] and subjects & {lower, higher}
            ]
        return pairs

    def default(self, recipe: str | None, budget: str) -> Config:
        """The settings that the study's runs share, before any flag.

        Args:
            recipe: name of a recipe, or None for the paper's first data set's.
            budget: `"paper"`: the paper's networks and schedule, whatever the
                data; `"small"`: fewer epochs, and small networks and images
                where the study is not about them; `"own"`: the recipe's
                settings as they are, with the study's networks.

        Returns:
            A `Config`.

        Raises:
            ValueError: for a name that is no recipe's, an unknown budget.
        """
        if budget not in BUDGETS:
            raise ValueError(
                f"`budget` must be one of {', '.join(BUDGETS)}. "
                f"Received: {budget!r}."
            )
        home = RECIPES[self.datasets[0]]
        recipe = recipe or home
        own = default_config(recipe)
        if budget == "own":
            return own.replace(**self.settings, **_CELLS_OWN)
        # One schedule for all data sets of a study, the paper's first.
        schedules = recipe_presets(home)
        default = next(iter(schedules.values()))
        given = own.flat()
        changes = {name: given[name] for name in _OF_THE_DATA}
        if own.data.keep_size:
            changes["image_size"] = own.data.image_size
        changes |= self.settings
        if budget == "paper":
            default = schedules.get(self.preset or "", default)
        else:
            changes |= self.small | SMALL_DATA.get(recipe, {})
        return default.replace(**changes, **_CELLS_OWN)

    def plan(
        self,
        cell: Cell,
        base: Config,
        seed: int,
        method_options: Mapping[str, Any] | None = None,
    ) -> Plan:
        """The run of a cell.

        Args:
            cell: `Cell`.
            base: `Config`, the settings that all share.
            seed: int.
            method_options: dict of `<method>.<option>` -> value, for the
                cells with that method which do not set it themselves.

        Returns:
            A `Plan`.
        """
        method = cell.changes.get("method", base.teaching.method)
        options = {
            name.partition(".")[2]: value
            for name, value in (method_options or {}).items()
            if name.partition(".")[0] == method
        }
        changes = {"head": "auto", **cell.changes}
        if not get_method(method).needs_expert:
            changes["expert_views"] = None
        changes["options"] = options | cell.changes.get("options", {})
        if self.splits:
            first = base.schedule.seed
            changes["split_seed"] = base.data.split_seed + seed - first
        return _with_own_recipe(resolve(base.replace(seed=seed, **changes)))


def _with_own_recipe(plan: Plan) -> Plan:
    """Settings that another recipe publishes, made the run's own.

    Those have no flags: the run's command would be another run.
    """
    config = plan.config
    own = default_config(config.recipe).flat()
    settings = config.flat()
    published = {
        name: own[name] for name in ("published_options", "published_rates")
    }
    if all(settings[name] == value for name, value in published.items()):
        return plan
    changes = published | {
        "learning_rate": plan.first_rate,
        "options": plan.options,
    }
    if plan.expert:
        changes["expert_learning_rate"] = plan.expert.first_rate
    return resolve(config.replace(**changes))


# Of the small budget: a part of the images, or smaller ones.
SMALL_DATA: dict[str, dict[str, Any]] = {
    "cifar100": {"data_options": {"classes": 20, "per_class": 250}},
    "tiny_imagenet": {"limit": 10_000},
    "imagenet": {"limit": 20_000, "image_size": 64},
    **{
        name: {"image_size": 64}
        for name in ("cub200", "mit67", "stanford_dogs", "stanford40")
    },
}


def method_of(name: str) -> tuple[str, str]:
    """Method and option of a qualified option's name.

    Raises:
        ValueError: for an unknown method or option.
    """
    method, dot, option = name.partition(".")
    if not dot:
        raise ValueError(
            "`--method-options` must have <method>.<option> and a value, such "
            f"as skdsam.feature_weight 1. Received: {name!r}."
        )
    known = get_method(method).options
    if option not in known:
        raise ValueError(
            f"Method {method!r} has the options "
            f"{', '.join(known) or '(none)'}. Received: {name!r}."
        )
    return method, option


def check_cells(
    study: Study, base: Config, method_options: Mapping[str, Any]
) -> None:
    """Makes every configuration once: a mistake is told before any run.

    Raises:
        ValueError: for settings that a run cannot have, an option that no
            cell has, or flags that make two cells one.
    """
    seed = base.schedule.seed
    plans = {
        cell.name: study.plan(cell, base, seed, method_options)
        for cell in study.cells
    }
    methods = {plan.method.name for plan in plans.values()}
    for name in method_options:
        method, _ = method_of(name)
        if method not in methods:
            raise ValueError(
                f"Method {method!r} is in no cell of {study.key}, which has "
                f"{', '.join(sorted(methods))}. Received: {name!r}."
            )
    folders: dict[RunFolder, str] = {}
    for name, plan in plans.items():
        other = folders.setdefault(plan.folder, name)
        if other != name:
            raise ValueError(
                f"Cells of {study.key} must differ. Received: settings that "
                f"make {other!r} and {name!r} the same run. Fix: leave out "
                "the flag that one of them sets itself."
            )
