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

import keras
import numpy as np

from keras_artkd.data.store import ImageStore
from keras_artkd.datasets import Collection
from keras_artkd.files import write_json
from keras_artkd.output import minutes_text
from keras_artkd.runs.backend import count_gpus
from keras_artkd.runs.compilation import compiled_distiller
from keras_artkd.runs.expert_config import FROZEN_EXPERT, expert_config
from keras_artkd.runs.expert_views import time_recording
from keras_artkd.runs.heads import is_all_inherited
from keras_artkd.runs.networks import build_expert, build_student
from keras_artkd.runs.open_plan import choice_file, reference, with_settings
from keras_artkd.runs.optimizer import make_strategy
from keras_artkd.runs.plan import Plan, resolve
from keras_artkd.runs.training import training_batches

# Steps that are timed, after the first, which are slow.
_TIMED_STEPS = 4
_WARM_STEPS = 2
# Parts of the steps' time that validation, tests and exports take in addition.
_BESIDE_STEPS = 1.25
# The student has its part of the minutes first, then the expert.
_STUDENT_PART = 0.4
_SECONDS_LEFT_FOR_FILES = 30.0
# Of fewer labelled images a pretrained expert learns its classifier alone, in
# seconds: of 271 and of 676 paintings minutes of training gained nothing that
# five splits can tell, of 1,353 a point and a half (docs/results.md).
_FEW_LABELS = 500
# A plan that takes so many times its minutes is told.
_TOO_LONG = 1.2


@dataclasses.dataclass(frozen=True)
class Speed:
    """The measured speed of a training.

    Attributes:
        start: float, seconds until its first steps are done.
        step: float, seconds of a step thereafter.
        answer: float, seconds in which an expert whose answers are kept gives
            one.
    """

    start: float
    step: float
    answer: float = 0.0


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
    asked = plan
    frozen: dict[str, Any] = {}
    if _learns_a_head_alone(plan, data):
        frozen = FROZEN_EXPERT
        plan = with_settings(plan, frozen)
    schedule, given = plan.config.schedule, plan.config.networks.expert_epochs
    provisional = with_settings(plan, {"epochs": 1, "expert_epochs": 1})
    expert_plan = reference(provisional)
    expert_epochs = given or _trained_epochs(plan, data)
    student_speed = measure(provisional, data)
    files = students * _SECONDS_LEFT_FOR_FILES
    expert_speed = None
    if expert_plan is not None and _is_to_be_trained(plan, expert_epochs):
        if frozen:
            files += _SECONDS_LEFT_FOR_FILES
        else:
            expert_speed = measure(expert_plan, data)
    left = started + 60 * minutes - time.monotonic() - files

    # How many images an epoch has: as given, or fewer where one is too long.
    images, most = _images(plan, data), schedule.images_per_epoch or 10**9
    share = left if expert_speed is None else _STUDENT_PART * left
    student = _Fit(
        student_speed,
        schedule.batch_size,
        share / students,
        _OF_UNLABELLED if plan.learns_pseudo_labels else _STUDENT,
        images,
        plan.config.networks.expert_views or 0,
        plan.learns_pseudo_labels,
    )
    epochs, seen = student.fit(min(images, most))
    spent = students * student.seconds(epochs, seen)
    if expert_speed is not None:
        # It learns from labels alone.
        labelled = len(data.train)
        expert = _Fit(
            expert_speed, schedule.batch_size, left - spent, _EXPERT, labelled
        )
        expert_epochs, expert_seen = expert.fit(min(labelled, most))
        expert_epochs = given or expert_epochs
        if expert_seen < min(seen, labelled):
            # They share the number, so the student has more epochs of fewer.
            seen = expert_seen
            epochs, _ = student.fit(seen)
        spent = students * student.seconds(epochs, seen)
        spent += expert.seconds(expert_epochs, expert_seen)
    settings: dict[str, Any] = {"epochs": epochs, **frozen}
    if expert_plan is not None:
        settings["expert_epochs"] = expert_epochs
    if seen < images:
        settings["images_per_epoch"] = seen
    if student.views:
        settings["expert_views"] = student.kept_views(epochs, seen)
    write_json(
        choice_file(asked, minutes, students),
        {"fingerprint": data.fingerprint(), "settings": settings},
    )
    chosen = with_settings(plan, settings)
    seconds = spent + time.monotonic() - started + files
    _announce(chosen, seconds)
    if seconds > _TOO_LONG * 60 * minutes:
        given = asked.config.networks.expert_epochs
        why = "with --expert-epochs" if given else "there is no shorter plan"
        print(f"note: --minutes {minutes:g} cannot be kept: {why}", flush=True)
    return chosen


@dataclasses.dataclass(frozen=True)
class _Wanted:
    """How long a training should be, where there is time."""

    images: int
    least: int
    most: int


# What paid on 1,353 paintings (docs/results.md): 24 epochs of the student, 12
# of the expert.
_STUDENT = _Wanted(images=32_000, least=4, most=40)
# With images without labels 8 epochs had a lower validation loss than 24.
_OF_UNLABELLED = _Wanted(images=11_000, least=4, most=40)
_EXPERT = _Wanted(images=16_000, least=4, most=30)


@dataclasses.dataclass(frozen=True)
class _Fit:
    """Fits a training into a time."""

    speed: Speed
    batch_size: int
    available: float
    wanted: _Wanted
    images: int
    # Of each image an expert's answers are kept to so many views at most.
    views: int = 0
    # Whether the expert labels images before.
    labels: bool = False

    def kept_views(self, epochs: int, count: int) -> int | None:
        """Of how many views answers are kept, None for none.

        No more than there are epochs, and none where an epoch has a part of
        the images alone: then the expert has less to answer in the steps.
        """
        whole = self.views and count == self.images
        return min(self.views, epochs) if whole else None

    def seconds(self, epochs: int, count: int) -> float:
        """Seconds of a training of so many epochs of so many images."""
        kept = self.kept_views(epochs, count)
        asked = self.images * ((kept or 0) + self.labels)
        steps = epochs * max(count // self.batch_size, 1)
        return (
            self.speed.start
            + asked * self.speed.answer
            + _BESIDE_STEPS * steps * self._step(kept)
        )

    def _step(self, kept: int | None) -> float:
        """Seconds of a step, with the expert's where it answers there."""
        if kept or not self.views:
            return self.speed.step
        return self.speed.step + self.batch_size * self.speed.answer

    def fit(self, count: int) -> tuple[int, int]:
        """Epochs, and images of each, of at most `count` images."""
        wanted = math.ceil(self.wanted.images / count)
        wanted = max(self.wanted.least, min(self.wanted.most, wanted))
        for epochs in range(wanted, 1, -1):
            if self.seconds(epochs, count) <= self.available:
                return epochs, count
        # Two epochs, so that one can be better than the other.
        beside = self.speed.start + self.images * self.labels * (
            self.speed.answer
        )
        each = (self.available - beside) / 2
        steps = max(int(each / (_BESIDE_STEPS * self._step(None))), 1)
        return 2, min(count, steps * self.batch_size)


def measure(plan: Plan, data: Collection) -> Speed:
    """Times a few steps of a plan's own training, on its own images.

    Args:
        plan: `Plan`.
        data: a `datasets.Collection`.
    """
    began = time.monotonic()
    expert, classes = None, len(data.class_names)
    if plan.has_expert:
        # As fast as the trained one.
        expert = build_expert(plan, classes)
    if plan.learns_pseudo_labels and isinstance(data.train, ImageStore):
        # As fast as those that the expert will give.
        targets = np.eye(classes, dtype="float32")[data.train.labels]
        store = dataclasses.replace(data.train, targets=targets)
        data = dataclasses.replace(data, train=store)
    recorded, answer = None, 0.0
    if expert is not None and plan.config.networks.expert_views is not None:
        assert isinstance(data.train, ImageStore)
        recorded, answer = time_recording(plan, data.train, expert)
    batch_size = min(plan.config.schedule.batch_size, len(data.train))
    with make_strategy(batch_size).scope():
        distiller = compiled_distiller(plan, data, expert, steps=10)
    times: list[float] = []
    batches = training_batches(plan, data, epochs=10_000, recorded=recorded)
    for batch in batches.take(_WARM_STEPS + _TIMED_STEPS):
        if keras.backend.backend() != "tensorflow":
            batch = keras.tree.map_structure(np.asarray, batch)
        distiller.train_on_batch(*batch)
        times.append(time.monotonic())
    step = (times[-1] - times[_WARM_STEPS - 1]) / _TIMED_STEPS
    return Speed(times[_WARM_STEPS - 1] - began, step, answer)


def _learns_a_head_alone(plan: Plan, data: Collection) -> bool:
    """Whether an expert learns no more of so few labels than its classifier.

    It must be one that logistic regression fits.
    """
    networks = plan.config.networks
    if (
        networks.expert_train != "auto"
        or networks.expert_epochs is not None
        or networks.expert_learning_rate is not None
        or networks.expert is not None
        or not networks.fit_head_first
        or len(data.train) >= _FEW_LABELS
    ):
        return False
    expert = resolve(expert_config(plan.config))
    return (
        expert.inherits
        and expert.rotations == 1
        and is_all_inherited(build_student(expert, len(data.class_names)))
    )


def _images(plan: Plan, data: Collection) -> int:
    """How many images the student learns from."""
    unlabelled = data.unlabelled if plan.learns_unlabelled else None
    return len(data.train) + (0 if unlabelled is None else len(unlabelled))


def _is_to_be_trained(plan: Plan, expert_epochs: int | None) -> bool:
    """Whether the expert of so many epochs is not there yet."""
    if expert_epochs is None:
        return True
    settings = {"epochs": 1, "expert_epochs": expert_epochs}
    expert = reference(with_settings(plan, settings))
    return expert is not None and not expert.folder.is_finished


def _trained_epochs(plan: Plan, data: Collection) -> int | None:
    """Epochs of an expert that an earlier command has trained, if one has."""
    for epochs in range(_EXPERT.most, 1, -1):
        settings = {"epochs": 1, "expert_epochs": epochs}
        expert = reference(with_settings(plan, settings))
        if (
            expert is not None
            and expert.folder.is_finished
            and expert.folder.data["fingerprint"] == data.fingerprint()
        ):
            return epochs
    return None


def _surroundings() -> str:
    gpus = count_gpus()
    cores = len(os.sched_getaffinity(0))
    where = f"{gpus} GPU{'s' * (gpus > 1)}" if gpus else "no GPU"
    return f"Measuring a few steps on {cores} cores, {where} ..."


def _announce(plan: Plan, seconds: float) -> None:
    networks, schedule = plan.config.networks, plan.config.schedule
    expert = reference(plan)
    print(f"Plan, about {minutes_text(seconds)}:")
    if expert is not None:
        learns = f"{expert.config.schedule.epochs} epochs"
        if expert.config.networks.train == "head":
            learns = "its classifier alone"
        print(
            f"  expert   {expert.config.networks.student} at "
            f"{expert.config.data.image_size} pixels, {learns}"
        )
    print(
        f"  student  {networks.student} at {plan.config.data.image_size} "
        f"pixels, {schedule.epochs} epochs, method {plan.method.name}",
        flush=True,
    )
    if schedule.images_per_epoch:
        print(f"  {schedule.images_per_epoch} images in an epoch")
    if networks.expert_views:
        print(f"  the expert's answers to {networks.expert_views} views kept")
