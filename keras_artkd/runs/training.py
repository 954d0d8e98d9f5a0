"""The training of a run."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_artkd.catalogue.augmentations import AUGMENTATIONS
from keras_artkd.data.augment import Cutout, Mixup, Rotations
from keras_artkd.data.pipeline import (
    evaluation_dataset,
    steps_per_epoch,
    training_dataset,
)
from keras_artkd.data.store import ImageStore
from keras_artkd.datasets import Collection
from keras_artkd.distillers import Distiller
from keras_artkd.run_folder import HISTORY, RunFolder
from keras_artkd.runs.checkpoint import Checkpoint
from keras_artkd.runs.networks import build_distiller, load_teachers
from keras_artkd.runs.optimizer import (
    evaluation_batch_size,
    make_optimizer,
    make_strategy,
)
from keras_artkd.runs.plan import Plan
from keras_artkd.types import Path

# With fewer steps a network hardly moves from where it started.
_FEWEST_STEPS = 200


def train(
    plan: Plan,
    data: Collection,
    expert_path: Path | None,
    folder: RunFolder,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int | str = "auto",
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
    steps = steps_per_epoch(data.train, batch_size)
    with make_strategy().scope():
        distiller = _compiled_distiller(plan, data, expert_path, steps)
    checkpoint = Checkpoint(distiller, folder.checkpoint)
    total = steps * schedule.epochs
    if verbose and total < _FEWEST_STEPS:
        print(
            f"note: only {total} steps in all, {steps} an epoch of "
            f"{len(data.train)} images; a smaller --batch-size or more "
            "--epochs train longer"
        )
    initial_epoch = checkpoint.restore()
    if initial_epoch:
        print(f"Resuming after epoch {initial_epoch}.")
    if initial_epoch < schedule.epochs:
        distiller.fit(
            training_dataset(
                data.train,
                plan.config.data.image_size,
                batch_size,
                schedule.seed,
                schedule.epochs,
                initial_epoch,
                plan.method.views,
                _augmentations(plan, len(data.class_names)),
                plan.config.augmentation.crop_and_mirror,
            ),
            steps_per_epoch=steps,
            epochs=schedule.epochs,
            initial_epoch=initial_epoch,
            # The pipeline shuffles; Keras would warn that it does not.
            shuffle=False,
            validation_data=evaluation_batches(plan, data.validation),
            callbacks=[*callbacks, checkpoint],
            verbose=verbose,
        )
    folder.write(HISTORY, checkpoint.history)
    return distiller, checkpoint


def evaluation_batches(plan: Plan, store: ImageStore) -> tf.data.Dataset:
    """Batches of a split to evaluate, of a size that fits the replicas."""
    return evaluation_dataset(
        store,
        plan.config.data.image_size,
        evaluation_batch_size(
            len(store), plan.config.schedule.batch_size, _count_replicas()
        ),
    )


def _compiled_distiller(
    plan: Plan, data: Collection, expert_path: Path | None, steps: int
) -> Distiller:
    schedule, num_classes = plan.config.schedule, len(data.class_names)
    expert = None
    if expert_path is not None:
        expert = load_teachers(expert_path, plan, num_classes)
    distiller = build_distiller(plan, num_classes, expert)
    own_rate = distiller.rate_schedule(plan.first_rate, schedule.epochs, steps)
    distiller.compile(
        make_optimizer(
            own_rate or plan.first_rate,
            steps * schedule.epochs,
            () if own_rate else schedule.drops,
            schedule.drop_factor,
            schedule.momentum,
        ),
        metrics=["accuracy"],
        # XLA makes these networks faster on a GPU and slower on a CPU. It
        # cannot reach from one replica to another.
        jit_compile=len(tf.config.list_physical_devices("GPU")) == 1,
    )
    return distiller


def _augmentations(
    plan: Plan, num_classes: int
) -> list[Cutout | Mixup | Rotations]:
    chosen = plan.config.augmentation
    made: dict[str, Cutout | Mixup | Rotations] = {
        "cutout": Cutout(plan.cutout_side),
        "mixup": Mixup(num_classes, chosen.mixup_alpha),
        "sla": Rotations(plan.rotations),
    }
    # Rotations are last: they multiply what the others have made.
    return [made[name] for name in AUGMENTATIONS if name in chosen.augment]


def _count_replicas() -> int:
    return max(1, len(tf.config.list_physical_devices("GPU")))
