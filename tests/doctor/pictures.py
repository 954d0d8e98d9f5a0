"""Painted test images: smooth, as hashes of real pictures expect."""

import numpy as np
from PIL import Image


def paint(seed, size=(120, 100)):
    """A picture of soft blots; no two seeds look alike."""
    blots = np.random.default_rng(seed).integers(0, 256, (7, 6, 3), "uint8")
    return Image.fromarray(blots).resize(size, Image.Resampling.BICUBIC)


def lit(colour, size=(120, 100)):
    """A canvas of one colour, in the light of a lamp; brush strokes show.

    Args:
        colour: three numbers, 0 to 255.
    """
    strokes = paint(99, size).convert("L")
    width, height = size
    down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light = 0.95 - 0.2 * (across**2 + (down - 0.4) ** 2)
    light += 0.1 * (np.asarray(strokes) / 255 - 0.5)
    pixels = light[..., None] * np.array(colour)
    return Image.fromarray(np.clip(pixels, 0, 255).astype("uint8"))


def turn_hue(image, degrees):
    """The same picture in other colours, which are as light."""
    pixels = np.asarray(image.convert("YCbCr")).astype("float32")
    turn = np.exp(1j * np.deg2rad(degrees))
    colour = ((pixels[..., 1] - 128) + 1j * (pixels[..., 2] - 128)) * turn
    # Less of it, or what leaves the range would be cut off and darker.
    pixels[..., 1:] = 128 + 0.7 * np.stack([colour.real, colour.imag], -1)
    turned = Image.fromarray(np.rint(pixels).astype("uint8"), "YCbCr")
    return turned.convert("RGB")


def shift(image, red, green, blue):
    """The same picture, its white balance off by a few grey levels."""
    pixels = np.asarray(image).astype(int) + (red, green, blue)
    return Image.fromarray(np.clip(pixels, 0, 255).astype("uint8"))


def save(image, path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def make_healthy(root, classes=("Baroque", "Rococo"), number=4):
    """Class folders of different pictures."""
    for seed, (name, i) in enumerate(
        (name, i) for name in classes for i in range(number)
    ):
        save(paint(seed), root / name / f"{i}.png")
    return root
