"""A student beside the expert that it is judged by.

That is what `artkd train FOLDER` trains, also where the method has no expert.
"""

import pathlib
from collections.abc import Sequence
from typing import Any

from keras_artkd.catalogue.networks import SIZES
from keras_artkd.datasets import Collection
from keras_artkd.report import write_comparison
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs import runner
from keras_artkd.runs.budget import choose
from keras_artkd.runs.networks import check_student
from keras_artkd.runs.open_plan import reference, remembered
from keras_artkd.runs.plan import Plan, resolve
from keras_artkd.runs.runner import load_data, run_or_read
from keras_artkd.runs.summary import print_finished


def run_open(plan: Plan, minutes: float, started: float) -> None:
    """Chooses how long to train, then trains the expert and the student.

    Args:
        plan: an open `Plan`.
        minutes: float, that all of it may take.
        started: `time.monotonic()` of its beginning.
    """
    data = load_data(plan)
    closed = choose(plan, data, minutes, started)
    run_with_reference(closed, data)


def run_sizes(
    plan: Plan, sizes: Sequence[str], minutes: float, started: float
) -> pathlib.Path:
    """Trains students of several sizes beside one expert, and compares them.

    Args:
        plan: `Plan`, open or not; its student is not looked at.
        sizes: names of `SIZES`, or of any networks, at least two.
        minutes: float, that all of it may take, if it is open.
        started: `time.monotonic()` of its beginning.

    Returns:
        The page that compares them.
    """
    data = load_data(plan)
    plans = [
        resolve(plan.config.replace(student=SIZES.get(size, size)))
        for size in sizes
    ]
    closed = plans[-1]
    if plan.is_open:
        largest = plans[-1]
        closed = remembered(largest, minutes, len(sizes)) or choose(
            largest, data, minutes, started, len(sizes)
        )
    folders = []
    for size, each in zip(sizes, plans, strict=True):
        print(f"\nSize {size}: {each.config.networks.student}")
        student = each.config.networks.student
        chosen = resolve(closed.config.replace(student=student))
        if chosen.folder.is_finished:
            print_finished(chosen.folder)
        else:
            run_with_reference(chosen, data)
        folders.append(chosen.folder)
    page = closed.folder.path.with_name(f"sizes-{closed.folder.name}.html")
    write_comparison([folder.path for folder in folders], page)
    _print_sizes(sizes, folders)
    print(f"  accuracy against size and time: {page}")
    return page


def _print_sizes(sizes: Sequence[str], folders: Sequence[RunFolder]) -> None:
    titles = f"{'size':10}{'parameters':>12}{'int8':>10}"
    print(f"\n{titles}{'one image':>12}{'test':>9}")
    for size, folder in zip(sizes, folders, strict=True):
        metrics = folder.metrics
        file = metrics["exports"].get("tflite_int8")
        kib = f"{file['size_bytes'] / 1024:.0f} KiB" if file else "-"
        time = f"{file['milliseconds']:.1f} ms" if file else "-"
        print(
            f"{size:10}{metrics['parameters']:12,}{kib:>10}{time:>12}"
            f"{metrics['test']['accuracy']:9.1%}"
        )


def run_with_reference(
    plan: Plan, data: Collection | None = None
) -> dict[str, Any]:
    """Trains a student beside the expert that it is judged by.

    Args:
        plan: `Plan`.
        data: a `datasets.Collection`, or None.
    """
    # One that teaches is trained by the run itself.
    expert = None if plan.has_expert else reference(plan)
    if expert is None:
        return runner.run(plan, data)
    check_student(plan)
    data = load_data(plan) if data is None else data
    if not expert.folder.is_finished:
        print(f"Expert: {plan.config.networks.expert_network}")
    run_or_read(expert, data)
    return runner.run(plan, data, expert.folder)
