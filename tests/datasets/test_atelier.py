import os
import runpy
import sys
import unittest

import numpy as np
import pytest
import tensorflow_datasets as tfds

from keras_artkd.datasets import atelier
from keras_artkd.datasets.atelier import atelier_dataset_builder, scene
from keras_artkd.datasets.atelier.splits import split_scenes

NUM_STYLES = len(atelier.STYLES)
FEW = atelier_dataset_builder.AtelierConfig(
    name="few", description="for these tests", scenes=4, size=16
)


@pytest.fixture(scope="module")
def gallery():
    """Scenes 0 ... 23 in every style: images, labels, scene numbers."""
    return atelier.generate(24, 32)


def test_same_arguments_give_the_same_bytes():
    first = [atelier.paint(5, style, 32) for style in atelier.STYLES]
    # Painting something else in between must not matter.
    atelier.paint(6, "cubism", 48)
    scene.raster_of.cache_clear()
    second = [atelier.paint(5, style, 32) for style in reversed(atelier.STYLES)]
    np.testing.assert_array_equal(first, second[::-1])


def test_any_number_of_threads_gives_the_same_arrays():
    one = atelier.generate([4, 1, 7], 16, processes=1)
    three = atelier.generate([4, 1, 7], 16, processes=3)
    for expected, array in zip(one, three, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_another_process_paints_the_same_bytes(monkeypatch):
    here = atelier.generate([9, 2], 32, seed=2, processes=1)
    module = sys.modules[atelier.generate.__module__]
    monkeypatch.setattr(module, "_SCENES_WORTH_PROCESSES", 1)
    monkeypatch.setattr(module, "_MIN_PROCESSES", 1)
    # Another hash seed, for code that leans on the order of sets.
    monkeypatch.setenv("PYTHONHASHSEED", "77")
    there = atelier.generate([9, 2], 32, seed=2, processes=1)
    for expected, array in zip(here, there, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_every_scene_exists_in_every_style(gallery):
    images, labels, scenes = gallery
    assert images.shape == (24 * NUM_STYLES, 32, 32, 3)
    assert (images.dtype, labels.dtype, scenes.dtype) == (
        np.uint8,
        np.int32,
        np.int32,
    )
    pairs = set(zip(scenes.tolist(), labels.tolist(), strict=True))
    assert pairs == {(s, k) for s in range(24) for k in range(NUM_STYLES)}


def test_generate_paints_what_paint_paints():
    images, labels, scenes = atelier.generate([11], 32, seed=3)
    for image, label, number in zip(images, labels, scenes, strict=True):
        expected = atelier.paint(number, atelier.STYLES[label], 32, seed=3)
        np.testing.assert_array_equal(image, expected)


def test_no_two_paintings_are_alike(gallery):
    images = gallery[0].reshape(len(gallery[0]), -1).astype("float32")
    squares = (images**2).sum(axis=1)
    distance = squares[:, None] + squares - 2 * images @ images.T
    np.fill_diagonal(distance, np.inf)
    root_mean_square = np.sqrt(distance.min() / images.shape[1])
    assert root_mean_square > 5, "levels of 255 between the nearest two"


def test_another_seed_paints_the_scene_anew():
    first = atelier.paint(3, "impressionism", 32, seed=0)
    assert (first != atelier.paint(3, "impressionism", 32, seed=1)).any()


def test_a_scene_is_the_same_for_every_style():
    first, second = scene.Scene.from_seed(12), scene.Scene.from_seed(12)
    assert first.subject == second.subject == atelier.SUBJECTS[12 % 8]
    for one, other in zip(first.shapes, second.shapes, strict=True):
        np.testing.assert_array_equal(one.points, other.points)
        assert one.colour == other.colour


@pytest.mark.parametrize("number", range(8))
def test_rasters_are_finite_and_in_range(number):
    raster = scene.Scene.from_seed(number).raster(64)
    for name in ("colour", "lit", "edge", "depth", "backdrop"):
        field = getattr(raster, name)
        assert field.shape[:2] == (64, 64)
        assert 0 <= field.min() and field.max() <= 1, name
    assert np.isfinite(raster.angle).all()
    assert raster.region.max() < len(raster.shapes)


def test_colour_alone_does_not_tell_the_style(gallery):
    """Ridge regression on channel means and spreads stays far from perfect."""
    images, labels, scenes = gallery
    pixels = images.reshape(len(images), -1, 3) / 255.0
    features = np.concatenate([pixels.mean(axis=1), pixels.std(axis=1)], axis=1)
    train = scenes % 3 > 0
    mean, spread = features[train].mean(axis=0), features[train].std(axis=0)
    features = (features - mean) / spread
    features = np.concatenate([features, np.ones((len(features), 1))], axis=1)
    gram = features[train].T @ features[train] + 0.01 * np.eye(7)
    targets = np.eye(NUM_STYLES)[labels[train]]
    weights = np.linalg.solve(gram, features[train].T @ targets)
    guess = (features[~train] @ weights).argmax(axis=1)
    accuracy = (guess == labels[~train]).mean()
    assert 1 / NUM_STYLES < accuracy < 0.5


def test_splits_share_no_scene():
    splits = split_scenes(240)
    assert {k: len(v) for k, v in splits.items()} == {
        "train": 168,
        "validation": 36,
        "test": 36,
    }
    assert sorted(sum(splits.values(), [])) == list(range(240))
    assert all(split_scenes(4).values())


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="art_nouveau, .*Received: .*'rococo'"):
        atelier.paint(0, "rococo")
    with pytest.raises(ValueError, match="`size`.*Received: size=8"):
        atelier.paint(0, "cubism", size=8)
    with pytest.raises(ValueError, match="`size`.*Received: size=32.5"):
        atelier.paint(0, "cubism", size=32.5)
    with pytest.raises(ValueError, match="`seed`.*Received: seed=-1"):
        atelier.paint(0, "cubism", size=32, seed=-1)
    with pytest.raises(ValueError, match="scene.*Received: seed=-3"):
        atelier.paint(-3, "cubism", size=32)
    with pytest.raises(ValueError, match="`scenes`.*Received: scenes="):
        atelier.generate(0, 32)
    with pytest.raises(ValueError, match="`processes`.*Received: processes=0"):
        atelier.generate(1, 32, processes=0)
    with pytest.raises(ValueError, match="at least one scene"):
        atelier.contact_sheet([])
    with pytest.raises(ValueError, match="at least 4.*Received: scenes=3"):
        atelier_dataset_builder.AtelierConfig(name="few", scenes=3)


def test_contact_sheet_shows_every_painting():
    sheet = atelier.contact_sheet([0, 1], 32, ["cubism", "baroque"])
    pixels = np.asarray(sheet)
    corner = pixels[-34:-2, -34:-2]
    np.testing.assert_array_equal(corner, atelier.paint(1, "baroque", 32))


def test_command_writes_a_sheet(tmp_path, monkeypatch):
    path = tmp_path / "sheet.png"
    argv = ["atelier", str(path), "--scenes", "2", "--size", "16"]
    monkeypatch.setattr(sys, "argv", argv)
    runpy.run_module("keras_artkd.datasets.atelier", run_name="__main__")
    assert path.stat().st_size > 1000


def test_builder_passes_the_checks_of_tfds():
    pytest.importorskip("dill", reason="tfds.testing needs dill")

    class Few(atelier_dataset_builder.Builder, skip_registration=True):
        name = "atelier"
        BUILDER_CONFIGS = [FEW]

    class AtelierTest(tfds.testing.DatasetBuilderTestCase):
        DATASET_CLASS = Few
        # There is nothing to download: any folder will do.
        EXAMPLE_DIR = os.path.dirname(__file__)
        SPLITS = {
            "train": 2 * NUM_STYLES,
            "validation": NUM_STYLES,
            "test": NUM_STYLES,
        }

    suite = unittest.defaultTestLoader.loadTestsFromTestCase(AtelierTest)
    result = unittest.TestResult()
    suite.run(result)
    assert result.testsRun and result.wasSuccessful(), (
        result.failures + result.errors
    )


def test_builder_writes_disjoint_splits(tmp_path):
    builder = atelier_dataset_builder.Builder(config=FEW, data_dir=tmp_path)
    builder.download_and_prepare()
    assert builder.name == "atelier"
    assert builder.info.features["label"].names == list(atelier.STYLES)
    groups = {}
    for split, scenes in split_scenes(4).items():
        examples = list(tfds.as_numpy(builder.as_dataset(split)))
        groups[split] = {example["group"].decode() for example in examples}
        assert groups[split] == {f"scene-{n:06d}" for n in scenes}
        assert len(examples) == len(scenes) * NUM_STYLES
    example = examples[0]
    expected = atelier.paint(
        int(example["group"].decode()[-6:]),
        atelier.STYLES[example["label"]],
        16,
    )
    np.testing.assert_array_equal(example["image"], expected)
    assert not groups["train"] & (groups["validation"] | groups["test"])
