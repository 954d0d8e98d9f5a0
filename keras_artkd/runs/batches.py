"""Batches of a split to evaluate."""

import keras
import tensorflow as tf

from keras_artkd.data.pipeline import evaluation_dataset
from keras_artkd.data.shares import Share
from keras_artkd.data.store import ImageStore
from keras_artkd.runs.optimizer import (
    count_replicas,
    evaluation_batch_size,
)
from keras_artkd.runs.plan import Plan


def evaluation_batches(
    plan: Plan,
    store: ImageStore,
    network: keras.Model | None = None,
    share: Share | None = None,
) -> tf.data.Dataset:
    """Batches of a split to evaluate, of a size that fits the replicas.

    Args:
        plan: `Plan`.
        store: `ImageStore`.
        network: the network that sees them, as large as it takes them; None
            for a distiller, which resizes them itself.
        share: `Share`, the part of every batch to give; None for all of it.
    """
    batch_size = plan.config.schedule.batch_size
    return evaluation_dataset(
        store,
        plan.crop_size,
        evaluation_batch_size(
            len(store), batch_size, count_replicas(batch_size)
        ),
        None if network is None else network.input_shape[1],
        share,
    )
