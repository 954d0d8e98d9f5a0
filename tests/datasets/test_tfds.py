"""Any data set of TFDS, on small ones that are made here."""

import hashlib
import types

import numpy as np
import pytest
import tensorflow_datasets as tfds

from keras_artkd.data.images import read_image
from keras_artkd.datasets import load
from keras_artkd.datasets.tfds.classification import find_features
from keras_artkd.datasets.tfds.reading import TFDS_ID

SPLITS = ("train", "validation", "test")
NAMES = ["disc", "ring", "star"]
# Configuration -> split -> number of images.
CONFIGS = {
    "all": {"train": 30, "validation": 6, "test": 9, "extra": 3},
    "train_test": {"train": 30, "test": 9},
    "train_validation": {"train": 30, "validation": 9},
    "secret_test": {"train": 30, "validation": 9, "test": 6},
    "train": {"train": 40},
    "test": {"test": 9},
    "partly_secret": {"train": 30},
}
# Whose labels TFDS writes as -1: configuration and split.
SECRET = ("secret_test", "test")


class TinyShapes(tfds.core.GeneratorBasedBuilder):
    """Noise with labels, as TFDS's own data sets have them."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name=name, description=name) for name in CONFIGS
    ]

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(None, None, 3)),
                    "label": tfds.features.ClassLabel(names=NAMES),
                    "size": tfds.features.ClassLabel(num_classes=2),
                }
            ),
            supervised_keys=("image", "label"),
        )

    def _split_generators(self, dl_manager):
        splits = CONFIGS[self.builder_config.name]
        return {s: self._generate_examples(s, n) for s, n in splits.items()}

    def _generate_examples(self, split, count):
        config = self.builder_config.name
        for i in range(count):
            label = i % 3
            if (config, split) == SECRET or (
                config == "partly_secret" and i == 5
            ):
                label = -1
            # The first picture is the same in all splits, and twice in train.
            seed = f"{split}{i}" if i not in (0, 12) else "same"
            yield i, {"image": picture(seed), "label": label, "size": i % 2}


def picture(seed):
    """Noise of 12 by 14 pixels."""
    digest = hashlib.md5(seed.encode()).digest()
    rng = np.random.default_rng(list(digest))
    return rng.integers(0, 256, (12, 14, 3), dtype="uint8")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """TFDS directory; each configuration is prepared where it is asked for."""
    return tmp_path_factory.mktemp("tfds")


def keys(data):
    return {name: set(getattr(data, name).keys.tolist()) for name in SPLITS}


def counts(data):
    return [np.bincount(getattr(data, name).labels).tolist() for name in SPLITS]


def sizes(data):
    return [len(getattr(data, name)) for name in SPLITS]


def numbers(data, split):
    """Positions of the images of a split in TFDS's file, by their keys."""
    return {int(str(key).rpartition("__")[2]) for key in keys(data)[split]}


def test_all_splits(root):
    data = load("tfds:tiny_shapes/all", data_dir=root, short_side=12)
    assert data.name == "tfds:tiny_shapes/all"
    assert data.class_names == NAMES
    # What is in test, too, has left train and validation.
    assert counts(data) == [[8, 10, 10], [1, 2, 2], [3, 3, 3]]
    assert numbers(data, "test") == set(range(9))
    assert len(data.skipped) == 3
    assert all("same picture as" in item.reason for item in data.skipped)
    for split, part in keys(data).items():
        assert all(f"-{split}." in key for key in part)
    made = {
        picture(f"test{i}" if i else "same").tobytes(): i % 3 for i in range(9)
    }
    for i, label in enumerate(data.test.labels):
        assert made[data.test.image(i).tobytes()] == label


def test_validation_is_taken_from_train(root):
    name = "tfds:tiny_shapes/train_test:1.*.*"
    data = load(name, data_dir=root, short_side=12)
    assert sizes(data) == [24, 4, 9] and min(counts(data)[1]) == 1
    assert "-train." in next(iter(keys(data)["validation"]))
    other = load(
        name,
        data_dir=root,
        short_side=12,
        validation_fraction=0.4,
        split_seed=1,
    )
    assert keys(other)["test"] == keys(data)["test"]
    assert 10 <= len(other.validation) <= 12
    again = load(name, data_dir=root, short_side=12)
    assert again.fingerprint() == data.fingerprint()


@pytest.mark.parametrize("config", ["train_validation", "secret_test"])
def test_the_validation_split_may_be_the_test(root, config):
    """Then nothing is chosen by it."""
    data = load(f"tfds:tiny_shapes/{config}", data_dir=root, short_side=12)
    assert sizes(data) == [24, 4, 9] and min(counts(data)[1]) == 1
    assert all("-validation." in key for key in keys(data)["test"])
    assert all("-train." in key for key in keys(data)["validation"])


def test_a_train_split_alone(root):
    name = "tfds:tiny_shapes/train"
    data = load(name, data_dir=root, short_side=12)
    assert sizes(data) == [28, 6, 6]
    assert all(len(part) == 3 for part in counts(data))
    # Equal pictures are in one split.
    same = picture("same").tobytes()
    images = [
        {store.image(i).tobytes() for i in range(len(store))}
        for store in (data.train, data.validation, data.test)
    ]
    assert sum(same in part for part in images) == 1
    few = load(name, data_dir=root, short_side=12, validation_fraction=0.25)
    assert np.abs(np.subtract(sizes(few), [20, 10, 10])).max() <= 1
    with pytest.raises(ValueError, match="less than 0.5.*validation_fraction"):
        load(name, data_dir=root, short_side=12, validation_fraction=0.5)


def test_a_limit_keeps_shares(root):
    name = "tfds:tiny_shapes/all"
    data = load(name, data_dir=root, short_side=12, limit=15)
    assert sum(sizes(data)) + len(data.skipped) == 15
    assert min(min(part) for part in counts(data)) >= 1
    for split, part in keys(data).items():
        assert all(f"-{split}." in key for key in part)


def test_another_label(root):
    name = "tfds:tiny_shapes/train_test"
    data = load(name, data_dir=root, short_side=12, label="size")
    assert data.class_names == ["0", "1"]
    assert counts(data)[2] == [5, 4]
    with pytest.raises(ValueError, match=r"\['label', 'size'\].*label='kind'"):
        load(name, data_dir=root, short_side=12, label="kind")


def test_files_are_enough(root, tmp_path):
    """Of a data set whose code is elsewhere."""
    name = "tfds:tiny_shapes/train_test"
    data = load(name, data_dir=root, short_side=12)
    (tmp_path / "elsewhere").symlink_to(root / "tiny_shapes")
    same = load("tfds:elsewhere/train_test", data_dir=tmp_path, short_side=12)
    assert same.fingerprint() == data.fingerprint()


def test_pixels_are_decoded_as_in_a_prediction(root):
    data = load("tfds:tiny_shapes/all", data_dir=root, short_side=20)
    builder = tfds.builder("tiny_shapes/all", data_dir=root)
    row = next(
        iter(
            tfds.as_numpy(
                builder.as_dataset(
                    split="test", decoders={"image": tfds.decode.SkipDecoding()}
                )
            )
        )
    )
    np.testing.assert_array_equal(
        data.test.image(0), read_image(row["image"], 20)
    )


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("tiny_shapez", "Received: tiny_shapez.*Fix: tiny_shapes"),
        ("tiny_shapes/other", "tiny_shapes/other.*BuilderConfig other"),
        ("tiny_shapes/all:2.0.0", "all:2.0.0.*only: 1.0.0"),
        ("tiny shapes", "'tfds:tiny shapes'.*Fix: such as tfds:beans"),
        ("tiny_shapes/test", "train split with labels.*tiny_shapes.*test"),
        ("tiny_shapes/partly_secret", "have a label, or none.*train split"),
    ],
)
def test_data_sets_that_cannot_be_used(root, name, match):
    with pytest.raises(ValueError, match=f"(?s){match}"):
        load(f"tfds:{name}", data_dir=root, short_side=12)


def builder_of(features, supervised=None):
    info = types.SimpleNamespace(features=features, supervised_keys=supervised)
    return types.SimpleNamespace(name="some_set", info=info)


IMAGE = tfds.features.Image(shape=(None, None, 3))
LABEL = tfds.features.ClassLabel(num_classes=2)


@pytest.mark.parametrize(
    ("features", "supervised"),
    [
        ({"picture": IMAGE, "style": LABEL, "other": np.int64}, None),
        (
            {"picture": IMAGE, "more": IMAGE, "style": LABEL, "b": LABEL},
            ("picture", "style"),
        ),
        # What is supervised may be no class.
        ({"picture": IMAGE, "style": LABEL, "x": np.int64}, ("picture", "x")),
    ],
)
def test_features_are_found(features, supervised):
    features = tfds.features.FeaturesDict(features)
    found = find_features(builder_of(features, supervised))
    assert (found.image, found.label) == ("picture", "style")
    assert found.key == TFDS_ID and found.group is None


@pytest.mark.parametrize(
    ("features", "match"),
    [
        ({"image": IMAGE}, r"images \['image'\] and the class labels \[\]\."),
        ({"label": LABEL}, r"images \[\] and"),
        ({"image": IMAGE, "label": np.int64}, r"labels \[\]"),
        ({"image": IMAGE, "a": LABEL, "b": LABEL}, r"\['a', 'b'\].*`label`"),
        (
            {"image": IMAGE, "labels": tfds.features.Sequence(LABEL)},
            r"class labels \[\]",
        ),
        (
            {
                "image": tfds.features.Image(shape=(2, 2, 1), dtype=np.float32),
                "label": LABEL,
            },
            r"images \[\]",
        ),
    ],
)
def test_what_is_no_classification(features, match):
    features = tfds.features.FeaturesDict(features)
    with pytest.raises(ValueError, match=f"some_set.*{match}"):
        find_features(builder_of(features))


def test_features_that_are_no_dict():
    with pytest.raises(ValueError, match=r"images \[\]"):
        find_features(builder_of(IMAGE))
