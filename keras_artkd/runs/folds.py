"""The runs of all folds, and then the one on all images."""

import gc
from collections.abc import Callable

import keras

from keras_artkd import datasets
from keras_artkd.datasets import Collection
from keras_artkd.files import write_json
from keras_artkd.output import minutes_text
from keras_artkd.runs import runner
from keras_artkd.runs.budget import choose
from keras_artkd.runs.open_plan import (
    choice_file,
    reference,
    remembered,
    with_settings,
)
from keras_artkd.runs.plan import Plan
from keras_artkd.runs.provenance import check_same_data
from keras_artkd.runs.reference import check_networks, run_with_reference


def run_folds(plan: Plan, minutes: float, started: float) -> None:
    """Trains and tests every fold, then trains a student on all images.

    Args:
        plan: `Plan` of all folds, open or not.
        minutes: float, that each fold may take, if it is open.
        started: `time.monotonic()` of its beginning.

    Raises:
        ValueError: for input that cannot be used, or images that changed since
            a fold was trained.
    """
    check_networks(plan.folds[0])
    runner.announce_data(plan)
    # Decoded once; the images of a fold are copied when its turn comes.
    data_of = datasets.load_folds(**plan.load_arguments)
    if plan.is_open:
        plan = _close(plan, data_of, minutes, started)
    _check_data(plan, data_of)
    count = len(plan.folds)
    for number, fold in enumerate(plan.folds):
        print(f"\nFold {number + 1} of {count}")
        if fold.folder.is_finished:
            print(f"Finished before: {fold.folder}")
        else:
            data = data_of(number)
            runner.describe_splits(fold, data)
            run_with_reference(fold, data)
            # Networks of runs before would fill the memory.
            keras.utils.clear_session()
            gc.collect()
    print("\nAll images")
    data = data_of(None)
    runner.describe_splits(plan, data)
    runner.run(plan, data)


def _close(
    plan: Plan,
    data_of: Callable[[int | None], Collection],
    minutes: float,
    started: float,
) -> Plan:
    """Chooses the epochs once, for all folds, and remembers them for each."""
    known = remembered(plan, minutes, 1, data_of(None).fingerprint())
    if known is not None:
        return known
    first = plan.folds[0]
    closed = remembered(first, minutes, 1, data_of(0).fingerprint()) or choose(
        first, data_of(0), minutes, started
    )
    schedule, networks = closed.config.schedule, closed.config.networks
    settings = {
        "epochs": schedule.epochs,
        "expert_epochs": networks.expert_epochs,
        "expert_train": networks.expert_train,
        "expert_learning_rate": networks.expert_learning_rate,
        "expert_views": networks.expert_views,
        "images_per_epoch": schedule.images_per_epoch,
    }
    for part in (*plan.folds, plan):
        data = data_of(part.config.data.fold)
        choice = {"fingerprint": data.fingerprint(), "settings": settings}
        write_json(choice_file(part, minutes, 1), choice)
    trainings = len(plan.folds) + 1
    print(
        f"That is one fold of {len(plan.folds)}; with the model of all images "
        f"it takes at most about {minutes_text(60 * minutes * trainings)}."
    )
    return with_settings(plan, settings)


def _check_data(
    plan: Plan, data_of: Callable[[int | None], Collection]
) -> None:
    """Rejects images that changed, before anything is trained."""
    for number, fold in enumerate(plan.folds):
        for part in (fold, reference(fold)):
            if part is not None and part.folder.has_data:
                check_same_data(part.folder, data_of(number))
