"""Painted test images: smooth, as hashes of real pictures expect."""

import numpy as np
from PIL import Image


def paint(seed, size=(120, 100)):
    """A picture of soft blots; no two seeds look alike."""
    blots = np.random.default_rng(seed).integers(0, 256, (7, 6, 3), "uint8")
    return Image.fromarray(blots).resize(size, Image.Resampling.BICUBIC)


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
