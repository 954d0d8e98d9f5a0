"""A study from its flags to its page."""

import shlex
import sys
from collections.abc import Iterable

from keras_artkd.runs.config import Config
from keras_artkd.runs.plan import Plan
from keras_artkd.studies.cells import choose_cells, plan_runs, study_folder
from keras_artkd.studies.matching import add_matched
from keras_artkd.studies.page import as_markdown, setting, write_study
from keras_artkd.studies.results import Results, collect
from keras_artkd.studies.settings import Settings
from keras_artkd.studies.study import Study
from keras_artkd.studies.tables import amount, cell_table
from keras_artkd.studies.text import markdown_table
from keras_artkd.studies.work import Failed, train_all


def run_study(
    study: Study, settings: Settings, base: Config, command: str
) -> Failed:
    """Trains what is missing and writes what there is.

    Args:
        study: `Study`.
        settings: `Settings`.
        base: `Config`, the settings that all runs share; its `seed` is the
            first.
        command: str, what to type to run it again.

    Returns:
        dict of run folder -> why it failed.

    Raises:
        ValueError: for input that cannot be used.
    """
    folder = study_folder(study, base, settings)
    if settings.matched:
        study = add_matched(study, base, settings.method_options)
    chosen = choose_cells(study, settings.cells)
    failed: Failed = {}

    def read() -> Results:
        runs = plan_runs(study, base, settings)
        return collect(study, base, settings, runs, chosen, failed)

    if settings.list_cells:
        print(markdown_table(*cell_table(study, chosen), align="left"))
        results = read()
        print(f"\n{setting(results)}\n\n{amount(results)}")
        return {}

    def write() -> str:
        results = read()
        shown = command
        if settings.cells:
            names = [
                cell.name
                for cell in results.cells
                if cell.metrics or cell.name in chosen
            ]
            shown += f" {shlex.join(['--cells', *names])}"
        write_study(folder.path, results, shown)
        return as_markdown(results, shown)

    def train(plans: Iterable[Plan]) -> None:
        train_all(plans, failed, settings.workers, folder.path, write)

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
        seeds = settings.seeds_from(base)
        train([run[seed] for seed in seeds for run in runs if run])
    print(f"\n{write()}")
    print(f"Written to {folder}: study.html, study.md, results.json, figures/")
    for run, why in failed.items():
        print(f"error: {run.name}: {why}", file=sys.stderr)
    return failed
