"""Pictures made square: cropped, stretched or padded."""

import numpy as np
import pytest
from PIL import Image

from keras_artkd.data.images import fit_square, read_image
from keras_artkd.datasets import load


def picture(height, width):
    """Three bands side by side: red, green and blue."""
    colours = np.repeat(np.eye(3, dtype="uint8") * 255, width // 3, axis=0)
    return np.broadcast_to(colours, (height, *colours.shape)).copy()


def test_stretched_all_is_seen():
    square = fit_square(picture(30, 60), "stretch")
    assert square.shape == (30, 30, 3)
    middles = square[15, [4, 15, 25]]
    np.testing.assert_array_equal(middles, np.eye(3, dtype="uint8") * 255)


def test_padded_all_is_seen_and_keeps_its_shape():
    square = fit_square(picture(30, 60), "pad")
    assert square.shape == (30, 30, 3)
    # 30 of 60 rows are the picture, in the middle.
    assert not square[:6].any() and not square[24:].any()
    middles = square[15, [4, 15, 25]]
    np.testing.assert_array_equal(middles, np.eye(3, dtype="uint8") * 255)
    upright = fit_square(picture(30, 60).swapaxes(0, 1), "pad")
    # Pillow rounds after the columns, then after the rows.
    np.testing.assert_allclose(upright, square.swapaxes(0, 1), atol=16)


@pytest.mark.parametrize("fit", ["crop", "stretch", "pad"])
def test_what_is_square_stays(fit):
    pixels = picture(30, 30)
    assert fit_square(pixels, fit) is pixels


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("fitting")
    random = np.random.default_rng(0)
    for i in range(20):
        (root / "ab"[i % 2]).mkdir(exist_ok=True)
        pixels = random.integers(0, 255, (40, 50 + i, 3), "uint8")
        Image.fromarray(pixels).save(root / "ab"[i % 2] / f"{i}.png")
    return root


def test_splits_do_not_depend_on_it(folder):
    loaded = {
        fit: load("folder", folder, short_side=24, fit=fit)
        for fit in ("crop", "stretch", "pad")
    }
    for name in ("train", "validation", "test"):
        stores = {fit: getattr(data, name) for fit, data in loaded.items()}
        for fit, store in stores.items():
            assert store.keys.tolist() == stores["crop"].keys.tolist()
            assert store.labels.tolist() == stores["crop"].labels.tolist()
            if fit != "crop":
                assert (store.sizes == 24).all()
                expected = fit_square(
                    read_image(folder / store.keys[0], 24), fit
                )
                np.testing.assert_array_equal(store.image(0), expected)
    assert len({data.fingerprint() for data in loaded.values()}) == 3


def test_errors(folder, tmp_path):
    with pytest.raises(ValueError, match="must be one of crop, stretch, pad"):
        load("folder", folder, fit="squeeze")
    with pytest.raises(ValueError, match="resized in memory.*short_side=None"):
        load("folder", folder, short_side=None, fit="pad")
