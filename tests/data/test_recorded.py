"""Views that were drawn before the training, and answers to them."""

import dataclasses

import numpy as np
import pytest

from keras_artkd.data.pipeline import training_dataset
from keras_artkd.data.recorded import RecordedViews
from keras_artkd.data.store import ImageStore

SIDE = 8


def store(size=(10, 14), count=7):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, *size, 3), dtype="uint8")
    return ImageStore.from_array(images, np.arange(count) % 3, list("abcdefg"))


def answered(images, views):
    """Of each view its very pixels, as if a teacher had said them."""
    batches = [batch.numpy() for batch in views.images(images, SIDE, 5)]
    pixels = np.concatenate(batches).reshape(len(images), views.count, -1)
    return dataclasses.replace(views, answers={"expert": pixels})


# The second leaves no room, so that crops reach over the edge.
@pytest.mark.parametrize("size", [(10, 14), (8, 8)])
def test_answers_are_of_the_very_images_of_a_batch(size):
    images = store(size)
    views = answered(images, RecordedViews.of(images, SIDE, 3, seed=0))
    seen = set()
    for inputs, labels in training_dataset(
        images, SIDE, 4, seed=0, epochs=6, recorded=views
    ):
        pixels = inputs["images"].numpy().reshape(4, -1)
        np.testing.assert_array_equal(pixels, inputs["expert"])
        assert labels.shape == (4,)
        seen |= {row.tobytes() for row in pixels}
    # More than one view of an image, and no others than these.
    known = {row.tobytes() for row in views.answers["expert"].reshape(21, -1)}
    assert seen <= known
    assert len(seen) > 7


def test_the_same_seed_draws_the_same_views():
    images = store()
    one, same, other = (
        RecordedViews.of(images, SIDE, 4, seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one.corners, same.corners)
    np.testing.assert_array_equal(one.mirrored, same.mirrored)
    assert (one.corners != other.corners).any()
    assert one.corners.shape == (7, 4, 2)
    assert 0 < one.mirrored.mean() < 1


def test_without_crop_and_mirror_there_is_the_centre():
    views = RecordedViews.of(store(), SIDE, 4, 0, crop_and_mirror=False)
    assert views.count == 1
    assert (views.corners == (1, 3)).all()
    assert not views.mirrored.any()


def test_no_augmentation_changes_recorded_views():
    images = store()
    views = answered(images, RecordedViews.of(images, SIDE, 2, 0))
    with pytest.raises(ValueError, match="views='two'"):
        training_dataset(images, SIDE, 4, 0, 1, views="two", recorded=views)
