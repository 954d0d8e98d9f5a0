"""Runs the tables and figures of the papers: `python -m recipes.study` lists.

    python -m recipes.study 000/4.13 --recipe folder --data-dir FOLDER

Each cell of a table is a configuration, trained with several seeds; tables of
settings are looked up. Without --recipe the data set is the paper's first;
`--recipe folder`, or any other, takes the study to other images. --help shows
the defaults of 000/4.13; a key before it, as in `000/parts --help`, that
study's.

--budget small (the default) trains for fewer epochs, and small networks on
small images where the table is not about them, with a part of the larger data
sets (of CIFAR-100 20 classes, 250 images of each); --budget paper has the
paper's networks and schedule, --budget own the recipe's settings. Flags of the
recipe go over the budget's values, but not over what a cell is about. --cells
takes some of the cells alone: --cells 'baseline' '+ *'; --list-cells says what
they are, and how much there is to train.

--matched adds what a method has to beat besides: the student alone with the
same augmentation, and the student alone for as many epochs as take the method's
arithmetic, its expert's training included.

--rates 0.005 0.02 trains each cell with each of these first learning rates and
the first seed, and takes what is best by validation for all of its seeds. The
baseline and a method with several terms seldom like the same rate.

A run that ended is never trained again, whatever study it was for, and an
expert serves all who need it. Killed at any moment, the same command goes on;
the same command in another terminal, or --workers 2, takes a share of the
runs. --only-report trains nothing and writes what there is.

Leaves, in saved_models/<recipe>/study-.../: study.html and study.md, paper
beside measured; results.json, every number and the command of every run;
figures/. Runs write no files to deploy, unless --exports; `artkd export` makes
them later.
"""

import argparse
import dataclasses
import os
import shlex
import sys

import tyro

from keras_artkd.output import ending_with_its_reader
from recipes.config import Config
from recipes.flags import parse_flags
from recipes.networks import check_expert_file
from recipes.programs import exit_status
from recipes.studying.descriptions import DESCRIBED, describe
from recipes.studying.published import published_tables
from recipes.studying.registry import find_study, listing

try:
    from recipes.studying.matching import add_matched
    from recipes.studying.page import as_markdown, setting, write_study
    from recipes.studying.plan import choose_cells, plan_runs, study_folder
    from recipes.studying.rates import check_rates
    from recipes.studying.results import collect
    from recipes.studying.study import Budget, check_cells
    from recipes.studying.tables import amount, cell_table, markdown_table
    from recipes.studying.work import train_all
except ModuleNotFoundError as missing:
    raise SystemExit(
        f"error: A study needs {missing.name}. "
        "Fix: pip install 'keras_artkd[recipes]'"
    ) from missing

# What the cells and the study decide.
_TAKEN = ("method", "options", "head", "ablation", "resume")
# Flags that a page's command is without; it names the cells that were run.
_NO_NUMBERS = ("--cells", "--workers", "--only-report")
# Whose flags `--help` shows.
_EXAMPLE = "000/4.13"


@dataclasses.dataclass(frozen=True)
class Settings:
    """Flags of a study."""

    study: tyro.conf.Suppress[str]
    """Key of the study, such as 000/4.13: the first word."""
    recipe: str | None = None
    """Recipe that gives the data set; the paper's first if not given."""
    budget: Budget = "small"
    """How much to train: little, as the paper, or as the recipe does."""
    seeds: int = 3
    """How many seeds, from --seed on."""
    cells: tuple[str, ...] = ()
    """Cells to run, by name or pattern (*); all if not given."""
    method_options: dict[str, int | float | str] = dataclasses.field(
        default_factory=dict
    )
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


@dataclasses.dataclass(frozen=True)
class Command:
    """Everything that the command line sets."""

    study: tyro.conf.OmitArgPrefixes[Settings]
    run: tyro.conf.OmitArgPrefixes[Config]


def main(arguments=None):
    """Runs a study with the flags of the command line, or lists them.

    Args:
        arguments: list of str, or None for the process's own.

    Returns:
        Exit status, see `exit_status`; 1 if runs failed.
    """
    # Several processes may share a GPU.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    words = sys.argv[1:] if arguments is None else arguments
    return exit_status(lambda: _start(words), "The same command goes on.")


def _start(words):
    """Does what the command line asks for; returns the runs that failed."""
    if not words:
        with ending_with_its_reader():
            print(listing())
        return {}
    key, *flags = words
    if key in DESCRIBED:
        _print_description(key, flags)
        return {}
    if key in ("-h", "--help"):
        key, flags = _EXAMPLE, [key]
    command = _parse(key, flags)
    return run_study(command.study, command.run, _written(words))


def _print_description(key, flags):
    if flags:
        raise ValueError(
            f"{key} is looked up, not trained, and has no flags. "
            f"Received: {' '.join(flags)}."
        )
    print(f"{key}: {published_tables()[key].caption}\n")
    print(markdown_table(*describe(key)))
    if notes := published_tables()[key].notes:
        print(f"\nNote: {notes}")


def _written(arguments):
    """The command as a page has it, without what changes no number."""
    words, skipped = [], False
    for word in arguments:
        if word.startswith("--"):
            skipped = word.partition("=")[0] in _NO_NUMBERS
        if not skipped:
            words.append(word)
    return shlex.join(["python", "-m", "recipes.study", *words])


def _parse(key, flags):
    """The flags: first those that decide the others' defaults."""
    study = find_study(key)
    first = argparse.ArgumentParser(
        add_help=False, allow_abbrev=False, exit_on_error=False
    )
    first.add_argument("--recipe", nargs="?")
    first.add_argument("--budget", nargs="?", default="small")
    known, _ = first.parse_known_args(flags)
    config = study.default(known.recipe, known.budget)
    default = Command(
        Settings(study.key, known.recipe or config.recipe, known.budget),
        config,
    )
    command = parse_flags(Command, default, __doc__, flags)
    given = {
        field.name
        for field in dataclasses.fields(Config)
        if getattr(command.run, field.name) != getattr(config, field.name)
    }
    if command.study.rates and "learning_rate" in given:
        raise ValueError(
            "With --rates each cell has the best of them. Received: "
            "--learning-rate too. Fix: leave out one of the two; an expert's "
            "rate is --expert-learning-rate."
        )
    changes = [{*cell.changes} for cell in study.cells]
    # Where only some cells have their own, the flag is for the others.
    if taken := given & (set.intersection(*changes) | {*_TAKEN}):
        raise ValueError(
            f"The cells of {study.key} have their own. Received: "
            f"{_as_flags(taken)}. Fix: leave it out; --cells takes some cells "
            "alone, --method-options sets a method's options."
        )
    # But not where cells would then differ in more than what they are about.
    some = set.union(*changes)
    unfair = {"augment"} & some
    if some & {"expert_network", "teacher_head"}:
        unfair |= {"expert"}
    if taken := given & unfair:
        raise ValueError(
            f"Some cells of {study.key} have their own expert or augmentation: "
            "with one for the others they could not be compared. Received: "
            f"{_as_flags(taken)}. Fix: leave it out."
        )
    return command


def _as_flags(names):
    return ", ".join(f"--{name.replace('_', '-')}" for name in sorted(names))


def run_study(settings, base, command):
    """Trains what is missing and writes what there is.

    Args:
        settings: `Settings`.
        base: `Config`, what all runs have in common; its `seed` is the first.
        command: str, what to type to run it again.

    Returns:
        dict of run folder -> why it failed.

    Raises:
        ValueError: for input that cannot be used.
    """
    for name in ("seeds", "workers"):
        if getattr(settings, name) < 1:
            raise ValueError(
                f"`{name}` must be at least 1. "
                f"Received: {name}={getattr(settings, name)}."
            )
    study = find_study(settings.study)
    if base.expert is not None:
        check_expert_file(base)
    check_cells(study, base, settings.method_options)
    check_rates(study, settings.rates)
    folder = study_folder(study, base, settings)
    if settings.matched:
        study = add_matched(study, base, settings.method_options)
    chosen = choose_cells(study, settings.cells)
    failed = {}

    def read():
        runs = plan_runs(study, base, settings)
        return collect(study, base, settings, runs, chosen, failed)

    if settings.list_cells:
        print(markdown_table(*cell_table(study, chosen), align="left"))
        results = read()
        print(f"\n{setting(results)}\n\n{amount(results)}")
        return {}

    def write():
        results = read()
        shown = command
        if settings.cells:
            names = [
                cell.name
                for cell in results.cells
                if cell.metrics or cell.name in chosen
            ]
            shown += f" {shlex.join(['--cells', *names])}"
        write_study(folder, results, shown)
        return as_markdown(results, shown)

    def train(configs):
        train_all(configs, failed, settings.workers, folder, write)

    print(f"Study {study.key}: {study.caption}")
    print(f"  {folder}")
    if not settings.only_report:
        trying = [
            tried
            for cell, _, tried in plan_runs(study, base, settings)
            if cell.name in chosen
        ]
        train([tried[rate] for rate in settings.rates for tried in trying])
        runs = [
            by_seed
            for cell, by_seed, _ in plan_runs(study, base, settings)
            if cell.name in chosen
        ]
        # Seed by seed: what there is after a while compares all cells.
        seeds = [base.seed + i for i in range(settings.seeds)]
        train([run[seed] for seed in seeds for run in runs if run])
    print(f"\n{write()}")
    print(f"Written to {folder}: study.html, study.md, results.json, figures/")
    for path, why in failed.items():
        print(f"error: {path.name}: {why}", file=sys.stderr)
    return failed


def run_ablation(config):
    """Table 4.13 of thesis 000 with a recipe's own settings and seed.

    Args:
        config: `Config`; its method, head and options are replaced.

    Returns:
        dict of run folder -> why it failed.
    """
    base = dataclasses.replace(
        config,
        method="baseline",
        head="auto",
        options={},
        ablation=False,
        resume=False,
    )
    settings = Settings("000/4.13", config.recipe, "own", seeds=1)
    return run_study(settings, base, config.command())


if __name__ == "__main__":
    raise SystemExit(main())
