"""Searches the settings of a recipe: learning rate and the method's own.

    python -m recipes.search --recipe folder --data-dir FOLDER --trials 30

Takes the recipe's flags as well. Every trial trains the same student with
other settings and is judged by its best epoch on the validation split; no
trial sees the test split. Options set with --options are not searched. Where
the method has an expert, it is trained once, before the trials: a run of its
own, tested once like any. Killed at any moment, the same command goes on.

Hyperband tries many settings for a few epochs and the best of them for more,
from scratch, each with the learning rate's drops at the same fractions of its
epochs.

--workers 2 trains two trials at a time on this machine. For several machines
that share --workdir and --data-dir, call the same command on each, with
KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT of the first machine and
KERASTUNER_TUNER_ID=chief there, which trains nothing but the expert, and
KERASTUNER_TUNER_ID=worker0, worker1 and so on elsewhere. Workers wait for the
chief for an hour.

Leaves, in saved_models/<recipe>/search-.../: trials.md and trials.json, every
trial; importance.png and importance.json, which setting mattered; best.py,
the best trial as a recipe of its own.
"""

import argparse
import dataclasses
import os
import pathlib
import sys

import grpc
import tyro

from keras_artkd.distillers.registry import get_method
from keras_artkd.files import write_json
from recipes.catalogue import recipe_presets
from recipes.common import find_expert, load_data
from recipes.config import Config
from recipes.flags import parse_flags, take_preset
from recipes.networks import check_student
from recipes.programs import exit_status
from recipes.provenance import check_same_data, describe_data, describe_versions
from recipes.pseudo_labelling import check_table, check_unlabelled

try:
    from recipes.searching.report import (
        print_summary,
        read_trials,
        write_report,
    )
    from recipes.searching.settings import (
        Settings,
        check_searchable,
        search_folder,
    )
    from recipes.searching.tuner import Tuner
    from recipes.searching.workers import CHIEF, role, run_parallel
except ModuleNotFoundError as missing:
    raise SystemExit(
        f"error: A search needs {missing.name}. "
        "Fix: pip install 'keras_artkd[recipes,tuner]'"
    ) from missing


@dataclasses.dataclass(frozen=True)
class Command:
    """Everything that the command line sets."""

    search: tyro.conf.OmitArgPrefixes[Settings]
    run: tyro.conf.OmitArgPrefixes[Config]


def main(arguments=None):
    """Runs a search with the flags of the command line.

    Args:
        arguments: list of str, or None for the process's own.

    Returns:
        Exit status, see `exit_status`.
    """
    # Several processes may share a GPU.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")

    def start():
        command = _parse(sys.argv[1:] if arguments is None else arguments)
        search(command.search, command.run)

    return exit_status(start, "The same command goes on.")


def _parse(arguments):
    """The flags: first whose, then all of them."""
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--recipe", default="folder")
    name = first.parse_known_args(arguments)[0].recipe
    config, arguments = take_preset(recipe_presets(name), arguments)
    default = Command(Settings(recipe=name), config)
    return parse_flags(Command, default, __doc__, arguments)


def search(settings, config):
    """Runs a search, or goes on with it, and writes what came out.

    Args:
        settings: `Settings`.
        config: `Config`, of what is the same in all trials.

    Returns:
        dict, the best trial, as `searching.report.read_trials` has it; None
        for a worker of several machines.

    Raises:
        ValueError: for input that cannot be used, or data that changed since
            the search began.
    """
    check_searchable(settings, config)
    check_unlabelled(config)
    part = role()
    folder = search_folder(settings, config)
    check_student(config)
    data = load_data(config)
    if part == "worker":
        _help(settings, config, data, folder)
        return None
    expert_path = _prepare(config, data, folder)
    images = len(data.validation)
    print(f"Search: {folder}")
    if part == CHIEF:
        tuner = Tuner(settings, config)
        tuner.search()
        oracle = tuner.oracle
    elif settings.workers > 1:
        del data
        oracle = run_parallel(settings, config, expert_path)
    else:
        tuner = Tuner(settings, config, data, expert_path)
        tuner.search()
        oracle = tuner.oracle
    trials = read_trials(oracle, config)
    if len(trials) < oracle.max_trials and settings.workers > 1:
        raise ValueError(
            f"The workers ended after {len(trials)} of {oracle.max_trials} "
            "trials. Fix: what they say above; then the same command goes on."
        )
    best = write_report(folder, config, trials, images)
    print_summary(folder, trials, best, images)
    return best


def _prepare(config, data, folder):
    """Checks the data, trains the expert, makes the folder."""
    if (folder / "data.json").exists():
        check_same_data(folder, data)
    check_table(config, data)
    expert_path = find_expert(config, data)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", config.settings())
    write_json(folder / "versions.json", describe_versions())
    write_json(folder / "data.json", describe_data(config, data))
    return expert_path


def _help(settings, config, data, folder):
    """Runs trials for the chief of several machines."""
    try:
        tuner = Tuner(settings, config, data)
        # Comes back when the chief has prepared everything.
        tuner.oracle.get_space()
        _check_shared(data, folder)
        if get_method(config.method).needs_expert:
            tuner.expert_path = pathlib.Path(
                config.expert
                or config.expert_config().run_dir / "student.keras"
            )
        tuner.search()
    except grpc.RpcError as error:
        raise ValueError(
            "The chief must answer, at KERASTUNER_ORACLE_IP and "
            f"KERASTUNER_ORACLE_PORT. Received: {error.code().name}. Fix: "
            "start the chief with the same command."
        ) from error


def _check_shared(data, folder):
    """Refuses to help a search of other settings, or with other images."""
    if not (folder / "data.json").exists():
        raise ValueError(
            "The machines of a search must share --workdir and all settings. "
            f"Received: {folder}, where the chief has written nothing."
        )
    check_same_data(folder, data)


if __name__ == "__main__":
    raise SystemExit(main())
