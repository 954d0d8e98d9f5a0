"""The training of a run."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_artkd.catalogue.augmentations import AUGMENTATIONS
from keras_artkd.data.augment import Cutout, Mixup, Rotations
from keras_artkd.data.pipeline import (
    steps_per_epoch,
    training_dataset,
)
from keras_artkd.data.recorded import RecordedViews
from keras_artkd.data.shares import Share
from keras_artkd.data.store import ImageStore
from keras_artkd.data.stream import ImageStream
from keras_artkd.data.views import Store
from keras_artkd.datasets import Collection
from keras_artkd.distillers import Distiller
from keras_artkd.run_folder import HISTORY, RunFolder
from keras_artkd.runs import hosts
from keras_artkd.runs.batches import evaluation_batches
from keras_artkd.runs.checkpoint import Checkpoint
from keras_artkd.runs.compilation import compiled_distiller
from keras_artkd.runs.expert_views import record_expert
from keras_artkd.runs.heads import (
    Head,
    has_classifier,
    is_all_inherited,
    labelled,
    start_with_head,
)
from keras_artkd.runs.label_free import (
    LabelsBegin,
    after_first_stage,
    without_labels,
)
from keras_artkd.runs.networks import load_teachers
from keras_artkd.runs.optimizer import make_strategy
from keras_artkd.runs.plan import Plan
from keras_artkd.types import Path


def train(
    plan: Plan,
    data: Collection,
    expert_path: Path | None,
    folder: RunFolder,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int | str = 0,
) -> tuple[Distiller, Checkpoint]:
    """Trains to the last epoch, and resumes what `folder` holds.

    Reads the training and the validation split alone. What several devices
    share is trained by `train_together` before, and only read here.

    Args:
        plan: `Plan`.
        data: a `datasets.Collection`.
        expert_path: path of the trained expert, or None.
        folder: `RunFolder` for the checkpoint and the history.
        callbacks: Keras callbacks; they come before the checkpoint.
        verbose: as Keras's `fit` has it.

    Returns:
        The distiller, with the last weights, and its `Checkpoint`.
    """
    steps = _steps(plan, data)
    batch_size = min(plan.config.schedule.batch_size, len(data.train))
    with make_strategy(batch_size).scope():
        distiller, recorded = _made(plan, data, expert_path, steps)
    checkpoint = _checkpoint(plan, data, distiller, folder)
    initial_epoch = checkpoint.restore()
    if plan.first_stage:
        callbacks = [
            LabelsBegin(
                plan.first_stage,
                lambda: _fit_head(plan, data, distiller.student, folder),
            ),
            *callbacks,
        ]
    elif not initial_epoch:
        _start_with_head(plan, data, distiller, folder, checkpoint)
    if initial_epoch and hosts.count_devices() < 2:
        print(f"Resuming after epoch {initial_epoch}.")
    batches = training_batches(
        plan, data, plan.config.schedule.epochs, initial_epoch, recorded
    )
    validation = _validation_batches(plan, data)
    _fit(
        plan,
        distiller,
        checkpoint,
        steps,
        batches,
        validation,
        callbacks,
        verbose,
    )
    folder.write(HISTORY, checkpoint.history)
    return distiller, checkpoint


def check_devices(plan: Plan) -> None:
    """Validates a plan for the devices that there are, before it begins.

    Raises:
        ValueError: if several devices of JAX cannot train it.
    """
    why = ""
    if plan.first_stage:
        why = "The classifier after a first stage without labels"
    elif plan.method.staged:
        why = "A training in phases"
    if why and hosts.count_devices() > 1:
        raise ValueError(
            f"{why} has one device. Received: method={plan.method.name!r}, "
            f"{hosts.count_devices()} devices. Fix: CUDA_VISIBLE_DEVICES with "
            "one, or another method."
        )


def train_together(
    plan: Plan,
    data: Collection,
    expert_path: Path | None,
    folder: RunFolder,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Trains on all devices of all processes, by JAX.

    The checkpoint has what the training begins with and what becomes of it:
    process 0 writes the first, and `train` in process 0 reads the last. Thus
    all begin with the same weights, whatever their machines are, and the
    number of processes may differ from call to call.

    Args:
        plan: see `train`, as for all that follow.
        data: `datasets.Collection`.
        expert_path: of the trained expert, or None.
        folder: `RunFolder`, which all processes see.
        callbacks: Keras callbacks; those of process 0 may be more, but what
            changes a weight is in all.
    """
    steps, epochs = _steps(plan, data), plan.config.schedule.epochs
    with hosts.first_goes_first("beginning"):
        if hosts.is_first():
            distiller, _ = _made(plan, data, expert_path, steps)
            checkpoint = _checkpoint(plan, data, distiller, folder)
            if not checkpoint.restore():
                _start_with_head(plan, data, distiller, folder, checkpoint)
                checkpoint.write()
    with hosts.distribution().scope():
        # Of networks that are read from files, too: all make the same weights
        # before.
        keras.utils.set_random_seed(plan.config.schedule.seed)
        distiller, recorded = _made(plan, data, expert_path, steps)
        checkpoint = _checkpoint(plan, data, distiller, folder)
        initial_epoch = checkpoint.restore()
        if initial_epoch:
            print(f"Resuming after epoch {initial_epoch}.")
        # Process 0 writes the next one when all have read this.
        hosts.all_are_here("restored")
        share = hosts.own_share()
        rows = min(plan.config.schedule.batch_size, len(data.train))
        if share.filled(rows) != rows:
            distiller.batch_rows = rows * plan.rotations
        _fit(
            plan,
            distiller,
            checkpoint,
            steps,
            training_batches(
                plan, data, epochs, initial_epoch, recorded, share
            ),
            _validation_batches(plan, data, share),
            callbacks,
        )


def _steps(plan: Plan, data: Collection) -> int:
    """Steps of an epoch."""
    schedule = plan.config.schedule
    batch_size = min(schedule.batch_size, len(data.train))
    return steps_per_epoch(data.train, batch_size, schedule.images_per_epoch)


def _made(
    plan: Plan, data: Collection, expert_path: Path | None, steps: int
) -> tuple[Distiller, RecordedViews | None]:
    """The compiled distiller, and recorded views where there are such."""
    expert, recorded = None, None
    if expert_path is not None:
        expert = load_teachers(expert_path, plan, len(data.class_names))
        if plan.config.networks.expert_views is not None:
            assert isinstance(data.train, ImageStore)
            recorded = record_expert(plan, data.train, expert, expert_path)
    return compiled_distiller(plan, data, expert, steps), recorded


def _checkpoint(
    plan: Plan, data: Collection, distiller: Distiller, folder: RunFolder
) -> Checkpoint:
    choice, images = plan.epoch_choice, len(data.validation)
    return Checkpoint(
        distiller,
        folder.checkpoint,
        keep_last=choice in ("folds", "asked")
        or (choice == "latest" and not images),
        images=images if choice == "latest" else None,
        averaged=plan.config.schedule.ema_momentum is not None,
    )


def _validation_batches(
    plan: Plan, data: Collection, share: Share | None = None
) -> tf.data.Dataset | None:
    """None where all images were trained on."""
    if plan.is_of_all_folds:
        return None
    return evaluation_batches(plan, data.validation, share=share)


def _fit(
    plan: Plan,
    distiller: Distiller,
    checkpoint: Checkpoint,
    steps: int,
    batches: tf.data.Dataset,
    validation: tf.data.Dataset | None,
    callbacks: Sequence[keras.callbacks.Callback],
    verbose: int | str = 0,
) -> None:
    """Trains from the checkpoint's epoch to the last."""
    epochs = plan.config.schedule.epochs
    if checkpoint.epoch < epochs:
        distiller.fit(
            batches,
            steps_per_epoch=steps,
            epochs=epochs,
            initial_epoch=checkpoint.epoch,
            # The pipeline shuffles; Keras would warn that it does not.
            shuffle=False,
            validation_data=validation,
            # Validation is of the average, too.
            callbacks=[
                *(
                    [keras.callbacks.SwapEMAWeights()]
                    if checkpoint.averaged
                    else []
                ),
                *callbacks,
                checkpoint,
            ],
            verbose=verbose,
        )
    elif checkpoint.averaged:
        # As `fit` does at its end.
        distiller.optimizer.finalize_variable_values(
            distiller.trainable_weights
        )


def training_batches(
    plan: Plan,
    data: Collection,
    epochs: int,
    initial_epoch: int = 0,
    recorded: RecordedViews | None = None,
    share: Share | None = None,
) -> tf.data.Dataset:
    """Batches of a plan's training, see `training_dataset`.

    Epochs that read no label are of all images alike. After a first stage of
    such, the others are of the images that have one, as many batches of them.
    """
    schedule, classes = plan.config.schedule, len(data.class_names)
    steps = _steps(plan, data)

    def batches(
        store: Store, begin: int, end: int, augment: Sequence[str]
    ) -> tf.data.Dataset:
        return training_dataset(
            store,
            plan.crop_size,
            schedule.batch_size,
            schedule.seed,
            end,
            begin,
            plan.method.views,
            _augmentations(plan, classes, augment),
            plan.config.augmentation.crop_and_mirror,
            recorded=recorded,
            steps=steps,
            share=share,
        )

    free = plan.label_free_epochs
    if not free:
        return batches(data.train, initial_epoch, epochs, plan.augment)
    first = batches(
        without_labels(data.train),
        min(initial_epoch, free),
        min(free, epochs),
        plan.augment,
    )
    if not plan.first_stage:
        return first
    store = data.train
    then = batches(
        labelled(store) if isinstance(store, ImageStore) else store,
        max(initial_epoch, free),
        max(free, epochs),
        # Images are mixed for what is learned without labels.
        plan.config.augmentation.augment,
    )
    return after_first_stage(first, then, classes * plan.rotations)


def _start_with_head(
    plan: Plan,
    data: Collection,
    distiller: Distiller,
    folder: RunFolder,
    checkpoint: Checkpoint,
) -> None:
    """Fits the student's classifier, where it alone is not inherited.

    The training may make a student of few images worse: so it is a candidate.
    """
    student = distiller.student
    if (
        not plan.inherits
        or plan.weights == "expert"
        or not is_all_inherited(student)
    ):
        return
    head = _fit_head(plan, data, student, folder)
    if head is not None and not checkpoint.keep_last:
        checkpoint.start_from(head.validation_accuracy)


def _fit_head(
    plan: Plan, data: Collection, student: keras.Model, folder: RunFolder
) -> Head | None:
    """Fits the student's classifier on its features, where that is asked for.

    Returns:
        `Head`; None where it was not fitted, or not chosen by validation.
    """
    if (
        not plan.config.networks.fit_head_first
        or not has_classifier(student)
        # Their classifier knows more than the classes.
        or plan.rotations > 1
        or isinstance(data.train, ImageStream)
    ):
        return None
    if plan.is_of_all_folds:
        # No image is left to choose it by.
        like = Head.read(plan.folds[0].folder.frozen_head)
        start_with_head(student, data, plan, like)
        return None
    head = start_with_head(student, data, plan)
    head.write(folder.frozen_head)
    print(
        f"Classifier on frozen features: {head.validation_accuracy:.2%} of the "
        f"validation images (C={head.strength:g})."
    )
    return head


def _augmentations(
    plan: Plan, num_classes: int, augment: Sequence[str]
) -> list[Cutout | Mixup | Rotations]:
    made: dict[str, Cutout | Mixup | Rotations] = {
        "cutout": Cutout(plan.cutout_side),
        "mixup": Mixup(num_classes, plan.mixup_alpha),
        "sla": Rotations(plan.rotations),
    }
    # Rotations are last: they multiply what the others have made.
    return [made[name] for name in AUGMENTATIONS if name in augment]
