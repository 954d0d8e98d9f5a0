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
from keras_artkd.runs.claims import claimed
from keras_artkd.runs.networks import build_student, check_student
from keras_artkd.runs.open_plan import close, reference, remembered
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
    check_networks(plan)
    data = load_data(plan)
    run_with_reference(chosen_plan(plan, data, minutes, started), data)


def chosen_plan(
    plan: Plan, data: Collection, minutes: float, started: float
) -> Plan:
    """The plan that an open one becomes, in this call or in an earlier one.

    Args:
        plan: an open `Plan`.
        data: a `datasets.Collection`.
        minutes: float, that all of it may take.
        started: `time.monotonic()` of its beginning.
    """
    known = remembered(plan, minutes, 1, data.fingerprint())
    return known or choose(plan, data, minutes, started)


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
    names = [SIZES.get(size, size) for size in sizes]
    plans = [resolve(plan.config.replace(student=name)) for name in names]
    for each in plans:
        check_networks(each)
    data, closed = load_data(plan), plans[0]
    if plan.is_open:
        # The others take no longer.
        largest = max(plans, key=_parameters)
        closed = remembered(
            largest, minutes, len(sizes), data.fingerprint()
        ) or choose(largest, data, minutes, started, len(sizes))
    folders = []
    for size, name in zip(sizes, names, strict=True):
        print(f"\nSize {size}: {name}")
        chosen = resolve(closed.config.replace(student=name))
        if chosen.folder.is_finished:
            print_finished(chosen.folder)
        else:
            run_with_reference(chosen, data)
        folders.append(chosen.folder)
    digest = "-".join(folder.name.rpartition("-")[2] for folder in folders)
    page = closed.folder.path.with_name(f"sizes-{digest}.html")
    write_comparison([folder.path for folder in folders], page)
    _print_sizes(sizes, folders)
    print(f"  accuracy against size and time: {page}")
    return page


def check_networks(plan: Plan) -> None:
    """Raises what the student's settings would raise after minutes."""
    if plan.is_open and plan.method.staged:
        raise ValueError(
            f"{plan.method.name} trains in phases, whose number decides its "
            "epochs. Received: no --epochs. Fix: --epochs and --expert-epochs."
        )
    check_student(close(plan) if plan.is_open else plan)


def _parameters(plan: Plan) -> int:
    """Parameters of a plan's student."""
    count: int = build_student(plan, 2).count_params()
    return count


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
    # The student, too: the same command twice should not wait for an expert.
    with claimed(plan.folder):
        if not expert.folder.is_finished:
            print(f"Expert: {plan.config.networks.expert_network}")
        run_or_read(expert, data)
        return runner.run(plan, data, expert.folder)
