"""Folds: every image is tested once."""

import collections

import numpy as np
import pytest
from PIL import Image

from keras_artkd.datasets import load
from keras_artkd.datasets.loaders import check_request
from keras_artkd.datasets.splits import stratified_folds

FOLDS = 4


@pytest.fixture(scope="module")
def paintings(tmp_path_factory):
    """Three classes of 20, 12 and 9 images of five artists."""
    root = tmp_path_factory.mktemp("paintings")
    rng = np.random.default_rng(0)
    for label, count in enumerate((20, 12, 9)):
        folder = root / f"style{label}"
        folder.mkdir()
        for index in range(count):
            pixels = rng.integers(0, 256, (12, 14, 3), dtype="uint8")
            image = Image.fromarray(pixels)
            image.save(folder / f"artist{index % 5}_{index}.png")
    return root


def load_fold(folder, fold, **arguments):
    return load("folder", folder, 12, folds=FOLDS, fold=fold, **arguments)


@pytest.mark.parametrize("group", ["none", "artist"])
def test_every_image_is_tested_once(paintings, group):
    parts = [load_fold(paintings, k, group=group) for k in range(FOLDS)]
    tested = collections.Counter(
        key for part in parts for key in part.test.keys.tolist()
    )
    assert len(tested) == 41
    assert set(tested.values()) == {1}
    for part in parts:
        kept = [*part.train.keys, *part.validation.keys, *part.test.keys]
        assert sorted(kept) == sorted(tested)


def test_no_artist_is_in_two_splits_of_a_fold(paintings):
    for fold in range(FOLDS):
        groups = load_fold(paintings, fold, group="artist").groups
        train, validation, test = map(set, groups.values())
        assert not train & test
        assert not train & validation
        assert not validation & test


def test_classes_keep_their_shares(paintings):
    for fold in range(FOLDS):
        counts = np.bincount(load_fold(paintings, fold).test.labels)
        assert counts[0] in (5, 6)
        assert counts[1] == 3
        assert counts[2] in (2, 3)


def test_all_images_train(paintings):
    everything = load_fold(paintings, None)
    assert len(everything.train) == 41
    assert sorted(everything.test.keys) == sorted(everything.train.keys)
    first = load_fold(paintings, 0)
    np.testing.assert_array_equal(
        everything.validation.keys, first.validation.keys
    )
    assert everything.fingerprint() != first.fingerprint()


def test_another_seed_makes_other_folds(paintings):
    one, other = (
        load_fold(paintings, 0, split_seed=seed).test.keys for seed in (0, 1)
    )
    assert {*one} != {*other}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"folds": 1}, "at least 2"),
        ({"folds": 3, "fold": 3}, "must be 0 to 2"),
        ({"fold": 0}, "Fix: folds=5"),
    ],
)
def test_numbers_that_name_no_fold(paintings, arguments, message):
    with pytest.raises(ValueError, match=message):
        check_request("folder", data_dir=paintings, **arguments)


def test_data_sets_with_a_test_split_of_their_own(tmp_path):
    with pytest.raises(ValueError, match="split at random: folder.*'atelier'"):
        check_request("atelier", folds=5)


def test_more_folds_than_images_that_can_be_apart(paintings):
    with pytest.raises(ValueError, match="Fix: fewer folds"):
        load("folder", paintings, 12, group="artist", folds=7, fold=0)


def test_folds_of_equal_size():
    numbers = stratified_folds(np.zeros(103, int), None, 5, seed=3)
    assert sorted(np.bincount(numbers)) == [20, 20, 21, 21, 21]


def test_equal_pictures_are_in_one_fold():
    """Folders drop the second; archives may keep it."""
    labels = np.arange(40) % 2
    groups = np.arange(40) // 2 % 10
    numbers = stratified_folds(labels, groups, 4)
    for group in range(10):
        assert len({*numbers[groups == group]}) == 1
