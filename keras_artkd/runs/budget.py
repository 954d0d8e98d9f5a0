"""The choice of epochs: measured on a few steps, within given minutes.

An open plan (`--epochs 0`) says which networks are trained and how. How long is
chosen here, once the images are loaded, and remembered beside the runs, so that
the same command means the same runs.
"""

import dataclasses
import math
import os
import time
from typing import Any

import tensorflow as tf

from keras_artkd.datasets import Collection
from keras_artkd.files import write_json
from keras_artkd.output import minutes_text
from keras_artkd.runs.networks import build_expert
from keras_artkd.runs.open_plan import choice_file, reference, with_settings
from keras_artkd.runs.plan import Plan
from keras_artkd.runs.training import compiled_distiller, training_batches

# Images that a training of inherited layers should see, each time it is shown:
# eight times 1,353 paintings were enough, and four times many more.
_STUDENT_IMAGES = 10_800
_STUDENT_EPOCHS = (4, 40)
_EXPERT_IMAGES = 16_000
_EXPERT_EPOCHS = (4, 30)
# Steps that are timed, after the first, which are slow.
_TIMED_STEPS = 4
_WARM_STEPS = 2
# Parts of the steps' time that validation, tests and exports take in addition.
_BESIDE_STEPS = 1.25
# The student has its part of the minutes first, then the expert.
_STUDENT_PART = 0.4
_SECONDS_LEFT_FOR_FILES = 30.0


@dataclasses.dataclass(frozen=True)
class Speed:
    """The measured speed of a training.

    Attributes:
        start: float, seconds until its first steps are done.
        step: float, seconds of a step thereafter.
    """

    start: float
    step: float


def choose(
    plan: Plan,
    data: Collection,
    minutes: float,
    started: float,
    students: int = 1,
) -> Plan:
    """Chooses the epochs of expert and student, and says so.

    Args:
        plan: an open `Plan`.
        data: a `datasets.Collection`.
        minutes: float, that the whole command may take.
        started: `time.monotonic()` of its beginning.
        students: int, how many as large as this one are trained.

    Returns:
        A `Plan` that can begin.
    """
    print(_surroundings(), flush=True)
    count = len(data.train)
    provisional = with_settings(plan, {"epochs": 1, "expert_epochs": 1})
    expert_plan = reference(provisional)
    trained = _trained_epochs(plan)
    student_speed = measure(provisional, data)
    expert_speed = None
    if expert_plan is not None and trained is None:
        expert_speed = measure(expert_plan, data)
    files = students * _SECONDS_LEFT_FOR_FILES
    left = started + 60 * minutes - time.monotonic() - files
    batch = plan.config.schedule.batch_size
    settings: dict[str, Any] = {}
    wanted = _clamp(_STUDENT_IMAGES / count, *_STUDENT_EPOCHS)
    share = left if expert_speed is None else _STUDENT_PART * left
    settings["epochs"], seen = _fitting(
        wanted, count, batch, student_speed, share / students
    )
    spent = students * _seconds(
        settings["epochs"], seen or count, batch, student_speed
    )
    if expert_speed is not None:
        wanted = _clamp(_EXPERT_IMAGES / count, *_EXPERT_EPOCHS)
        settings["expert_epochs"], expert_seen = _fitting(
            wanted, count, batch, expert_speed, left - spent
        )
        seen = min(filter(None, (seen, expert_seen)), default=None)
        spent += _seconds(
            settings["expert_epochs"],
            expert_seen or count,
            batch,
            expert_speed,
        )
    elif trained is not None:
        settings["expert_epochs"] = trained
    if seen is not None:
        settings["images_per_epoch"] = seen
    write_json(choice_file(plan, minutes, students), settings)
    chosen = with_settings(plan, settings)
    spent += time.monotonic() - started + files
    _announce(chosen, spent)
    return chosen


def measure(plan: Plan, data: Collection) -> Speed:
    """Times a few steps of a plan's own training, on its own images.

    Args:
        plan: `Plan`.
        data: a `datasets.Collection`.
    """
    began = time.monotonic()
    expert = None
    if plan.has_expert:
        # As fast as the trained one.
        expert = build_expert(plan, len(data.class_names))
    distiller = compiled_distiller(plan, data, expert, steps=10)
    times: list[float] = []
    batches = training_batches(plan, data, epochs=10_000)
    for batch in batches.take(_WARM_STEPS + _TIMED_STEPS):
        distiller.train_on_batch(*batch)
        times.append(time.monotonic())
    step = (times[-1] - times[_WARM_STEPS - 1]) / _TIMED_STEPS
    return Speed(times[_WARM_STEPS - 1] - began, step)


def _trained_epochs(plan: Plan) -> int | None:
    """Epochs of an expert that an earlier command has trained, if one has."""
    least, most = _EXPERT_EPOCHS
    for epochs in range(most, least - 1, -1):
        closed = with_settings(plan, {"epochs": 1, "expert_epochs": epochs})
        expert = reference(closed)
        if expert is not None and expert.folder.is_finished:
            return epochs
    return None


def _clamp(epochs: float, least: int, most: int) -> int:
    return max(least, min(most, math.ceil(epochs)))


def _fitting(
    wanted: int, count: int, batch: int, speed: Speed, seconds: float
) -> tuple[int, int | None]:
    """Epochs that fit the time; of fewer images where one alone is too long.

    Returns:
        Epochs, and images of an epoch or None for all of them.
    """
    for epochs in range(wanted, 1, -1):
        if _seconds(epochs, count, batch, speed) <= seconds:
            return epochs, None
    steps = (seconds - speed.start) / (_BESIDE_STEPS * speed.step)
    # Two epochs, so that one can be better than the other.
    return 2, min(count, max(batch, int(steps / 2) * batch))


def _seconds(epochs: int, count: int, batch: int, speed: Speed) -> float:
    steps = max(count // batch, 1)
    return speed.start + _BESIDE_STEPS * epochs * steps * speed.step


def _surroundings() -> str:
    gpus = len(tf.config.list_physical_devices("GPU"))
    cores = len(os.sched_getaffinity(0))
    where = f"{gpus} GPU{'s' * (gpus > 1)}" if gpus else "no GPU"
    return f"Measuring a few steps on {cores} cores, {where} ..."


def _announce(plan: Plan, seconds: float) -> None:
    networks, schedule = plan.config.networks, plan.config.schedule
    expert = reference(plan)
    print(f"Plan, about {minutes_text(seconds)}:")
    if expert is not None:
        print(
            f"  expert   {expert.config.networks.student} at "
            f"{expert.config.data.image_size} pixels, "
            f"{expert.config.schedule.epochs} epochs"
        )
    print(
        f"  student  {networks.student} at {plan.config.data.image_size} "
        f"pixels, {schedule.epochs} epochs, method {plan.method.name}",
        flush=True,
    )
    if schedule.images_per_epoch:
        print(f"  {schedule.images_per_epoch} images in an epoch")
