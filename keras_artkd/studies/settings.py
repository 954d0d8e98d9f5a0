"""The flags of a study, in addition to those of its runs."""

import dataclasses

import tyro

from keras_artkd.runs.config import Config
from keras_artkd.runs.settings import Option
from keras_artkd.studies.study import Budget


@dataclasses.dataclass(frozen=True)
class Settings:
    """The study: which runs, and how many."""

    study: tyro.conf.Suppress[str]
    """Key of the study, such as 000/4.13: the first word."""
    recipe: str | None = None
    """Recipe that gives the data set; the paper's first by default."""
    budget: Budget = "small"
    """How much to train: little, as the paper, or as the recipe does."""
    seeds: int = 3
    """How many seeds, from --seed on."""
    cells: tuple[str, ...] = ()
    """Cells to run, by name or pattern (*); all by default."""
    method_options: dict[str, Option] = dataclasses.field(default_factory=dict)
    """Options of one method in all its cells: skdsam.feature_weight 1."""
    matched: bool = False
    """Add baselines of equal augmentation and of equal arithmetic."""
    rates: tuple[float, ...] = ()
    """First learning rates of which each cell takes its best by validation."""
    workers: int = 1
    """Runs at a time, each in a process of its own."""
    only_report: bool = False
    """Train nothing: write what there is."""
    list_cells: bool = False
    """Train nothing: print which settings each cell has."""

    def __post_init__(self) -> None:
        for name in ("seeds", "workers"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"`{name}` must be at least 1. "
                    f"Received: {name}={getattr(self, name)}."
                )

    def seeds_from(self, base: Config) -> range:
        """The seeds of every cell."""
        first = base.schedule.seed
        return range(first, first + self.seeds)
