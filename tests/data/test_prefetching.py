"""Nothing waits for a thread that tunes."""

import tensorflow as tf

from keras_artkd.data.pipeline import evaluation_dataset, training_dataset
from keras_artkd.data.prefetching import prefetched
from tests.data.test_pipeline import make_store


def test_the_same_elements_untuned():
    batches = prefetched(
        tf.data.Dataset.range(9).map(
            lambda x: x * x, num_parallel_calls=tf.data.AUTOTUNE
        )
    )
    assert [*batches.as_numpy_iterator()] == [x * x for x in range(9)]
    assert batches.options().autotune.enabled is False
    assert batches.take(3).map(tf.negative).options().autotune.enabled is False


def test_the_pipelines_are_untuned():
    store = make_store()
    for batches in (
        training_dataset(store, 16, 4, seed=0, epochs=2),
        evaluation_dataset(store, 16, 4),
    ):
        assert batches.options().autotune.enabled is False
