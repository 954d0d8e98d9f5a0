"""Augmentations against NumPy, and composed with views and methods."""

import numpy as np
import pytest
import tensorflow as tf

from keras_artkd.data.augment import (
    GREY,
    Cutout,
    Mixup,
    Rotations,
    cutout,
    joint_labels,
    mixup,
    rotate,
)
from keras_artkd.data.pipeline import training_dataset
from keras_artkd.data.store import ImageStore

SEED = tf.constant([3, 4], tf.int64)
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.uniform(0, 255, (6, 8, 8, 3)).astype("float32")
LABELS = np.array([0, 1, 2, 2, 1, 0], "int32")


def as_probabilities(labels, classes=3):
    return np.eye(classes, dtype="float32")[labels]


@pytest.mark.parametrize("shape", [(500, 8, 8, 3), (250, 2, 8, 8, 3)])
def test_cutout_covers_a_square_of_each_image(shape):
    images = np.ones(shape, "float32")
    covered = cutout(images, 4, SEED).numpy().reshape(-1, 8, 8, 3) == GREY
    assert (covered == covered[..., :1]).all()
    covered = covered[..., 0]
    rows, columns = covered.any(2), covered.any(1)
    assert (covered == rows[:, :, None] & columns[:, None, :]).all()
    for side in (rows, columns):
        # In one piece, whole or over the edge, with the centre anywhere.
        assert (np.abs(np.diff(side, axis=1)).sum(1) <= 2).all()
        assert set(side.sum(1)) == {2, 3, 4}
        centred = side.sum(1) == 4
        assert 0.4 < centred.mean() < 0.85
    assert len({mask.tobytes() for mask in covered}) > 40


def test_cutout_of_no_side_and_of_all():
    np.testing.assert_array_equal(cutout(IMAGES, 0, SEED), IMAGES)
    assert (cutout(IMAGES, 32, SEED).numpy() == GREY).all()


def test_mixup_blends_images_and_labels():
    partners = np.array([5, 0, 1, 2, 3, 4])
    labels = as_probabilities(LABELS)
    images, mixed = mixup(IMAGES, labels, partners, 0.7)
    np.testing.assert_allclose(
        images, 0.7 * IMAGES + 0.3 * IMAGES[partners], rtol=1e-5
    )
    np.testing.assert_allclose(
        mixed, 0.7 * labels + 0.3 * labels[partners], rtol=1e-5
    )


def test_mixup_with_share_one_changes_nothing():
    labels = as_probabilities(LABELS)
    images, mixed = mixup(IMAGES, labels, LABELS, 1.0)
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(mixed, labels)


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_mixup_draws_from_the_beta_distribution(alpha):
    """The mean of the share is 1/2, its variance 1 / (4 (2 alpha + 1))."""
    images = tf.reshape(tf.range(4.0), (4, 1, 1, 1))
    labels = tf.range(4)
    seeds = np.stack([np.zeros(2000, int), np.arange(2000)], 1)
    drawn = tf.data.Dataset.from_tensor_slices(seeds).map(
        lambda seed: Mixup(4, alpha)(images, labels, seed)[1]
    )
    mixed = np.stack(list(drawn.as_numpy_iterator()))
    np.testing.assert_allclose(mixed.sum(-1), 1, rtol=1e-5)
    own = np.diagonal(mixed, axis1=1, axis2=2)
    # An example that is its own partner keeps all of its label.
    shares = own.min(axis=1)[(own < 1).any(axis=1)]
    assert abs(np.mean(shares) - 0.5) < 0.05
    expected = 1 / (4 * (2 * alpha + 1))
    assert abs(np.var(shares) - expected) < 0.1 * expected


def test_rotations_are_those_of_numpy():
    for images in (IMAGES, np.stack([IMAGES, IMAGES[::-1]], 1)):
        turned = rotate(tf.constant(images)).numpy()
        for j in range(4):
            np.testing.assert_array_equal(
                turned[:, j], np.rot90(images, j, (-3, -2))
            )


def test_joint_labels_of_both_forms():
    joint = joint_labels(tf.constant(LABELS)).numpy()
    assert joint.tolist() == [[4 * y + j for j in range(4)] for y in LABELS]
    soft = joint_labels(tf.constant(as_probabilities(LABELS))).numpy()
    np.testing.assert_array_equal(soft, np.eye(12)[joint])


def test_rotations_stand_together_so_that_replicas_get_whole_images():
    images, labels = Rotations()(tf.constant(IMAGES), tf.constant(LABELS), SEED)
    assert images.shape == (24, 8, 8, 3)
    halves = labels.numpy().reshape(2, 12)
    for half in halves:
        assert np.bincount(half % 4).tolist() == [3, 3, 3, 3]
    assert halves.ravel()[::4].tolist() == (4 * LABELS).tolist()


def test_one_rotation_is_plain():
    images, labels = Rotations(1)(
        tf.constant(IMAGES), tf.constant(LABELS), SEED
    )
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)


@pytest.mark.parametrize("augmentation", [Mixup(3), Rotations(), Cutout(4)])
def test_bytes_and_columns_of_labels(augmentation):
    """As pipelines of users have them, the same as floats and rows."""
    pixels = IMAGES.astype("uint8")
    expected = augmentation(
        tf.constant(pixels, "float32"), tf.constant(LABELS), SEED
    )
    found = augmentation(
        tf.constant(pixels), tf.constant(LABELS[:, None]), SEED
    )
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(np.ravel(found[1]), np.ravel(expected[1]))


def test_labels_beyond_the_classes_are_refused():
    images, labels = Rotations()(tf.constant(IMAGES), tf.constant(LABELS), SEED)
    assert Mixup(12)(images, labels, SEED)[1].shape == (24, 12)
    with pytest.raises(tf.errors.InvalidArgumentError, match="after Rotations"):
        Mixup(3)(images, labels, SEED)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Cutout(0), "at least one pixel.*side=0"),
        (lambda: Mixup(3, 0.0), "positive.*alpha=0"),
        (lambda: Rotations(5), "1 to 4.*count=5"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def store(count=21, classes=3):
    """Images of one level each, told by it; some classes are rare."""
    levels = np.arange(count)
    images = np.broadcast_to(
        levels[:, None, None, None].astype("uint8"), (count, 8, 8, 3)
    )
    labels = np.minimum(levels // 10, classes - 1)
    return ImageStore.from_array(images.copy(), labels, levels.astype(str))


def levels(images):
    """Which image each view is of; crops may reach over the edge by one."""
    return images.max(axis=(-3, -2, -1)).astype(int)


def batches(views, augmentations=(), **options):
    options = {"seed": 0, "epochs": 2, **options}
    dataset = training_dataset(
        store(),
        8,
        7,
        views=views,
        augmentations=augmentations,
        **options,
    )
    return [(x.numpy(), y.numpy()) for x, y in dataset]


def test_two_views_are_of_one_image_and_differ():
    different = 0
    for images, labels in batches("two"):
        assert images.shape == (7, 2, 8, 8, 3)
        seen = levels(images)
        assert (seen[:, 0] == seen[:, 1]).all()
        assert (np.minimum(seen[:, 0] // 10, 2) == labels).all()
        different += (images[:, 0] != images[:, 1]).any()
    assert different


def test_class_pairs_are_of_one_class_and_two_images():
    partners = {}
    for images, labels in batches("class_pairs", epochs=40):
        first, second = levels(images).T
        assert (np.minimum(first // 10, 2) == labels).all()
        assert (np.minimum(second // 10, 2) == labels).all()
        for a, b in zip(first, second, strict=True):
            partners.setdefault(a, set()).add(b)
    # The only image of class 2 has no other.
    assert partners.pop(20) == {20}
    for image, others in partners.items():
        assert image not in others
        # All nine others, unless chance left one out of 40 draws or so.
        assert len(others) > 6


def test_rotations_as_views_keep_the_labels():
    (plain, labels), (turned, same) = (
        batches(views, epochs=1)[0] for views in ("one", "rotations")
    )
    np.testing.assert_array_equal(turned[:, 0], plain)
    np.testing.assert_array_equal(turned[:, 3], np.rot90(plain, 3, (1, 2)))
    np.testing.assert_array_equal(same, labels)


def test_every_epoch_sees_every_image_once():
    for views in ("one", "two", "class_pairs", "rotations"):
        seen = []
        for images, _ in batches(views, epochs=1):
            own = images if views == "one" else images[:, 0]
            seen += levels(own).tolist()
        assert sorted(seen) == list(range(21))


@pytest.mark.parametrize("views", ["one", "two", "class_pairs", "rotations"])
def test_augmented_batches_resume_exactly(views):
    augmentations = (Cutout(3), Mixup(3), Rotations())
    whole = batches(views, augmentations, epochs=3)
    resumed = batches(views, augmentations, epochs=3, initial_epoch=1)
    again = batches(views, augmentations, epochs=3)
    for first, second in zip(whole[3:] + whole, resumed + again, strict=True):
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[1], second[1])
    images, labels = whole[0]
    assert images.shape[0] == 28
    assert labels.shape == (28, 12)
    np.testing.assert_allclose(labels.sum(1), 1, rtol=1e-5)
    assert (images != whole[3][0]).any()


def test_unknown_views():
    with pytest.raises(ValueError, match="one, two.*'three'"):
        batches("three")
