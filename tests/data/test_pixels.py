"""Images whose pixels lie in files give what they give in memory."""

import dataclasses

import numpy as np
import pytest

from keras_artkd.data.pipeline import (
    VIEWS,
    evaluation_arrays,
    evaluation_dataset,
    training_dataset,
)
from keras_artkd.data.pixels import (
    JoinedPixels,
    PixelFile,
    in_use,
    parts_of,
    pixels_digest,
)
from keras_artkd.data.recorded import RecordedViews
from keras_artkd.data.store import ImageStore
from tests.data.test_pipeline import make_store


def on_disk(store, path):
    """The same images, their pixels in a file."""
    path.write_bytes(store.pixels.tobytes())
    return dataclasses.replace(store, pixels=PixelFile(path, path.name))


@pytest.fixture
def both(tmp_path):
    store = make_store(21)
    return store, on_disk(store, tmp_path / "pixels")


def equal_batches(first, second):
    pairs = list(zip(first, second, strict=True))
    for a, b in pairs:
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y)
    return len(pairs)


@pytest.mark.parametrize("views", VIEWS)
def test_training_batches_are_the_same_to_the_bit(both, views):
    first, second = (
        training_dataset(store, 16, 4, 5, epochs=3, views=views)
        for store in both
    )
    assert equal_batches(first, second) == 15


def test_batches_with_padding_and_targets_are_the_same(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (9, 16, 16, 3), "uint8")
    store = ImageStore.from_images(images, np.arange(9) % 3, [""] * 9)
    targets = np.eye(3, dtype="float32")[store.labels]
    store = dataclasses.replace(store, targets=targets)
    first, second = (
        training_dataset(each, 16, 4, 1, epochs=2)
        for each in (store, on_disk(store, tmp_path / "pixels"))
    )
    assert equal_batches(first, second) == 4


def test_a_resumed_training_goes_on_with_the_same_batches(both):
    _, store = both
    whole = list(training_dataset(store, 16, 4, 7, epochs=4))
    rest = training_dataset(store, 16, 4, 7, epochs=4, initial_epoch=2)
    assert equal_batches(whole[10:], rest) == 10


def test_an_epoch_is_a_permutation(both):
    marked = dataclasses.replace(both[1], labels=np.arange(21, dtype="int32"))
    data = training_dataset(marked, 16, 4, 3, epochs=3)
    rows = np.concatenate([labels for _, labels in data]).reshape(3, 20)
    assert all(len({*epoch.tolist()}) == 20 for epoch in rows)
    assert not np.array_equal(rows[0], rows[1])


def test_evaluation_and_recorded_views_are_the_same(both):
    first, second = (evaluation_dataset(store, 16, 8, 12) for store in both)
    assert equal_batches(first, second) == 3
    first, second = (evaluation_arrays(store, 16) for store in both)
    np.testing.assert_array_equal(first[0], second[0])
    views = [RecordedViews.of(store, 16, 3, seed=0) for store in both]
    first, second = (
        view.images(store, 16, 8)
        for view, store in zip(views, both, strict=True)
    )
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_stores_are_taken_from_and_joined_without_reading(both, tmp_path):
    store, kept = both
    other = make_store(5, seed=1)
    joined = ImageStore.concatenate([kept.take([7, 2]), other])
    assert isinstance(joined.pixels, JoinedPixels)
    both_again = ImageStore.concatenate([joined, kept.take([3])])
    assert len(parts_of(both_again.pixels)) == 3
    same = ImageStore.concatenate([kept.take([7, 2]), kept.take([3])])
    assert same.pixels is kept.pixels
    np.testing.assert_array_equal(same.image(2), store.image(3))
    expected = [store.image(7), store.image(2)]
    expected += [other.image(i) for i in range(5)] + [store.image(3)]
    for index, image in enumerate(expected):
        np.testing.assert_array_equal(both_again.image(index), image)
    in_memory = ImageStore.concatenate([store.take([7, 2]), other])
    assert in_memory.in_memory and not joined.in_memory
    for one, two in ((joined, in_memory), (kept.take([1]), store.take([1]))):
        content = [
            b"".join(a.tobytes() for a in s.content()) for s in (one, two)
        ]
        assert content[0] == content[1]
    first, second = (
        training_dataset(s, 16, 4, 0, epochs=2) for s in (joined, in_memory)
    )
    assert equal_batches(first, second) == 2


def test_digests_are_made_once(both):
    pixels = both[1].pixels
    assert pixels.remembered("a", lambda: "made") == "made"
    assert pixels.remembered("a", lambda: "again") == "made"
    assert pixels.remembered("b", lambda: "again") == "again"
    assert pixels_digest(pixels) != pixels_digest(both[0].pixels)


def test_a_file_is_in_use_until_it_is_closed(tmp_path):
    path = tmp_path / "pixels"
    assert not in_use(path)
    path.write_bytes(bytes(30))
    pixels, again = PixelFile(path, ""), PixelFile(path, "")
    assert in_use(path)
    path.unlink()
    np.testing.assert_array_equal(pixels[2:10], np.zeros((8, 3), "uint8"))
    path.write_bytes(bytes(30))
    third = PixelFile(path, "")
    del pixels, again
    assert in_use(path)
    del third
    assert not in_use(path)


def test_a_file_that_was_cut_short_says_so(both, tmp_path):
    with (tmp_path / "pixels").open("rb+") as file:
        file.truncate(1000)
    with pytest.raises(OSError, match=r"cut short. Fix: run it again"):
        both[1].image(20)
    with pytest.raises(Exception, match="cut short"):
        list(training_dataset(both[1], 16, 4, 0, epochs=1))
