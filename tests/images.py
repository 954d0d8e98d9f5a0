"""Folders of images, one sub-folder a class."""

import numpy as np
from PIL import Image


def write_folder(path, each=12, classes=("blue", "red")):
    """Writes plain colours with noise, as many for each of the classes."""
    random = np.random.default_rng(0)
    for label, name in enumerate(classes):
        (path / name).mkdir(parents=True)
        for index in range(each):
            pixels = random.integers(0, 120, (40, 52, 3), dtype="uint8")
            pixels[..., 2 - label % 3] += 120
            Image.fromarray(pixels).save(path / name / f"{index}.png")
    return path
