import shutil

import numpy as np
from PIL import Image, ImageOps

from keras_artkd.data.images import read_image
from keras_artkd.datasets.records import (
    Record,
    content_digest,
    map_threads,
    picture_digest,
    read_records,
)


def test_records_become_a_store_in_order(tmp_path, picture):
    records = [
        Record(
            picture(tmp_path / f"{i}.jpg", size=size), f"{i}.jpg", i % 3, "a"
        )
        for i, size in enumerate([(20, 30), (30, 20), (9, 90), (16, 16)])
    ]
    store, groups, digests, skipped = read_records(records, 16, threads=3)
    assert store.keys.tolist() == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert store.labels.tolist() == [0, 1, 2, 0]
    assert store.sizes.tolist() == [[16, 24], [24, 16], [16, 32], [16, 16]]
    assert groups == ["a"] * 4 and skipped == []
    for i, record in enumerate(records):
        height, width = store.sizes[i]
        start = store.offsets[i]
        pixels = store.pixels[start : start + height * width]
        expected = read_image(record.path, 16)
        np.testing.assert_array_equal(pixels, expected.reshape(-1, 3))
        assert digests[i] == picture_digest(expected)


def test_each_image_and_its_mirror_image_are_hashed_once(
    tmp_path, picture, monkeypatch
):
    hashed = []

    def digest(pixels):
        hashed.append(pixels.shape)
        return content_digest(pixels)

    monkeypatch.setattr("keras_artkd.datasets.records.content_digest", digest)
    path = picture(tmp_path / "a.jpg", size=(20, 30))
    read_records([Record(path, "a", 0, "a")], None)
    assert hashed == 2 * [(20, 30, 3)]


def test_encoded_bytes_and_generators_are_read(tmp_path, picture):
    data = picture(tmp_path / "a.jpg").read_bytes()
    store, *_ = read_records((Record(data, k, 0, k) for k in "x"), None)
    np.testing.assert_array_equal(store.pixels, read_image(data).reshape(-1, 3))


def test_unreadable_files_are_listed(tmp_path, picture):
    good = picture(tmp_path / "good.jpg")
    (tmp_path / "cut.jpg").write_bytes(good.read_bytes()[:400])
    (tmp_path / "empty.jpg").touch()
    names = ["cut.jpg", "good.jpg", "empty.jpg", "absent.jpg"]
    records = [Record(tmp_path / n, n, 0, n) for n in names]
    store, groups, digests, skipped = read_records(records, 16)
    assert store.keys.tolist() == groups == ["good.jpg"]
    assert len(digests) == 1
    reasons = {item.key: item.reason for item in skipped}
    assert "cannot be decoded" in reasons["cut.jpg"]
    assert "empty file" in reasons["empty.jpg"]
    assert reasons["absent.jpg"] == "no such file"
    assert len(skipped) == 3


def test_nothing_readable_gives_an_empty_store():
    store, groups, digests, skipped = read_records(
        [Record(b"x", "x", 0, "x")], 16
    )
    assert len(store) == 0 and store.pixels.shape == (0, 3)
    assert groups == digests == [] and len(skipped) == 1


def test_duplicates_within_and_across_classes(tmp_path, picture):
    """One picture four times: as JPEG twice, as PNG, in another class."""
    first = picture(tmp_path / "first.jpg", seed=1)
    again = shutil.copy(first, tmp_path / "again.jpg")
    png = tmp_path / "same.png"
    Image.open(first).save(png)
    other = picture(tmp_path / "other.jpg", seed=2)
    records = [
        Record(first, "first", 0, "a"),
        Record(again, "again", 0, "b"),
        Record(other, "other", 0, "c"),
        Record(png, "png", 1, "d"),
        Record(again, "third", 1, "e"),
    ]
    store, groups, digests, skipped = read_records(records, None)
    assert store.keys.tolist() == ["first", "other", "png"]
    assert groups == ["a", "c", "d"]
    assert digests[0] == digests[2] != digests[1]
    reasons = {item.key: item.reason for item in skipped}
    assert set(reasons) == {"again", "png", "third"}
    assert reasons["again"] == "same picture as first"
    assert "label conflicts" in reasons["png"] and "first" in reasons["png"]
    assert reasons["third"] == "same picture as png"


def test_a_mirror_image_stays_and_has_the_same_digest(tmp_path, picture):
    """Also after it was resized, which must not depend on the side."""
    first = picture(tmp_path / "first.png", size=(83, 61), seed=1)
    picture(tmp_path / "other.png", size=(83, 61), seed=2)
    with Image.open(first) as image:
        ImageOps.mirror(image).save(tmp_path / "mirrored.png")
        ImageOps.flip(image).save(tmp_path / "flipped.png")
    names = ("first", "mirrored", "other", "flipped")
    records = [Record(tmp_path / f"{n}.png", n, 0, n) for n in names]
    for short_side in (None, 36, 25):
        store, _, digests, skipped = read_records(records, short_side)
        assert store.keys.tolist() == list(names) and skipped == []
        assert digests[0] == digests[1]
        assert len({*digests}) == 3


def test_digest_knows_the_shape():
    flat = np.zeros((2, 8, 3), "uint8")
    assert content_digest(flat) != content_digest(flat.reshape(4, 4, 3))


def test_map_threads_keeps_the_order_over_chunks():
    assert list(map_threads(abs, range(-3000, 0), 4)) == list(
        range(3000, 0, -1)
    )
