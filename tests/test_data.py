"""The pipeline against plain NumPy crops."""

import numpy as np
import pytest
import tensorflow as tf

from keras_artkd.augment import centre_windows, random_windows
from keras_artkd.data import (
    evaluation_arrays,
    evaluation_dataset,
    steps_per_epoch,
    training_dataset,
)
from keras_artkd.image_store import ImageStore


def make_store(count=20, short=18, longest=30, seed=0):
    """Images of random aspect whose pixels are all different."""
    random = np.random.default_rng(seed)
    images = []
    for index in range(count):
        size = [short, int(random.integers(short, longest + 1))]
        if index % 2:
            size.reverse()
        images.append(random.integers(0, 256, (*size, 3), dtype="uint8"))
    labels = np.arange(count) % 5
    return ImageStore.from_images(images, labels, [str(i) for i in labels])


def find(image, crop):
    """Whether a crop lies in an image, as it is or mirrored."""
    height, width = image.shape[:2]
    side = len(crop)
    for view in (crop, crop[:, ::-1]):
        for top in range(height - side + 1):
            for left in range(width - side + 1):
                if np.array_equal(
                    image[top : top + side, left : left + side], view
                ):
                    return (top, left, view is not crop)
    return None


def collect(dataset):
    batches = [(x.numpy(), y.numpy()) for x, y in dataset]
    return (
        np.concatenate([x for x, _ in batches]),
        np.concatenate([y for _, y in batches]),
    )


def test_store_gives_images_back():
    store = make_store()
    part = store.take([3, 1])
    assert len(store) == 20 and len(part) == 2
    np.testing.assert_array_equal(part.image(0), store.image(3))
    np.testing.assert_array_equal(part.labels, store.labels[[3, 1]])
    assert len(ImageStore.from_images([], [], [])) == 0


def test_training_crops_come_from_the_images():
    store = make_store()
    images, labels = collect(training_dataset(store, 16, 4, 0, epochs=1))
    assert images.shape == (20, 16, 16, 3)
    assert images.dtype == "float32"
    used = set()
    for image, label in zip(images, labels, strict=True):
        places = [
            (i, find(store.image(i), image))
            for i in np.flatnonzero(store.labels == label)
        ]
        (found,) = [p for p in places if p[1] is not None]
        used.add(found[0])
    assert len(used) == 20


def test_crops_and_flips_are_uniform():
    sizes = tf.constant([[18, 30]] * 6000)
    corners, mirrored = random_windows(sizes, 16, 0, tf.constant([1, 2]))
    tops, lefts = corners.numpy().T
    assert 0.47 < mirrored.numpy().mean() < 0.53
    assert np.bincount(tops, minlength=3).min() > 1800
    assert np.bincount(lefts).shape == (15,)
    assert np.bincount(lefts).min() > 300


def test_images_at_the_size_itself_are_padded_with_black():
    """An eighth on each side, as CIFAR's four pixels of 32."""
    images = [np.full((16, 16, 3), 200, "uint8")] * 64
    store = ImageStore.from_images(images, np.zeros(64), [""] * 64)
    crops, _ = collect(training_dataset(store, 16, 64, 0, epochs=1))
    assert set(np.unique(crops)) == {0, 200}
    # Between none and two of sixteen rows and columns are outside.
    inside = (crops[..., 0] == 200).sum((1, 2))
    assert inside.min() == 14 * 14 and inside.max() == 16 * 16


def test_epochs_are_permutations_and_depend_on_the_seed_alone():
    store = make_store(21)
    steps = steps_per_epoch(store, 4)
    assert steps == 5
    first = collect(training_dataset(store, 16, 4, 0, epochs=3))
    again = collect(training_dataset(store, 16, 4, 0, epochs=3))
    other = collect(training_dataset(store, 16, 4, 1, epochs=3))
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[0][:20], first[0][20:40])


def test_resuming_continues_the_same_sequence():
    store = make_store(21)
    whole = collect(training_dataset(store, 16, 4, 7, epochs=4))
    rest = collect(training_dataset(store, 16, 4, 7, 4, initial_epoch=2))
    np.testing.assert_array_equal(whole[0][40:], rest[0])
    np.testing.assert_array_equal(whole[1][40:], rest[1])


def test_fewer_images_than_a_batch():
    images, _ = collect(training_dataset(make_store(3), 16, 8, 0, epochs=2))
    assert len(images) == 6


def test_evaluation_is_the_centre_of_every_image_in_order():
    store = make_store()
    images, labels = collect(evaluation_dataset(store, 16, 8))
    for index, image in enumerate(images):
        whole = store.image(index)
        top, left = (np.array(whole.shape[:2]) - 16) // 2
        np.testing.assert_array_equal(
            image, whole[top : top + 16, left : left + 16]
        )
    np.testing.assert_array_equal(labels, store.labels)
    arrays = evaluation_arrays(store, 16)
    np.testing.assert_array_equal(arrays[0], images)
    np.testing.assert_array_equal(arrays[1], labels)
    corners, mirrored = centre_windows(tf.constant([[16, 21]]), 16)
    assert corners.numpy().tolist() == [[0, 2]] and not mirrored.numpy().any()


def test_images_smaller_than_the_crop_are_refused():
    with pytest.raises(ValueError, match="18 pixels, image_size=24"):
        evaluation_dataset(make_store(), 24, 8)


def test_empty_store_is_refused():
    with pytest.raises(ValueError, match="no image to train on"):
        training_dataset(ImageStore.from_images([], [], []), 16, 8, 0, 1)
