import numpy as np
import pytest
import tensorflow_datasets as tfds

from keras_artkd.datasets import load
from keras_artkd.datasets.cifar import read_cifar
from keras_artkd.datasets.tfds.builders import find_builder
from tests.datasets.archives import CIFAR_NAMES, make_cifar100


@pytest.fixture(scope="module")
def arrays():
    """Four classes of a hundred: 20 train and 5 test images each."""
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (80, 32, 32, 3), dtype="uint8"),
        "y_train": rng.permutation(80) % 4,
        "x_test": rng.integers(0, 256, (20, 32, 32, 3), dtype="uint8"),
        "y_test": np.arange(20) % 4,
    }


@pytest.fixture(scope="module")
def prepared(arrays, tmp_path_factory):
    """TFDS directory, prepared from an archive that lies in it."""
    root = tmp_path_factory.mktemp("tfds")
    archive = make_cifar100(
        root / "downloads/manual/cifar-100-binary.tar.gz",
        (arrays["x_train"], arrays["y_train"]),
        (arrays["x_test"], arrays["y_test"]),
    )
    builder = find_builder("cifar100", root)
    (url,) = builder.url_infos
    ours = tfds.core.download.checksums.compute_url_info(archive)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(builder), "url_infos", {url: ours})
        read_cifar("cifar100", root)
    return root


@pytest.fixture(scope="module")
def npz(arrays, tmp_path_factory):
    path = tmp_path_factory.mktemp("npz") / "data.npz"
    names = CIFAR_NAMES + [f"x{i}" for i in range(96)]
    np.savez(path, **arrays, fine_names=np.array(names))
    return path


def test_tfds_and_npz_give_the_same_collection(prepared, npz, arrays):
    data = load("cifar100", data_dir=prepared, short_side=None)
    assert data.class_names == CIFAR_NAMES
    sizes = [len(data.train), len(data.validation), len(data.test)]
    assert sizes == [72, 8, 20]
    assert np.bincount(data.validation.labels).tolist() == [2, 2, 2, 2]
    np.testing.assert_array_equal(
        data.test.pixels, arrays["x_test"].reshape(-1, 3)
    )
    for key, label, i in zip(
        data.train.keys, data.train.labels, range(72), strict=True
    ):
        row = int(key.removeprefix("train/"))
        assert arrays["y_train"][row] == label
        np.testing.assert_array_equal(
            data.train.image(i), arrays["x_train"][row]
        )
    same = load("cifar100", data_dir=npz, short_side=None)
    assert same.fingerprint() == data.fingerprint()
    assert same.class_names == data.class_names


def test_tfds_own_directory_is_the_default(prepared, monkeypatch):
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(prepared))
    assert len(load("cifar100", short_side=None).test) == 20


def test_fewer_classes_and_images(npz):
    options = {"data_dir": npz, "short_side": None, "classes": 3}
    data = load("cifar100", per_class=10, **options)
    assert data.class_names == CIFAR_NAMES[:3]
    assert np.bincount(data.train.labels).tolist() == [9, 9, 9]
    assert np.bincount(data.validation.labels).tolist() == [1, 1, 1]
    assert np.bincount(data.test.labels).tolist() == [5, 5, 5]
    # Keys name the same images whatever was asked for.
    whole = load("npz", data_dir=npz, short_side=None, per_class=10)
    for store in (data.train, data.validation):
        both = {*whole.train.keys.tolist(), *whole.validation.keys.tolist()}
        assert set(store.keys.tolist()) <= both
    more = load("cifar100", per_class=1000, **options)
    assert len(more.train) + len(more.validation) == 60


@pytest.mark.parametrize(
    "options, match",
    [
        ({"classes": 1}, "`classes` must be 2 to 100.*classes=1"),
        ({"classes": 101}, "classes=101"),
        ({"per_class": 1}, "`per_class` must be at least 2.*per_class=1"),
        ({"per_clas": 5}, r"validation_fraction.*per_class.*per_clas\."),
        ({"validation_fraction": 0}, "validation_fraction=0"),
        ({"group": "artist"}, "knows no artists"),
    ],
)
def test_mistakes(npz, options, match):
    with pytest.raises(ValueError, match=match):
        load("cifar100", data_dir=npz, **options)


def test_no_such_file():
    with pytest.raises(ValueError, match="does not exist"):
        load("cifar10", data_dir="absent.npz")


def test_without_a_network(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise ConnectionError("no network")

    manager = tfds.download.DownloadManager
    monkeypatch.setattr(manager, "download_and_extract", fail)
    match = "cifar10 must be.*no network.*cifar-10-binary.tar.gz into.*manual"
    with pytest.raises(ValueError, match=match):
        load("cifar10", data_dir=tmp_path)


def test_nothing_is_downloaded_among_pictures(tmp_path):
    (tmp_path / "Baroque").mkdir()
    (tmp_path / "Baroque" / "painting.jpg").touch()
    with pytest.raises(ValueError, match="Baroque and other.*artkd train"):
        load("cifar10", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["Baroque"]
