"""Archives of paintings, prepared and loaded, traps and all."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow_datasets as tfds

from keras_artkd.datasets import load
from keras_artkd.datasets.archives.prepared import prepare_paintings
from keras_artkd.datasets.archives.wikiart import wikiart_dataset_builder
from tests.datasets.archives import make_wikiart

SPLITS = ("train", "validation", "test")


def keys(data):
    return {name: set(getattr(data, name).keys.tolist()) for name in SPLITS}


def test_load(archive, cache):
    options = {
        "data_dir": archive("wikiart"),
        "cache_dir": cache,
        "short_side": 16,
    }
    data = load("wikiart", **options)
    assert data.class_names == ["Art_Nouveau_Modern", "Baroque", "Cubism"]
    sizes = [len(part) for part in keys(data).values()]
    assert sum(sizes) == 53 and np.abs(np.subtract(sizes, [37, 8, 8])).max() < 3
    assert (data.test.sizes.min(axis=1) == 16).all()
    part = load("wikiart", limit=20, **options)
    assert sum(map(len, keys(part).values())) == 20
    assert np.bincount(part.train.labels).min() >= 4
    assert all(keys(part)[name] < keys(data)[name] for name in SPLITS)
    apart = load("wikiart", group="artist", **options)
    groups = [set(apart.groups[name]) for name in SPLITS]
    assert not groups[0] & (groups[1] | groups[2])
    assert not groups[1] & groups[2]
    with pytest.raises(ValueError, match="official=True"):
        load("wikiart", group="artist", official=True, **options)


def rows_of(builder):
    """Dict split -> dict filename -> example, images undecoded."""
    return {
        split: {
            row["filename"].decode(): row
            for row in tfds.as_numpy(
                builder.as_dataset(
                    split=split,
                    decoders={"image": tfds.decode.SkipDecoding()},
                )
            )
        }
        for split in ("train", "validation", "test")
    }


@pytest.mark.parametrize("protocol", ["random", "artist", "official"])
def test_wikiart_prepared(archive, cache, protocol):
    wikiart = archive("wikiart")
    builder = prepare_paintings("wikiart", wikiart, protocol, 0, cache)
    rows = rows_of(builder)
    assert builder.info.features["label"].num_classes == 27
    keys = [set(part) for part in rows.values()]
    assert not (keys[0] & keys[1] or keys[0] & keys[2] or keys[1] & keys[2])
    why = {
        item["key"]: item["reason"]
        for item in json.loads((builder.data_path / "skipped.json").read_text())
    }
    broken = "Baroque/rembrandt_woman-standing-with-raised-hands.jpg"
    assert "cannot be decoded" in why[broken]
    assert "in no csv" in why["Cubism/unlisted_work.jpg"]
    copy = "Baroque/copy_x.jpg"
    original = "Cubism/artist-4_work-a.y.-16(1).jpg"
    if protocol == "official":
        assert len(rows["test"]) == 15
        assert "official test" in why[copy]
        assert sum(map(len, rows.values())) == 15 + 37
        assert 4 <= len(rows["validation"]) <= 8
    else:
        assert "label conflicts" in why.get(copy, "") + why.get(original, "")
        assert sum(map(len, rows.values())) == 53
        at = [copy in part for part in rows.values()]
        assert at == [original in part for part in rows.values()]
    if protocol == "artist":
        artists = [
            {row["artist"] for row in part.values()} for part in rows.values()
        ]
        assert not artists[0] & artists[1]
        assert not artists[0] & artists[2]
        assert not artists[1] & artists[2]
    everything = {**rows["train"], **rows["validation"], **rows["test"]}
    row = everything["Cubism/artist-1_work-a.y.-1(1).jpg"]
    assert row["label"] == 7 and row["artist"] == b"artist-1"
    # A small plain JPEG keeps its bytes.
    source = wikiart / "wikiart/Cubism/artist-1_work-a.y.-1(1).jpg"
    assert row["image"] == source.read_bytes()
    # TFDS itself decodes what was stored.
    example = next(iter(tfds.as_numpy(builder.as_dataset(split="train"))))
    assert example["image"].shape == (24, 30, 3)


def test_another_seed_is_another_split(archive, cache):
    first, second = (
        prepare_paintings("wikiart", archive("wikiart"), "random", seed, cache)
        for seed in (0, 1)
    )
    assert first.data_dir != second.data_dir
    assert set(rows_of(first)["test"]) != set(rows_of(second)["test"])


def times(builder):
    """When each file of the prepared data was written."""
    folder = pathlib.Path(builder.data_dir)
    return {path: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_another_folder_is_not_served_from_the_cache(tmp_path):
    wikiart = make_wikiart(tmp_path / "archive")
    arguments = ("wikiart", wikiart, "random", 0, tmp_path / "cache")
    before = prepare_paintings(*arguments)
    marks = times(before)
    again = prepare_paintings(*arguments)
    assert again.data_dir == before.data_dir
    assert times(again) == marks
    (wikiart / "wikiart/Baroque/artist-0_work-a.y.-0(1).jpg").unlink()
    after = prepare_paintings(*arguments)
    assert after.data_dir != before.data_dir
    assert sum(map(len, rows_of(after).values())) == 52


def test_too_few_images_for_three_splits(tmp_path, picture):
    for i in range(2):
        picture(tmp_path / f"a/wikiart/Baroque/a_{i}.jpg")
    with pytest.raises(ValueError, match="validation, test of 'wikiart' empty"):
        prepare_paintings(
            "wikiart", tmp_path / "a", "random", 0, tmp_path / "c"
        )


def test_multitask_class_names_survive_the_cache(archive, cache):
    name = "multitask_painting100k"
    for _ in range(2):  # Prepared, then read back.
        builder = prepare_paintings(name, archive(name), "official", 0, cache)
        assert builder.info.features["label"].names == [
            "Analytical\u00a0Realism",
            "Naïve Art (Primitivism)",
            "Perceptism",
        ]
    rows = rows_of(builder)
    assert set(rows["test"]) == {f"{i}.jpg" for i in range(33, 48)}


def test_unknown_protocol(archive):
    with pytest.raises(ValueError, match="random, artist.*official"):
        load("pandora18k", data_dir=archive("pandora18k"), official=True)


# What `tfds.testing.DatasetBuilderTestCase` would check, without the package
# `dill` that importing it needs and TFDS does not bring.
@pytest.mark.parametrize(
    "name, citation, counts",
    [
        ("wikiart", "Tan, Wei Ren", [37, 8, 8]),
        ("pandora18k", "Florea, Corneliu", [31, 7, 7]),
        ("multitask_painting100k", "Bianco, Simone", [34, 7, 7]),
    ],
)
def test_builders_are_complete(name, citation, counts, archive, cache):
    builder = prepare_paintings(name, archive(name), "random", 0, cache)
    assert builder.name == name
    assert name in tfds.core.registered.list_imported_builders()
    assert citation in builder.info.citation
    assert "by hand" in builder.info.description
    assert builder.info.homepage.startswith("http")
    tags = builder.get_metadata().tags
    assert "ml.task.image-classification" in tags
    assert set(tags) <= set(tfds.core.dataset_metadata.valid_tags())
    assert builder.info.supervised_keys == ("image", "label")
    sizes = [builder.info.splits[s].num_examples for s in rows_of(builder)]
    assert np.abs(np.subtract(sizes, counts)).max() <= 2
    assert sum(sizes) == sum(counts)
    image, label = next(
        iter(tfds.as_numpy(builder.as_dataset("test", as_supervised=True)))
    )
    assert image.dtype == np.uint8 and image.shape == (24, 30, 3)
    assert 0 <= label < builder.info.features["label"].num_classes


def test_tfds_says_how_to_get_a_missing_archive(tmp_path):
    builder = wikiart_dataset_builder.Builder(data_dir=tmp_path / "c")
    config = tfds.download.DownloadConfig(manual_dir=tmp_path / "absent")
    with pytest.raises(AssertionError, match="wikiart.zip"):
        builder.download_and_prepare(download_config=config)
