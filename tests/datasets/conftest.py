"""Small pictures, no two alike, for generated data sets."""

import hashlib

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def picture():
    """Function that writes a small JPEG, its content decided by a seed."""

    def write(path, seed=None, size=(24, 30)):
        if seed is None:
            seed = int(hashlib.md5(str(path).encode()).hexdigest()[:8], 16)
        rng = np.random.default_rng(seed)
        pixels = rng.integers(0, 256, (*size, 3), dtype="uint8")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, "JPEG", quality=85)
        return path

    return write
