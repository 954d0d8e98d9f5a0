"""Pictures of known content, encoded."""

import io

import numpy as np
from PIL import Image

# Noise, because damage must be where the decoder still reads.
NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype="uint8")


def smooth(height, width, seed=0):
    """Pixels without fine detail, which JPEG keeps within a few levels."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 5, 3), dtype="uint8")
    image = Image.fromarray(coarse).resize((width, height), Image.BICUBIC)
    return np.array(image)


def encoded(image, image_format, **options):
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def difference(a, b):
    return np.abs(np.asarray(a, "int32") - np.asarray(b, "int32"))
