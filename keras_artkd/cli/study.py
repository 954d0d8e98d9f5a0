"""Run the tables and figures of the papers on any images.

  artkd study                        the list
  artkd study 000/4.13 FOLDER
  artkd study 000/parts --recipe pandora --data-dir ARCHIVE

Each cell of a table is a configuration, trained with several seeds; tables of
settings are looked up. Without FOLDER and --recipe the data set is the paper's
first. --help shows the defaults of 000/4.13; a key before it, as in `artkd
study 000/parts --help`, shows that study's.

--budget small (the default) trains for fewer epochs, and small networks on
small images where the table is not about them, with a part of the larger data
sets (of CIFAR-100 20 classes, 250 images of each). --budget paper has the
paper's networks and schedule, --budget own the recipe's settings. Flags of
`artkd train` overrule the budget's values, but not the settings that a cell is
about. --cells takes some of the cells alone: --cells 'baseline' '+ *'.
--list-cells says what they are, and how much there is to train.

--matched adds two baselines that a method has to beat: the student alone with
the same augmentation, and the student alone for as many epochs as take the
method's arithmetic, its expert's training included.

--rates 0.005 0.02 trains each cell with each of these first learning rates and
the first seed, and takes the best by validation for all of its seeds. The
baseline and a method with several terms seldom like the same rate.

A run that ended is never trained again, whatever study it was for, and an
expert serves all that need it. Killed at any moment, the same command resumes;
the same command in another terminal, or --workers 2, takes a share of the
runs. --only-report trains nothing and writes what there is.

The study leaves, in saved_models/<recipe>/study-.../: study.html and study.md,
paper beside measured; results.json, every number and the command of every run;
figures/. Runs write no files to deploy, unless --exports; `artkd export` makes
them later.
"""

import argparse
import dataclasses
import shlex
from collections.abc import Iterable, Sequence
from typing import Annotated

import tyro

from keras_artkd.cli.flags import parse_flags
from keras_artkd.cli.selection import source_settings
from keras_artkd.cli.status import exit_status
from keras_artkd.output import ending_with_its_reader, import_tensorflow
from keras_artkd.runs.config import Config
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.validation import (
    check_expert_files,
    check_one_split,
    check_plan,
)
from keras_artkd.studies.cells import choose_cells
from keras_artkd.studies.descriptions import DESCRIBED, describe
from keras_artkd.studies.published import published_tables
from keras_artkd.studies.rates import check_rates
from keras_artkd.studies.registry import find_study, listing
from keras_artkd.studies.settings import Settings
from keras_artkd.studies.study import Study, check_cells
from keras_artkd.studies.text import markdown_table

# Settings that the cells and the study decide.
_TAKEN = ("method", "options", "head", "resume")
# Flags that a page's command is without; it names the cells that were run.
_NO_NUMBERS = ("--cells", "--workers", "--only-report")
# Whose flags `--help` shows.
_EXAMPLE = "000/4.13"


@dataclasses.dataclass(frozen=True)
class Command:
    """Everything that the command line sets."""

    study: Annotated[Settings, tyro.conf.arg(name="")]
    run: Annotated[Config, tyro.conf.arg(name="")]


def main(arguments: Sequence[str]) -> int:
    """Runs a study with the flags of the command line, or lists them.

    Args:
        arguments: list of str, what follows `artkd study`.

    Returns:
        Exit status, see `exit_status`; 1 if runs failed.
    """
    return exit_status(lambda: _start(arguments), "The same command resumes.")


def _start(words: Sequence[str]) -> int:
    """Does what the command line asks for; returns 1 if runs failed."""
    if not words:
        with ending_with_its_reader():
            print(listing())
        return 0
    key, *flags = words
    if key in DESCRIBED:
        _print_description(key, flags)
        return 0
    if key in ("-h", "--help"):
        key, flags = _EXAMPLE, [key]
    study, command = parse_study(key, flags)
    # Only now: mistakes are told within a second.
    import_tensorflow()
    from keras_artkd.studies.running import run_study

    failed = run_study(study, command.study, command.run, _written(words))
    return 1 if failed else 0


def _print_description(key: str, flags: Sequence[str]) -> None:
    if flags:
        raise ValueError(
            f"{key} is looked up, not trained, and has no flags. "
            f"Received: {' '.join(flags)}."
        )
    print(f"{key}: {published_tables()[key].caption}\n")
    print(markdown_table(*describe(key)))
    if notes := published_tables()[key].notes:
        print(f"\nNote: {notes}")


def _written(arguments: Sequence[str]) -> str:
    """The command as a page has it, without what changes no number."""
    words, skipped = [], False
    for word in arguments:
        if word.startswith("--"):
            skipped = word.partition("=")[0] in _NO_NUMBERS
        if not skipped:
            words.append(word)
    return shlex.join(["artkd", "study", *words])


def parse_study(key: str, flags: Sequence[str]) -> tuple[Study, Command]:
    """The study, its settings and the configuration that its runs share.

    Args:
        key: str, of the study.
        flags: list of str, what follows it on the command line.

    Raises:
        ValueError: for input that cannot be used.
    """
    study = find_study(key)
    source, words = source_settings(flags)
    first = argparse.ArgumentParser(
        add_help=False, allow_abbrev=False, exit_on_error=False
    )
    # These decide the defaults of the other flags.
    first.add_argument(
        "--recipe", nargs="?", default=source.pop("recipe", None)
    )
    first.add_argument("--budget", nargs="?", default="small")
    known, _ = first.parse_known_args(words)
    config = study.default(known.recipe, known.budget).replace(**source)
    default = Command(
        Settings(study.key, known.recipe or config.recipe, known.budget),
        config,
    )
    command = parse_flags(
        Command, default, f"artkd study {key}", __doc__, words
    )
    _check_given(study, command, config)
    check_cells(study, command.run, command.study.method_options)
    check_rates(study, command.study.rates)
    if not command.study.matched:
        # Matched baselines, which can be chosen as well, are made with Keras.
        choose_cells(study, command.study.cells)
    _check_files(command)
    return study, command


def _check_files(command: Command) -> None:
    # Its own method has no expert; cells that have one record it.
    plan = resolve(command.run.replace(expert_views=None))
    check_one_split(plan, "A study")
    if plan.config.networks.expert is not None:
        check_expert_files(plan)
    if not (command.study.only_report or command.study.list_cells):
        check_plan(plan)


def _check_given(study: Study, command: Command, default: Config) -> None:
    """Rejects flags that would make cells incomparable."""
    defaults = default.flat()
    given = {k for k, v in command.run.flat().items() if v != defaults[k]}
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
    if some & {"expert_network", "expert_head", "teacher_head"}:
        unfair |= {"expert"}
    if taken := given & unfair:
        raise ValueError(
            f"Some cells of {study.key} have their own expert or augmentation: "
            "with one for the others they could not be compared. Received: "
            f"{_as_flags(taken)}. Fix: leave it out."
        )


def _as_flags(names: Iterable[str]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in sorted(names))
