"""The pipeline against plain NumPy crops."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_artkd.data.augment import centre_windows, random_area, random_windows
from keras_artkd.data.pipeline import (
    VIEWS,
    evaluation_arrays,
    evaluation_dataset,
    steps_per_epoch,
    training_dataset,
)
from keras_artkd.data.store import ImageStore
from keras_artkd.datasets.tfds.record_index import stream_records
from tests.datasets.archives import encoded, plain


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


def write_records(path, images, first):
    """A TFRecord file as TFDS writes it; labels count modulo 5."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for i, encoded in enumerate(images, first):
            values = {
                "image": tf.train.BytesList(value=[encoded]),
                "file_name": tf.train.BytesList(value=[b"%d" % i]),
            }
            features = {
                name: tf.train.Feature(bytes_list=value)
                for name, value in values.items()
            }
            labels = tf.train.Int64List(value=[i % 5])
            features["label"] = tf.train.Feature(int64_list=labels)
            example = tf.train.Example(
                features=tf.train.Features(feature=features)
            )
            writer.write(example.SerializeToString())


def make_stream(folder, images=None):
    """21 pictures in three files, told by their red, six levels apart."""
    images = images or [plain(6 * i) for i in range(21)]
    paths = [folder / f"{i}.tfrecord" for i in range(3)]
    for i, path in enumerate(paths):
        write_records(path, images[7 * i : 7 * i + 7], 7 * i)
    return stream_records(paths, folder, 36)[0]


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


def test_store_around_an_array():
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 9, 3), "uint8")
    arguments = images, np.arange(5), list("abcde")
    store = ImageStore.from_array(*arguments)
    assert np.shares_memory(store.pixels, images)
    copied = ImageStore.from_images(*arguments)
    for field in dataclasses.fields(ImageStore):
        value = getattr(store, field.name)
        expected = getattr(copied, field.name)
        if field.name == "targets":
            assert value is expected is None
            continue
        assert value.dtype == expected.dtype
        np.testing.assert_array_equal(value, expected)


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


def test_images_may_be_seen_as_those_of_the_test():
    store = make_store()
    centres, _ = evaluation_arrays(store, 16)
    marked = dataclasses.replace(store, labels=np.arange(20, dtype="int32"))
    images, rows = collect(
        training_dataset(marked, 16, 4, 0, epochs=1, crop_and_mirror=False)
    )
    np.testing.assert_array_equal(images, centres[rows])
    usual = collect(training_dataset(marked, 16, 4, 0, epochs=1))
    np.testing.assert_array_equal(rows, usual[1])
    pairs = training_dataset(
        marked, 16, 4, 0, epochs=1, views="two", crop_and_mirror=False
    )
    images, rows = collect(pairs)
    np.testing.assert_array_equal(images[:, 0], centres[rows])
    np.testing.assert_array_equal(images[:, 1], centres[rows])


def test_a_stream_is_always_cropped_at_random(tmp_path):
    with pytest.raises(ValueError, match="crop_and_mirror=False, ImageStream"):
        training_dataset(
            make_stream(tmp_path), 16, 4, 0, 1, crop_and_mirror=False
        )


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


@pytest.fixture(params=["store", "stream"])
def store(request, tmp_path):
    """21 images, in memory and on disk."""
    return make_store(21) if request.param == "store" else make_stream(tmp_path)


def test_epochs_are_permutations_and_depend_on_the_seed_alone(store):
    steps = steps_per_epoch(store, 4)
    assert steps == 5
    first = collect(training_dataset(store, 16, 4, 0, epochs=3))
    again = collect(training_dataset(store, 16, 4, 0, epochs=3))
    other = collect(training_dataset(store, 16, 4, 1, epochs=3))
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[0][:20], first[0][20:40])


def test_resuming_continues_the_same_sequence(store):
    whole = collect(training_dataset(store, 16, 4, 7, epochs=4))
    rest = collect(training_dataset(store, 16, 4, 7, 4, initial_epoch=2))
    np.testing.assert_array_equal(whole[0][40:], rest[0])
    np.testing.assert_array_equal(whole[1][40:], rest[1])


def test_fewer_images_than_a_batch(store):
    few = store.take([4, 9, 2])
    images, labels = collect(training_dataset(few, 16, 8, 0, epochs=2))
    assert len(images) == 6
    assert sorted(labels[:3].tolist()) == [2, 4, 4]


def test_an_epoch_of_a_stream_is_a_permutation(tmp_path):
    batches = list(training_dataset(make_stream(tmp_path), 16, 4, 3, epochs=3))
    assert len(batches) == 15
    orders = []
    for images, labels in batches:
        assert images.shape == (4, 16, 16, 3) and images.dtype == tf.float32
        assert labels.shape == (4,) and labels.dtype == tf.int32
        reds = images.numpy()[..., 0].mean((1, 2)) / 6
        numbers = np.rint(reds).astype(int)
        assert np.abs(reds - numbers).max() < 0.4
        np.testing.assert_array_equal(labels, numbers % 5)
        orders.append(numbers)
    for epoch in np.reshape(orders, (3, 20)):
        assert len(set(epoch)) == 20
        assert (np.diff(epoch) < 0).any()
    assert not np.array_equal(orders[:5], orders[5:10])


@pytest.mark.parametrize("views", ["two", "class_pairs", "rotations"])
def test_views_of_a_stream(views, tmp_path):
    """Of one image, or of one class; each image's red tells which it is."""
    dataset = training_dataset(
        make_stream(tmp_path), 16, 4, 3, epochs=1, views=views
    )
    count = VIEWS[views].count
    for images, labels in dataset:
        assert images.shape == (4, count, 16, 16, 3)
        numbers = np.rint(images.numpy()[..., 0].mean((2, 3)) / 6).astype(int)
        np.testing.assert_array_equal(labels, numbers[:, 0] % 5)
        same = numbers == numbers[:, :1]
        if views == "class_pairs":
            assert (numbers % 5 == numbers[:, :1] % 5).all()
            assert not same[:, 1].any()
        else:
            assert same.all()


def test_a_stream_shows_areas_of_its_images(tmp_path):
    """A ramp from black at the left to white at the right tells which."""
    ramp = np.tile(np.linspace(0, 255, 100).astype("uint8"), (80, 1))
    image = encoded(Image.fromarray(ramp), "JPEG", quality=95)
    stream = make_stream(tmp_path, [image] * 21)
    images, _ = collect(training_dataset(stream, 16, 21, 0, epochs=20))
    assert images.min() >= 0 and images.max() <= 255
    first, last = images[:, :, 0].mean((1, 2)), images[:, :, -1].mean((1, 2))
    assert 0.4 < (first > last).mean() < 0.6
    # In shares of the width; 1/16 is lost as pixels have one.
    extent = np.abs(first - last) / 255 * 16 / 15
    assert extent.min() > 0.2 and extent.max() > 0.85
    assert np.minimum(first, last).max() > 100


def test_grey_and_cmyk_images_in_a_stream(tmp_path):
    modes = ["L", "CMYK", "RGB"] * 7
    stream = make_stream(tmp_path, [plain(200, mode=mode) for mode in modes])
    images, _ = collect(training_dataset(stream, 16, 21, 0, epochs=1))
    colours = images.mean((1, 2))
    grey = np.ptp(colours, axis=1) < 3
    assert grey.sum() == 7
    assert np.abs(colours[~grey] - (200, 100, 0)).max() < 6


def test_replicas_share_the_batches_of_a_stream(tmp_path):
    stream = make_stream(tmp_path)
    whole = list(training_dataset(stream, 16, 4, 0, epochs=1))
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    shared = strategy.experimental_distribute_dataset(
        training_dataset(stream, 16, 4, 0, epochs=1)
    )
    for (images, labels), (parts, of_parts) in zip(whole, shared, strict=True):
        assert [len(part) for part in parts.values] == [2, 2]
        np.testing.assert_array_equal(tf.concat(parts.values, 0), images)
        np.testing.assert_array_equal(tf.concat(of_parts.values, 0), labels)


def test_random_areas_are_the_usual_ones():
    size = tf.constant([300, 400])
    seeds = tf.random.split(tf.constant([1, 2]), 2000)
    drawn = tf.data.Dataset.from_tensor_slices(seeds)
    drawn = drawn.map(lambda seed: random_area(size, seed)).batch(2000)
    windows, mirrored = next(iter(drawn))
    top, left, height, width = windows.numpy().T
    assert 0.47 < mirrored.numpy().mean() < 0.53
    assert (top >= 0).all() and (top + height <= 300).all()
    assert (left >= 0).all() and (left + width <= 400).all()
    area = height * width / 120_000
    assert 0.07 < area.min() < 0.1 and area.max() > 0.9
    aspect = width / height
    assert 0.73 < aspect.min() < 0.78 and 1.3 < aspect.max() < 1.36
    window, _ = random_area(tf.constant([10, 1000]), seeds[0])
    assert window.numpy().tolist() == [0, 0, 10, 1000]


def test_only_images_can_be_trained_on():
    with pytest.raises(TypeError, match="ImageStore or an ImageStream.*list"):
        training_dataset([1, 2], 16, 2, 0, 1)


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
