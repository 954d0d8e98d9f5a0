"""Pictures for a page: embedded JPEGs, with attention maps over them."""

import base64
import dataclasses
import io
import math
import pathlib

import matplotlib
import numpy as np
from PIL import Image

from keras_artkd.data.images import (
    UnreadableImage,
    decoded,
    opened,
    read_image,
)
from keras_artkd.report.run import STUDENT, Run, damaged
from keras_artkd.types import Array, Path

_OVERLAY_SIDE = 112


@dataclasses.dataclass(frozen=True)
class AttentionRow:
    """A picture and the attention of networks to its parts.

    Attributes:
        row: the row of the test image.
        true, predicted: names of its class and of the student's answer.
        picture: uint8 `(side, side, 3)`, the part that the networks see.
        overlays: for each role, mapping -> uint8 `(side, side, 3)`.
    """

    row: int
    true: str
    predicted: str
    picture: Array
    overlays: list[dict[str, Array]]


def read_thumbnail(
    path: pathlib.Path, square: bool = False, zoom: float = 1.0
) -> Array:
    """Reads a thumbnail, uint8 `(height, width, 3)`.

    Args:
        path: a JPEG file.
        square: whether to take the central square only.
        zoom: at least 1; the central `1 / zoom` of the square's side is
            taken.

    Raises:
        RunError: if the file is not a picture.
    """
    try:
        image = Image.fromarray(read_image(path, max_aspect=math.inf))
    except UnreadableImage as error:
        raise damaged(path, str(error)) from error
    if square:
        side = min(image.size)
        inner = max(1, round(side / zoom))
        left, top = ((length - inner) // 2 for length in image.size)
        image = image.crop((left, top, left + inner, top + inner))
        image = image.resize((160, 160), Image.Resampling.LANCZOS)
    return np.asarray(image)


def attention_grid(run: Run) -> list[AttentionRow] | None:
    """Pictures with the attention of every network and mapping over them.

    Returns:
        None if the run has nothing to show.
    """
    if run.attention is None or run.labels is None:
        return None
    predictions = run.logits[STUDENT].argmax(axis=1)
    names = run.class_names
    result = []
    for index, row in enumerate(run.attention.rows.tolist()):
        if row not in run.gallery:
            continue
        picture = read_thumbnail(run.gallery[row], square=True, zoom=_zoom(run))
        picture = np.asarray(
            Image.fromarray(picture).resize((_OVERLAY_SIDE, _OVERLAY_SIDE))
        )
        result.append(
            AttentionRow(
                row=row,
                true=names[run.labels[row]],
                predicted=names[predictions[row]],
                picture=picture,
                overlays=[
                    {
                        mapping: attention_overlay(picture, values[index])
                        for mapping, values in maps.items()
                    }
                    for maps in run.attention.maps.values()
                ],
            )
        )
    return result or None


def _zoom(run: Run) -> float:
    """The side of the resized picture over the side of the crop."""
    short_side = run.data.get("load", {}).get("short_side")
    crop = run.config.get("crop_size", run.config["image_size"])
    return max(1.0, (short_side or 0) / crop)


def attention_overlay(pixels: Array, attention: Array) -> Array:
    """Lays an attention map over a picture.

    Args:
        pixels: uint8 `(height, width, 3)`.
        attention: `(rows, columns)`, not negative; enlarged smoothly.

    Returns:
        uint8 `(height, width, 3)`: the picture in grey, warm where attention
        is high.
    """
    height, width = pixels.shape[:2]
    attention = np.maximum(np.asarray(attention, "float32"), 0)
    span = float(attention.max() - attention.min())
    heat = (attention - attention.min()) / span if span > 0 else 0 * attention
    enlarged = Image.fromarray(heat).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    heat = np.clip(np.asarray(enlarged), 0, 1)
    grey = np.asarray(Image.fromarray(pixels).convert("L"), "float32") / 255
    warm = matplotlib.colormaps["inferno"](heat)[..., :3]
    weight = 0.15 + 0.55 * heat[..., None]
    mixed = (1 - weight) * grey[..., None] + weight * warm
    return np.rint(255 * np.clip(mixed, 0, 1)).astype("uint8")


def thumbnail(path: Path, side: int) -> Array:
    """Reads a picture, its longer side at most so many pixels.

    Returns:
        uint8 `(height, width, 3)`; the aspect stays.

    Raises:
        UnreadableImage: if the file shows no picture.
    """
    with opened(path) as image, decoded(image, side) as pixels:
        small = pixels.copy()
        small.thumbnail((side, side))
        return np.asarray(small)


def jpeg(pixels: Array, quality: int = 80) -> bytes:
    """A picture as the bytes of a JPEG file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="JPEG", quality=quality)
    return stream.getvalue()


def data_uri(pixels: Array, quality: int = 80) -> str:
    """A picture as a JPEG in a data URI."""
    return _uri(jpeg(pixels, quality))


def file_uri(path: pathlib.Path) -> str:
    """A JPEG file, unchanged, in a data URI."""
    return _uri(path.read_bytes())


def _uri(content: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(content).decode()
