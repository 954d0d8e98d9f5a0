"""The training of a run."""

from collections.abc import Sequence

import keras
import tensorflow as tf
from keras.optimizers.schedules import LearningRateSchedule

from keras_artkd.catalogue.augmentations import AUGMENTATIONS
from keras_artkd.data.augment import Cutout, Mixup, Rotations
from keras_artkd.data.pipeline import (
    steps_per_epoch,
    training_dataset,
)
from keras_artkd.data.recorded import RecordedViews
from keras_artkd.data.store import ImageStore
from keras_artkd.data.stream import ImageStream
from keras_artkd.data.views import Store
from keras_artkd.datasets import Collection
from keras_artkd.distillers import Distiller
from keras_artkd.losses.labels import SmoothedCrossEntropy
from keras_artkd.measure.verdict import FEW_VALIDATION_IMAGES
from keras_artkd.run_folder import HISTORY, RunFolder
from keras_artkd.runs.backend import count_gpus
from keras_artkd.runs.batches import evaluation_batches
from keras_artkd.runs.checkpoint import Checkpoint
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
from keras_artkd.runs.networks import build_distiller, load_teachers
from keras_artkd.runs.optimizer import (
    cosine_rate,
    make_adamw,
    make_optimizer,
    make_strategy,
)
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

    Reads the training and the validation split alone.

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
    schedule = plan.config.schedule
    batch_size = min(schedule.batch_size, len(data.train))
    steps = steps_per_epoch(data.train, batch_size, schedule.images_per_epoch)
    with make_strategy().scope():
        expert, recorded = None, None
        if expert_path is not None:
            expert = load_teachers(expert_path, plan, len(data.class_names))
            if plan.config.networks.expert_views is not None:
                assert isinstance(data.train, ImageStore)
                recorded = record_expert(plan, data.train, expert, expert_path)
        distiller = compiled_distiller(plan, data, expert, steps)
    averaged = schedule.ema_momentum is not None
    checkpoint = Checkpoint(
        distiller,
        folder.checkpoint,
        keep_last=epoch_choice(plan, data) != "validation",
        averaged=averaged,
    )
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
    if initial_epoch:
        print(f"Resuming after epoch {initial_epoch}.")
    if initial_epoch < schedule.epochs:
        distiller.fit(
            training_batches(
                plan, data, schedule.epochs, initial_epoch, recorded
            ),
            steps_per_epoch=steps,
            epochs=schedule.epochs,
            initial_epoch=initial_epoch,
            # The pipeline shuffles; Keras would warn that it does not.
            shuffle=False,
            # What validates was trained on, where all images were.
            validation_data=None
            if plan.is_of_all_folds
            else evaluation_batches(plan, data.validation),
            # Validation is of the average, too.
            callbacks=[
                *([keras.callbacks.SwapEMAWeights()] if averaged else []),
                *callbacks,
                checkpoint,
            ],
            verbose=verbose,
        )
    elif averaged:
        # As `fit` does at its end.
        distiller.optimizer.finalize_variable_values(
            distiller.trainable_weights
        )
    folder.write(HISTORY, checkpoint.history)
    return distiller, checkpoint


def epoch_choice(plan: Plan, data: Collection) -> str:
    """Why an epoch's student is kept.

    Returns:
        `"validation"`, which chooses the best one; or why the last is kept:
        `"folds"`, for the model of all images has nothing to choose by, and
        what measures it is trained alike; `"asked"`; `"few"` validation images.
    """
    if plan.config.data.folds is not None:
        return "folds"
    keep = plan.config.schedule.keep_epoch
    if keep == "last":
        return "asked"
    few = len(data.validation) < FEW_VALIDATION_IMAGES
    return "few" if keep == "auto" and few else "validation"


def training_batches(
    plan: Plan,
    data: Collection,
    epochs: int,
    initial_epoch: int = 0,
    recorded: RecordedViews | None = None,
) -> tf.data.Dataset:
    """Batches of a plan's training, see `training_dataset`.

    Epochs that read no label are of all images alike. After a first stage of
    such, the others are of the images that have one, as many batches of them.
    """
    schedule, classes = plan.config.schedule, len(data.class_names)
    steps = steps_per_epoch(
        data.train,
        min(schedule.batch_size, len(data.train)),
        schedule.images_per_epoch,
    )

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
        strength = Head.read(plan.folds[0].folder.frozen_head).strength
        start_with_head(student, data, plan, strength)
        return None
    head = start_with_head(student, data, plan)
    head.write(folder.frozen_head)
    print(
        f"Classifier on frozen features: {head.validation_accuracy:.2%} of the "
        f"validation images (C={head.strength:g})."
    )
    return head


def compiled_distiller(
    plan: Plan,
    data: Collection,
    expert: keras.Model | list[keras.Model] | None,
    steps: int,
) -> Distiller:
    """The distiller of a plan, ready to train.

    Args:
        plan: `Plan`.
        data: a `datasets.Collection`.
        expert: the expert, or its stages; None for a method without.
        steps: int, of an epoch.
    """
    schedule = plan.config.schedule
    distiller = build_distiller(plan, len(data.class_names), expert)
    own_rate = distiller.rate_schedule(plan.first_rate, schedule.epochs, steps)
    distiller.compile(
        _make_optimizer(plan, own_rate, steps * schedule.epochs),
        loss=_supervised_loss(schedule.label_smoothing),
        metrics=["accuracy"],
        jit_compile=_compiles(),
    )
    return distiller


def _compiles() -> bool:
    """Whether XLA compiles a step."""
    # JAX would otherwise compute one operation at a time. TensorFlow's networks
    # here are faster with it on a GPU and slower on a CPU, and it cannot reach
    # from one replica to another.
    return keras.backend.backend() == "jax" or count_gpus() == 1


def _make_optimizer(
    plan: Plan, own_rate: LearningRateSchedule | None, total_steps: int
) -> keras.optimizers.Optimizer:
    schedule = plan.config.schedule
    rate = own_rate or plan.first_rate
    if schedule.rate_decay == "cosine" and not own_rate:
        rate = cosine_rate(plan.first_rate, total_steps, schedule.warmup)
    if schedule.optimizer == "adamw":
        return make_adamw(
            rate,
            schedule.weight_decay,
            schedule.clip_norm,
            schedule.ema_momentum,
        )
    steps = () if rate is not plan.first_rate else schedule.drops
    return make_optimizer(
        rate,
        total_steps,
        steps,
        schedule.drop_factor,
        schedule.momentum,
        schedule.clip_norm,
        schedule.ema_momentum,
    )


def _supervised_loss(label_smoothing: float) -> SmoothedCrossEntropy | None:
    return SmoothedCrossEntropy(label_smoothing) if label_smoothing else None


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
