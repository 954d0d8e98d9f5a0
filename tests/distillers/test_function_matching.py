"""Function matching: the same mixed images for both, and no labels."""

import keras
import numpy as np

from keras_artkd import losses
from keras_artkd.data.augment import Mixup
from keras_artkd.data.pipeline import training_dataset
from keras_artkd.data.store import ImageStore
from keras_artkd.distillers import build, get_method
from tests.distillers.networks import (
    CLASSES,
    batch,
    normalised,
    plain,
    same,
    snapshot,
)


def mixed_batches(epochs=1):
    """As a run has them: crops of 16 pixels, mixed."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (24, 18, 18, 3), "uint8")
    rows = np.arange(24)
    store = ImageStore.from_array(images, rows % CLASSES, rows.astype(str))
    mixup = Mixup(CLASSES, get_method("function_matching").mixup)
    return training_dataset(
        store, 16, 12, seed=0, epochs=epochs, augmentations=[mixup]
    )


def test_expert_and_student_see_the_same_mixed_images():
    distiller = build("function_matching", plain(), plain(6))
    seen = {}

    def spy(role):
        network = distiller._networks[role]

        def call(images, training):
            seen[role] = np.array(images)
            return network(images, training=training)

        return call

    distiller._networks = {role: spy(role) for role in distiller._networks}
    for images, labels in mixed_batches():
        distiller(images, training=True)
        np.testing.assert_array_equal(seen["student"], images)
        np.testing.assert_array_equal(seen["expert"], images)
        # Each is a blend of two, in the shares of its label.
        assert 0 < np.max(labels) <= 1 and np.sum(labels) == 12
        assert np.max(np.mod(images, 1.0)) > 0


def test_the_objective_is_the_divergence_alone():
    """No label changes anything; another expert does."""
    images, labels = next(iter(mixed_batches()))
    trained = []
    for each in (labels, np.roll(labels, 1, axis=1)):
        keras.utils.set_random_seed(0)
        distiller = build("function_matching", normalised(), plain(6))
        distiller.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
        expected = losses.kd(
            distiller.teachers["expert"](images),
            distiller.student(images, training=True),
            1.0,
        )
        before = snapshot(distiller.student)
        logs = distiller.fit(images, each, batch_size=12, verbose=0).history
        np.testing.assert_allclose(
            logs["loss"][0], np.mean(expected), rtol=1e-4
        )
        assert not same(before, snapshot(distiller.student))
        trained.append(snapshot(distiller.student))
    assert same(*trained)


def test_a_student_that_is_its_expert_has_nothing_to_learn():
    expert = plain()
    student = keras.models.clone_model(expert)
    student.set_weights(expert.get_weights())
    distiller = build("function_matching", student, expert)
    distiller.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    logs = distiller.fit(mixed_batches(), shuffle=False, verbose=0).history
    assert abs(logs["kd"][0]) < 1e-6


def test_plain_labels_are_taken_too():
    """Whoever trains without the pipeline mixes nothing, and it runs."""
    distiller = build("function_matching", plain(), plain(6))
    distiller.compile("sgd", metrics=["accuracy"], run_eagerly=True)
    logs = distiller.fit(*batch(), verbose=0).history
    assert np.isfinite(logs["loss"]).all()
