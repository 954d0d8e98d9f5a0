"""Trainings that read no label, at first or at all.

Images without a label join such a training as they are. No label is in its
batches, where some image has none.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_artkd.data.store import ImageStore
from keras_artkd.data.views import Store
from keras_artkd.datasets import Collection
from keras_artkd.losses.labels import class_probabilities


def with_unlabelled(data: Collection) -> Collection:
    """Images with and without labels together, as the ones to train on.

    Their targets are the labels as vectors, and zeros for an image without.
    """
    # Images that stay on disk have no unlabelled ones beside them.
    assert isinstance(data.train, ImageStore) and data.unlabelled is not None
    store = ImageStore.concatenate([data.train, data.unlabelled])
    classes = np.arange(len(data.class_names))
    targets = store.labels[:, None] == classes
    return dataclasses.replace(
        data,
        train=dataclasses.replace(store, targets=targets.astype("float32")),
    )


def without_labels(store: Store) -> Store:
    """The images of a store, all without label where one of them is."""
    if not isinstance(store, ImageStore) or store.has_label.all():
        return store
    assert store.targets is not None
    return dataclasses.replace(store, targets=np.zeros_like(store.targets))


def after_first_stage(
    first: tf.data.Dataset, then: tf.data.Dataset, num_classes: int
) -> tf.data.Dataset:
    """Batches of a first stage, then others, whose labels have one form.

    Those of the first are probabilities where its images are mixed.

    Args:
        first: `tf.data.Dataset` of images and labels.
        then: the same.
        num_classes: int.
    """

    def as_vectors(images: Any, labels: Any) -> tuple[Any, Any]:
        return images, class_probabilities(labels, num_classes)

    return first.map(as_vectors).concatenate(then.map(as_vectors))


class LabelsBegin(keras.callbacks.Callback):
    """Fits the student's classifier when a first stage without labels ends.

    A run that was killed there does it again, with the same outcome.

    Args:
        epoch: int, the first that reads labels, counted from 0.
        fit_head: function that fits it.
    """

    def __init__(self, epoch: int, fit_head: Callable[[], Any]) -> None:
        super().__init__()
        self.epoch = epoch
        self.fit_head = fit_head

    def on_epoch_begin(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Fits it before the first epoch with labels."""
        if epoch == 0:
            print(f"Epochs 1 to {self.epoch} learn features, without labels.")
        if epoch == self.epoch:
            print(f"\nFrom epoch {epoch + 1} on it learns from the labels.")
            self.fit_head()
