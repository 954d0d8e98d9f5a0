"""Pictures made of noise at several scales."""

import io

import numpy as np
from PIL import Image


def picture(height, width, seed):
    """uint8 `(height, width, 3)`, no two alike."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), "float32")
    for scale, share in ((32, 0.6), (8, 0.3), (2, 0.1)):
        shape = (height // scale + 1, width // scale + 1, 3)
        noise = Image.fromarray(random.integers(0, 256, shape, "uint8"))
        size = (width, height)
        noise = noise.resize(size, Image.Resampling.BILINEAR)
        total += share * np.asarray(noise, "float32")
    return total.astype("uint8")


def jpeg(pixels, quality=90):
    """The bytes of a JPEG."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return stream.getvalue()
