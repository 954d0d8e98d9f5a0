import zipfile

import numpy as np
import pytest

from keras_artkd.datasets import load
from keras_artkd.datasets.npz import read_npz


def arrays(shape=(8, 8, 3), classes=4, train=80, test=20, dtype="uint8"):
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (train, *shape)).astype(dtype),
        "y_train": np.arange(train) % classes,
        "x_test": rng.integers(0, 256, (test, *shape)).astype(dtype),
        "y_test": np.arange(test) % classes,
    }


@pytest.fixture
def save(tmp_path):
    def save(**content):
        np.savez(tmp_path / "data.npz", **content)
        return tmp_path / "data.npz"

    return save


@pytest.mark.parametrize("shape", [(8, 9, 3), (8, 9, 1), (8, 9)])
def test_shapes(save, shape):
    content = arrays(shape)
    names, (x_train, y_train), (x_test, y_test) = read_npz(save(**content))
    assert names == ["0", "1", "2", "3"]
    assert x_train.shape == (80, 8, 9, 3) and x_test.shape == (20, 8, 9, 3)
    expected = content["x_train"].reshape(80, 8, 9, -1)
    np.testing.assert_array_equal(x_train[..., 0], expected[..., 0])
    np.testing.assert_array_equal(x_train[..., 2], expected[..., -1])
    np.testing.assert_array_equal(y_test, content["y_test"])
    assert y_train.dtype == np.int32


def test_column_labels_and_names_and_directory(save, tmp_path):
    content = arrays()
    content["y_train"] = content["y_train"][:, None]
    save(**content, fine_names=np.array([b"a", b"b", b"c", b"d"]))
    names, (_, y_train), _ = read_npz(tmp_path)
    assert names == ["a", "b", "c", "d"]
    assert y_train.shape == (80,)


@pytest.mark.parametrize(
    "change, match",
    [
        ({"x_train": None}, "without x_train.*holds"),
        ({"x_train": np.zeros((80, 8, 8, 3), "float32")}, "uint8.*float32"),
        ({"x_train": np.zeros((80, 3, 8, 8), "uint8")}, "channels last"),
        ({"x_train": np.zeros((80, 8), "uint8")}, r"shape \(80, 8\)"),
        ({"x_test": np.zeros((19, 8, 8, 3), "uint8")}, "19 images, 20 labels"),
        ({"y_train": np.zeros((80, 4), int)}, "one-hot"),
        ({"y_train": np.zeros(80)}, "y_train of dtype float64"),
        ({"y_train": np.full(80, -1)}, "class numbers from 0"),
        ({"class_names": np.array(["a", "b"])}, "one per class"),
        ({"class_names": np.array(["a", None])}, "readable .npz.*objects"),
        # As int32 it would be -727,379,968.
        ({"y_train": np.full(80, 10**12)}, "below 100,000.*1,000,000,000,00"),
        ({"y_test": np.full(20, 2**32)}, "below 100,000"),
    ],
)
def test_errors(save, change, match):
    content = {**arrays(), **change}
    content = {k: v for k, v in content.items() if v is not None}
    with pytest.raises(ValueError, match=match):
        read_npz(save(**content))


def test_unreadable_files(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        read_npz(tmp_path / "absent.npz")
    with pytest.raises(ValueError, match="exactly one"):
        read_npz(tmp_path)
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(ValueError, match="readable .npz"):
        read_npz(tmp_path)
    (tmp_path / "bad.npz").write_bytes(b"")
    with pytest.raises(ValueError, match="readable .npz"):
        read_npz(tmp_path)
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "array.npy").rename(tmp_path / "bad.npz")
    with pytest.raises(ValueError, match="not a zip archive"):
        read_npz(tmp_path)
    np.savez_compressed(tmp_path / "bad.npz", **arrays())
    data = bytearray((tmp_path / "bad.npz").read_bytes())
    data[300:900] = bytes(600)
    (tmp_path / "bad.npz").write_bytes(data)
    with pytest.raises(ValueError, match="readable .npz"):
        read_npz(tmp_path)


def test_an_array_that_claims_more_than_is_there(tmp_path):
    """The archive is whole; the header of an array is not true."""
    path = tmp_path / "data.npz"
    np.savez(path, **arrays())
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    images = members["x_train.npy"]
    place = images.index(b"(80, 8, 8, 3)")
    for claim in (
        b"(80, 8, 8, 9)",
        b"(80**9,8,8,3)",
        b"(8000000000,)",
        b"(0,10**24,8,)",
        b"(80, 8, 8, 3 ",
        b"(True, 8, 8,)",
        b"{[]: 1}, 8, 8",
    ):
        members["x_train.npy"] = (
            images[:place] + claim.ljust(13) + images[place + 13 :]
        )
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        with pytest.raises(ValueError, match=r"data\.npz must be a readable"):
            read_npz(path)


@pytest.mark.parametrize(
    ("offset", "value"), [(8, 1), (10, 99)], ids=["encrypted", "unknown"]
)
def test_archives_that_python_does_not_unpack(save, offset, value):
    """Of these `zipfile` raises errors of its own kinds."""
    path = save(**arrays())
    content = bytearray(path.read_bytes())
    # In the index: the flags, and the method after them.
    content[content.index(b"PK\x01\x02") + offset] = value
    path.write_bytes(content)
    with pytest.raises(ValueError, match="must be a readable .npz file"):
        read_npz(path)


def test_memory_that_does_not_suffice(save, monkeypatch):
    def fail(self, key):
        raise MemoryError("Unable to allocate")

    monkeypatch.setattr(np.lib.npyio.NpzFile, "__getitem__", fail)
    with pytest.raises(
        ValueError, match="x_train takes more than the memory has"
    ):
        read_npz(save(**arrays()))


def test_loaded_as_a_collection(save):
    """One train image is copied into test, under another label even."""
    content = arrays()
    content["x_train"][5] = content["x_test"][0]
    path = save(**content)
    data = load("npz", data_dir=path, short_side=8)
    assert len(data.test) == 20
    assert (len(data.train), len(data.validation)) == (67, 12)
    assert [item.key for item in data.skipped] == ["train/000005"]
    assert "test/000000" in data.skipped[0].reason
    assert (np.bincount(data.validation.labels) == 3).all()
    np.testing.assert_array_equal(
        data.test.pixels, content["x_test"].reshape(-1, 3)
    )
    half = load("npz", data_dir=path, short_side=8, validation_fraction=0.5)
    assert len(half.validation) in (39, 40)
    small = load("npz", data_dir=path, short_side=16, limit=50)
    assert len(small.train) + len(small.validation) + len(small.test) == 50
    assert small.train.sizes.tolist() == [[16, 16]] * len(small.train)
    assert 8 <= len(small.test) <= 12


def test_collection_errors(save):
    path = save(**arrays())
    with pytest.raises(ValueError, match="knows no artists"):
        load("npz", data_dir=path, group="artist")
    with pytest.raises(ValueError, match="validation_fraction"):
        load("npz", data_dir=path, validation_fraction=1.0)
    with pytest.raises(ValueError, match="limit"):
        load("npz", data_dir=path, limit=11)


def test_damage_of_the_archive_is_told_without_numpys_advice(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, **arrays())
    whole = path.read_bytes()
    first = bytearray(whole)
    first[0] = 0  # NumPy: it may be a pickle.
    directory = whole.index(b"PK\x01\x02")
    encrypted, method = bytearray(whole), bytearray(whole)
    encrypted[6] |= 1
    encrypted[directory + 8] |= 1
    method[8] = method[directory + 10] = 99
    for content in (first, encrypted, method):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"data.npz must be a") as told:
            read_npz(path)
        assert "pickle" not in str(told.value)


def test_what_would_fill_the_memory_is_not_unpacked(tmp_path):
    path = tmp_path / "data.npz"
    blank = np.zeros((80, 2000, 2000, 1), "uint8")
    np.savez_compressed(path, **arrays() | {"x_train": blank})
    with pytest.raises(ValueError, match="x_train would become 320,000,000"):
        read_npz(path)
