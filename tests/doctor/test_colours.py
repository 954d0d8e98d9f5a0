import numpy as np
import pytest
from PIL import ImageEnhance

from keras_artkd.doctor.colours import alike, colours
from tests.doctor.pictures import lit, paint, shift, turn_hue

RED, GREY_GREEN, BLUE = (190, 45, 40), (118, 128, 112), (40, 60, 170)


def compared(first, second, flat):
    """Whether two pictures are alike; it does not matter which is first."""
    one, two = (colours(np.asarray(i))[None] for i in (first, second))
    forth, back = (
        alike(a, b, np.array([flat])) for a, b in ((one, two), (two, one))
    )
    assert forth == back
    return bool(forth[0])


def test_colours_are_means_of_blocks():
    pixels = np.asarray(paint(0))
    blocks = pixels[:100, :120].reshape(4, 25, 4, 30, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(colours(pixels), blocks, atol=1)


@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize(
    "first, second",
    [(RED, GREY_GREEN), (RED, BLUE), ((40,) * 3, (160,) * 3)],
    ids=["red and grey-green", "red and blue", "black and grey"],
)
def test_monochromes_of_other_colours(first, second, flat):
    assert not compared(lit(first), lit(second), flat)


@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("colour", [RED, GREY_GREEN, (128,) * 3])
def test_monochromes_of_one_colour(colour, flat):
    assert compared(lit(colour), shift(lit(colour), 4, 0, -4), flat)


def test_black_and_white_is_as_light_as_the_picture():
    picture = paint(0)
    grey = picture.convert("L").convert("RGB")
    assert compared(picture, grey, False)
    assert not compared(picture, shift(grey, 40, 40, 40), False)
    assert not compared(picture, grey, True)


def test_of_flat_pictures_the_colour_must_be_the_same():
    """Of others it may be darker or paler."""
    picture = paint(0)
    for change in (ImageEnhance.Brightness, ImageEnhance.Color):
        changed = change(picture).enhance(0.7)
        assert compared(picture, changed, False)
    darker = ImageEnhance.Brightness(lit(RED)).enhance(0.7)
    assert not compared(lit(RED), darker, True)


@pytest.mark.parametrize(
    "degrees, same", [(8, True), (60, False), (120, False)]
)
def test_hues(degrees, same):
    for seed in range(10):
        turned = turn_hue(paint(seed), degrees)
        assert compared(paint(seed), turned, False) == same
