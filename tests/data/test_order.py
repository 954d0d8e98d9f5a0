"""Batches of images with and without a label."""

import collections

import numpy as np
import pytest
import tensorflow as tf

from keras_artkd.data.order import epoch_order, labelled_in_batch
from keras_artkd.data.pipeline import training_dataset
from keras_artkd.data.store import ImageStore

SIDE = 8


def mixed(labelled, unlabelled, seed=0):
    """Whether each of so many images has a label, in any order."""
    has_label = np.arange(labelled + unlabelled) < labelled
    return np.random.default_rng(seed).permutation(has_label)


def store(has_label):
    """Images that are numbered by their pixels; targets of three classes."""
    count = len(has_label)
    images = np.zeros((count, 10, 10, 3), "uint8")
    images += np.arange(count, dtype="uint8")[:, None, None, None]
    targets = np.eye(3, dtype="float32")[np.arange(count) % 3]
    keys = [f"{i}" for i in range(count)]
    labels = np.arange(count) % 3
    plain = ImageStore.from_array(images, labels, keys)
    return ImageStore(
        **{**vars(plain), "targets": targets * has_label[:, None]}
    )


@pytest.mark.parametrize(
    ("labelled", "unlabelled", "batch", "expected"),
    [
        (271, 1082, 32, 8),
        (300, 10_000, 32, 8),
        (500, 500, 32, 16),
        # As many as there are, rounded, and room for one of the others.
        (900, 100, 32, 29),
        (5000, 10, 32, 31),
        (1, 10_000, 32, 8),
        (3, 2, 5, 3),
        (1, 9, 5, 2),
        (1, 1, 2, 1),
        (7, 0, 4, 4),
    ],
)
def test_how_many_of_a_batch_have_a_label(
    labelled, unlabelled, batch, expected
):
    assert labelled_in_batch(labelled, unlabelled, batch) == expected


def test_the_rule_over_all_sizes():
    """The larger of the labelled share and a quarter; both kinds are there."""
    random = np.random.default_rng(0)
    for _ in range(300):
        known, unknown = random.integers(1, 3000, 2)
        batch = int(random.integers(2, 130))
        count = labelled_in_batch(int(known), int(unknown), batch)
        wanted = max(batch * known / (known + unknown), batch / 4)
        assert abs(count - wanted) < 1 or count == batch - 1
        assert 1 <= count < batch


def test_a_batch_of_one_has_no_room():
    with pytest.raises(ValueError, match="batch_size=1. Fix: at least 2"):
        labelled_in_batch(3, 4, 1)


@pytest.mark.parametrize(
    ("labelled", "unlabelled", "batch", "steps"),
    [(20, 77, 8, 12), (3, 200, 16, 12), (50, 4, 9, 6), (6, 9, 4, 40)],
)
def test_every_batch_has_its_share_and_passes_are_whole(
    labelled, unlabelled, batch, steps
):
    """Within an epoch an image is seen at most once more than its kind."""
    has_label = mixed(labelled, unlabelled)
    order = epoch_order(has_label, batch, steps)(tf.constant([3, 5])).numpy()
    assert order.shape == (steps, batch) and order.dtype == "int32"
    count = labelled_in_batch(labelled, unlabelled, batch)
    assert (has_label[order].sum(axis=1) == count).all()
    for kind, per_batch in ((True, count), (False, batch - count)):
        rows = np.flatnonzero(has_label == kind)
        # In NumPy: permutations, one after the other, cut into batches.
        drawn = order[has_label[order] == kind]
        assert len(drawn) == steps * per_batch
        for start in range(0, len(drawn), len(rows)):
            whole = drawn[start : start + len(rows)]
            assert len({*whole.tolist()}) == len(whole)
        seen = collections.Counter(drawn.tolist())
        times = [seen[row] for row in rows.tolist()]
        assert max(times) - min(times) <= 1


def test_both_kinds_are_spread_over_a_batch():
    """So that a replica's half of it has some of both."""
    has_label = mixed(30, 90)
    order = epoch_order(has_label, 32, 3)(tf.constant([0, 1])).numpy()
    assert (has_label[order[:, :16]].sum(axis=1) == 4).all()
    assert (has_label[order].reshape(3, 8, 4).sum(axis=2) == 1).all()


def test_the_order_is_a_function_of_the_seed():
    order = epoch_order(mixed(30, 90), 16, 5)
    first, again, other = (
        order(tf.constant(seed)).numpy() for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_without_unlabelled_images_it_is_the_permutation_that_it_was():
    seed = tf.constant([4, 2])
    order = epoch_order(np.ones(21, bool), 4, 5)(seed).numpy()
    whole = tf.random.experimental.stateless_shuffle(tf.range(21), seed)
    np.testing.assert_array_equal(order.ravel(), whole[:20])


def numbers(images):
    """Which images a batch has; a crop is of one number."""
    return images[:, 0, 0, 0].astype(int)


def test_batches_and_what_they_teach():
    has_label = mixed(10, 30)
    images = store(has_label)
    batches = [
        (numbers(x.numpy()), y.numpy())
        for x, y in training_dataset(images, SIDE, 8, 0, epochs=3)
    ]
    assert len(batches) == 3 * (40 // 8)
    for rows, targets in batches:
        assert has_label[rows].sum() == 2
        np.testing.assert_array_equal(targets, images.targets[rows])
    # Every unlabelled image has its turn, and epochs differ.
    epochs = np.array([rows for rows, _ in batches]).reshape(3, -1)
    assert {*epochs.ravel().tolist()} == {*range(40)}
    assert (epochs[0] != epochs[1]).any()
    # Begun at a later epoch it is the same from there on.
    resumed = training_dataset(images, SIDE, 8, 0, epochs=3, initial_epoch=1)
    for (rows, _), (x, _) in zip(batches[5:], resumed, strict=True):
        np.testing.assert_array_equal(rows, numbers(x.numpy()))


def test_an_epoch_of_fewer_images_has_the_same_shares():
    has_label = mixed(10, 30)
    batches = training_dataset(
        store(has_label), SIDE, 8, 0, epochs=2, images_per_epoch=16
    )
    counts = [has_label[numbers(x.numpy())].sum() for x, _ in batches]
    assert counts == [2] * 4


@pytest.mark.parametrize("labelled", [0, 7])
def test_more_batches_than_the_images_fill(labelled):
    """One permutation after the other; with enough images it is one."""
    has_label = np.zeros(7, bool) if not labelled else np.ones(7, bool)
    seed = tf.constant([3, 1], tf.int64)
    long = epoch_order(has_label, 3, 6)(seed).numpy()
    assert long.shape == (6, 3)
    counts = collections.Counter(long.ravel().tolist())
    assert {*counts} == {*range(7)} and {*counts.values()} == {2, 3}
    assert {*long.ravel()[:7].tolist()} == {*range(7)}
    short = epoch_order(has_label, 3, 2)(seed).numpy()
    assert len({*short.ravel().tolist()}) == 6
