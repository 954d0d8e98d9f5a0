"""A search from its data to its report."""

import pathlib
from typing import Any

import grpc

from keras_artkd.datasets import Collection
from keras_artkd.run_folder import DATA, SETTINGS, VERSIONS, RunFolder
from keras_artkd.runs.experts import expert_file
from keras_artkd.runs.labelling import check_table
from keras_artkd.runs.networks import check_student
from keras_artkd.runs.plan import Plan
from keras_artkd.runs.provenance import (
    check_same_data,
    describe_data,
    describe_versions,
)
from keras_artkd.runs.runner import find_expert, load_data
from keras_artkd.runs.validation import check_plan
from keras_artkd.search.report import print_summary, read_trials, write_report
from keras_artkd.search.settings import (
    Settings,
    check_searchable,
    search_folder,
)
from keras_artkd.search.tuner import Tuner
from keras_artkd.search.workers import CHIEF, role, run_parallel


def search(settings: Settings, plan: Plan) -> dict[str, Any] | None:
    """Runs a search, or resumes it, and writes the results.

    Args:
        settings: `Settings`.
        plan: `Plan`, of what is the same in all trials.

    Returns:
        dict, the best trial, as `report.read_trials` has it; None
        for a worker of several machines.

    Raises:
        ValueError: for input that cannot be used, or data that changed since
            the search began.
    """
    check_searchable(settings, plan)
    check_plan(plan)
    part = role()
    folder = search_folder(settings, plan)
    check_student(plan)
    data = load_data(plan)
    if part == "worker":
        _help(settings, plan, data, folder)
        return None
    expert_path = _prepare(plan, data, folder)
    images = len(data.validation)
    print(f"Search: {folder}")
    if part == CHIEF:
        tuner = Tuner(settings, plan)
        tuner.search()
        oracle = tuner.oracle
    elif settings.workers > 1:
        del data
        oracle = run_parallel(settings, plan, expert_path)
    else:
        tuner = Tuner(settings, plan, data, expert_path)
        tuner.search()
        oracle = tuner.oracle
    trials = read_trials(oracle, plan)
    if len(trials) < oracle.max_trials and settings.workers > 1:
        raise ValueError(
            f"The workers ended after {len(trials)} of {oracle.max_trials} "
            "trials. Fix: what they say above; then the same command resumes."
        )
    best = write_report(folder.path, plan, trials, images)
    print_summary(folder.path, trials, best, images)
    return best


def _prepare(
    plan: Plan, data: Collection, folder: RunFolder
) -> pathlib.Path | None:
    """Checks the data, trains the expert, makes the folder."""
    if folder.has_data:
        check_same_data(folder, data)
    check_table(plan, data)
    expert_path = find_expert(plan, data)
    folder.write(SETTINGS, plan.settings)
    folder.write(VERSIONS, describe_versions())
    folder.write(DATA, describe_data(plan, data))
    return expert_path


def _help(
    settings: Settings, plan: Plan, data: Collection, folder: RunFolder
) -> None:
    """Runs trials for the chief of several machines."""
    try:
        tuner = Tuner(settings, plan, data)
        # Returns when the chief has prepared everything.
        tuner.oracle.get_space()
        _check_shared(data, folder)
        if plan.expert:
            tuner.expert_path = plan.expert.folder.student
        elif plan.has_expert:
            tuner.expert_path = expert_file(plan)
        tuner.search()
    except grpc.RpcError as error:
        raise ValueError(
            "The chief must answer, at KERASTUNER_ORACLE_IP and "
            f"KERASTUNER_ORACLE_PORT. Received: {error.code().name}. Fix: "
            "start the chief with the same command."
        ) from error


def _check_shared(data: Collection, folder: RunFolder) -> None:
    """Rejects to help a search of other settings, or with other images."""
    if not folder.has_data:
        raise ValueError(
            "The machines of a search must share --workdir and all settings. "
            f"Received: {folder}, where the chief has written nothing."
        )
    check_same_data(folder, data)
