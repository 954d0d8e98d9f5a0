"""One painting: a scene in a style, in the light of a room."""

import numpy as np
from PIL import Image

from keras_artkd.datasets.atelier import brushes as b
from keras_artkd.datasets.atelier.scene import raster_of
from keras_artkd.datasets.atelier.styles import RENDERERS, STYLES
from keras_artkd.types import Array


def paint(scene_seed: int, style: str, size: int = 128, seed: int = 0) -> Array:
    """Paints one scene in one style.

    The same arguments give the same bytes in every process, whatever was
    painted before. Only another processor or another release of NumPy or
    Pillow may round a sine differently, which moves single pixels.

    Args:
        scene_seed: int >= 0, number of the scene; see
            `scene.Scene.from_seed`.
        style: one of `STYLES`.
        size: width and height in pixels, at least 16.
        seed: int >= 0; another seed paints the same scene again, differently.

    Returns:
        uint8 `(size, size, 3)`, RGB.

    Raises:
        ValueError: for an unknown style, or numbers out of range.

    Example:
        >>> from keras_artkd.datasets import atelier
        >>> atelier.paint(3, "impressionism", size=64).shape
        (64, 64, 3)
    """
    if style not in RENDERERS:
        raise ValueError(
            f"`style` must be one of {', '.join(STYLES)}. "
            f"Received: style={style!r}."
        )
    if not isinstance(size, (int, np.integer)) or size < 16:
        raise ValueError(
            "`size` must be an integer of at least 16. "
            f"Received: size={size!r}."
        )
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(
            f"`seed` must be an integer >= 0. Received: seed={seed!r}."
        )
    # Painted larger and shrunk, so that strokes have smooth sides. Small
    # pictures need a canvas on which a stroke is several pixels wide.
    canvas = int(size) * max(2, -(-128 // int(size)))
    raster = raster_of(scene_seed, canvas)
    rng = np.random.Generator(
        np.random.PCG64([seed, scene_seed, STYLES.index(style)])
    )
    image = _hang(RENDERERS[style](raster, rng), rng)
    pixels = (np.clip(image, 0, 1) * 255 + 0.5).astype("uint8")
    return np.asarray(Image.fromarray(pixels).reduce(canvas // int(size)))


def _hang(image: Array, rng: np.random.Generator) -> Array:
    """Applies the light of a room: exposure, contrast, white balance.

    It is drawn alike for all styles, so that mean colours say less about the
    style.
    """
    image = np.clip(image, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.22)))
    image = b.saturate(image, rng.uniform(0.75, 1.2))
    balance = rng.normal(1, 0.05, 3).astype("float32")
    middle = image.mean()
    contrast = rng.uniform(0.75, 1.1)
    return (middle + (image - middle) * contrast) * balance
