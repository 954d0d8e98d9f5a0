"""Pictures for a page: embedded JPEG, attention laid over them."""

import base64
import dataclasses
import io

import numpy as np
from PIL import Image

from keras_artkd.plots import attention_overlay
from keras_artkd.report.run import damaged

_OVERLAY_SIDE = 112


@dataclasses.dataclass(frozen=True)
class AttentionRow:
    """One picture and where networks look in it.

    Attributes:
        row: int, the test image.
        true, predicted: names of its class and of the student's answer.
        picture: uint8 `(side, side, 3)`, what the networks see of it.
        overlays: a dict of mapping -> uint8 `(side, side, 3)` a role.
    """

    row: int
    true: str
    predicted: str
    picture: np.ndarray
    overlays: list[dict[str, np.ndarray]]


def read_thumbnail(path, square=False, zoom=1.0):
    """Reads a thumbnail, uint8 `(height, width, 3)`.

    Args:
        path: of a JPEG.
        square: whether to take the central square alone.
        zoom: float >= 1, how much of the square's margin to leave out.

    Raises:
        RunError: if it is no picture.
    """
    try:
        with Image.open(path) as image:
            image = image.convert("RGB")
    except OSError as error:
        raise damaged(path, "it cannot be decoded") from error
    if square:
        side = min(image.size)
        inner = max(1, round(side / zoom))
        left, top = ((length - inner) // 2 for length in image.size)
        image = image.crop((left, top, left + inner, top + inner))
        image = image.resize((160, 160), Image.Resampling.LANCZOS)
    return np.asarray(image)


def attention_grid(run):
    """Pictures with the attention of every network and mapping over them.

    Returns:
        list of `AttentionRow`, None where the run has nothing to show.
    """
    if run.attention is None or not run.logits:
        return None
    predictions = run.logits["student"].argmax(axis=1)
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


def _zoom(run):
    """How much larger the resized picture is than what networks see."""
    short_side = run.data.get("load", {}).get("short_side")
    return max(1.0, (short_side or 0) / run.config["image_size"])


def data_uri(pixels, quality=80):
    """A picture as a JPEG inside an address."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="JPEG", quality=quality)
    return _uri(stream.getvalue())


def file_uri(path):
    """A JPEG file as it is inside an address."""
    return _uri(path.read_bytes())


def _uri(content):
    return "data:image/jpeg;base64," + base64.b64encode(content).decode()
