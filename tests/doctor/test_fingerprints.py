import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from keras_artkd.doctor.colours import colours
from keras_artkd.doctor.fingerprints import (
    SIMILAR,
    near_pairs,
    plain,
    similarity,
    thumbnail,
)
from tests.doctor.pictures import paint, shift, turn_hue

NUMBER = 60


def thumbnails(images):
    return np.stack([thumbnail(np.asarray(image)) for image in images])


def prints(images):
    """What pairs are found by: thumbnails and colours."""
    blocks = np.stack([colours(np.asarray(image)) for image in images])
    return thumbnails(images), blocks


def jpeg(image, quality):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def cropped(image, left, top, right, bottom):
    width, height = image.size
    return image.crop(
        (
            round(left * width),
            round(top * height),
            round((1 - right) * width),
            round((1 - bottom) * height),
        )
    )


COPIES = {
    "jpeg": lambda image: jpeg(image, 50),
    "half": lambda image: image.resize((image.width // 2, image.height // 2)),
    "cropped": lambda image: cropped(image, 0.03, 0.03, 0.03, 0.03),
    "one side": lambda image: cropped(image, 0.03, 0, 0, 0.02),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "flatter": lambda image: ImageEnhance.Contrast(image).enhance(0.6),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "stretched": lambda image: image.resize((image.width * 2, image.height)),
    "drifted": lambda image: shift(image, 6, 0, -6),
    "faded": lambda image: ImageEnhance.Color(image).enhance(0.6),
}


@pytest.fixture(scope="module")
def paintings():
    return [paint(seed) for seed in range(NUMBER)]


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
def test_copies_are_found_and_nothing_else(paintings, change):
    copies = [change(image) for image in paintings]
    pairs, similarities, mirrored = near_pairs(*prints(paintings + copies))
    expected = [[i, i + NUMBER] for i in range(NUMBER)]
    assert pairs.tolist() == expected
    assert (similarities >= SIMILAR).all() and (similarities <= 1.001).all()
    assert not mirrored.any()


@pytest.mark.parametrize(
    "change", [COPIES[name] for name in ("jpeg", "cropped", "darker", "grey")]
)
def test_mirror_images_are_found_and_named(paintings, change):
    copies = [change(ImageOps.mirror(image)) for image in paintings]
    pairs, similarities, mirrored = near_pairs(*prints(paintings + copies))
    assert pairs.tolist() == [[i, i + NUMBER] for i in range(NUMBER)]
    assert (similarities >= SIMILAR).all() and mirrored.all()


def test_a_symmetric_picture_is_not_its_mirror_image(paintings):
    """Its copy is nearly the mirror image as well."""
    symmetric = [
        Image.blend(Image.blend(image, ImageOps.mirror(image), 0.5), image, 0.2)
        for image in paintings
    ]
    copies = [jpeg(image, 50) for image in symmetric]
    first, second = thumbnails(symmetric), thumbnails(copies)
    assert (similarity(first[:, :, ::-1], second) >= SIMILAR).any()
    pairs, _, mirrored = near_pairs(*prints(symmetric + copies))
    assert pairs.tolist() == [[i, i + NUMBER] for i in range(NUMBER)]
    assert not mirrored.any()


def test_a_symmetric_frame_is_no_mirror_image(paintings):
    """Pictures of it are alike, either way round."""
    down, across = np.mgrid[-1:1:100j, -1:1:120j]
    disc = Image.fromarray((across**2 + down**2 < 0.8).astype("uint8") * 255)
    white = Image.new("RGB", (120, 100), "white")
    brown = Image.new("RGB", (120, 100), (70, 50, 40))
    framed = [
        Image.composite(Image.blend(brown, image, 0.25), white, disc)
        for image in paintings
    ]
    grey = thumbnails(framed)
    assert (similarity(grey[:-1, :, ::-1], grey[1:]) >= SIMILAR).all()
    _, _, mirrored = near_pairs(*prints(framed))
    assert not mirrored.any()


@pytest.mark.parametrize(
    "change",
    [
        ImageOps.invert,
        ImageOps.flip,
        lambda image: turn_hue(image, 60),
        lambda image: turn_hue(image, 180),
        lambda image: Image.merge("RGB", image.split()[::-1]),
    ],
    ids=["negative", "upside down", "hue", "opposite hue", "blue for red"],
)
def test_what_is_no_copy(paintings, change):
    changed = [change(image) for image in paintings]
    pairs, _, _ = near_pairs(*prints(paintings + changed))
    assert len(pairs) == 0


def test_similarity_is_a_symmetric_correlation(paintings):
    first = thumbnails(paintings)
    second = np.roll(first, 1, axis=0)
    np.testing.assert_allclose(similarity(first, first), 1, atol=1e-5)
    forth, back = similarity(first, second), similarity(second, first)
    np.testing.assert_allclose(forth, back, atol=1e-6)
    # Over the whole of both, without a crop, computed from its definition.
    edges = [
        [np.diff(grey, axis=axis).ravel() for axis in (0, 1)]
        for grey in (
            pair.astype("float64").reshape(16, 2, 16, 2).mean((1, 3))
            for pair in (first[0], second[0])
        )
    ]
    one, two = (np.concatenate(both) for both in edges)
    whole = one @ two / np.linalg.norm(one) / np.linalg.norm(two)
    assert whole - 1e-5 <= forth[0] < SIMILAR


def test_plain_pictures_are_in_no_pair(paintings):
    rng = np.random.default_rng(0)
    noise = rng.integers(126, 130, (3, 40, 40, 3), "uint8")
    flat = [np.full((40, 40, 3), level, "uint8") for level in (0, 255, 255)]
    all_plain, blocks = prints([*flat, *noise])
    assert plain(all_plain).all()
    assert not plain(thumbnails(paintings)).any()
    pairs, _, _ = near_pairs(
        np.concatenate([all_plain, all_plain]), np.concatenate([blocks, blocks])
    )
    assert len(pairs) == 0
    assert np.isfinite(similarity(all_plain, all_plain)).all()


def test_no_thumbnails():
    nothing = np.empty((0, 32, 32), "uint8"), np.empty((0, 4, 4, 3), "uint8")
    pairs, similarities, mirrored = near_pairs(*nothing)
    assert pairs.shape == (0, 2) and similarities.shape == (0,)
    assert mirrored.shape == (0,)
