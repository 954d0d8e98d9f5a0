"""Classify pictures: python classify.py student.tflite PICTURE...

It needs `pip install ai-edge-litert numpy pillow` and nothing else, and answers
what `artkd predict` answers: the names of the classes, and what becomes of a
picture, are inside the file. Copy it, change it, and use it as you like.
"""

# SPDX-License-Identifier: MIT-0

import json
import os
import sys
import zipfile

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageChops

FORMATS = "JPEG PNG GIF WEBP BMP TIFF PPM JPEG2000 AVIF".split()
# Pillow refuses what has twice as many pixels.
Image.MAX_IMAGE_PIXELS = 150_000_000
# EXIF orientation -> the `Image.Transpose` that undoes it.
TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}


class Classifier:
    """A .tflite file; `classify` gives pairs of name and probability."""

    def __init__(self, path: str) -> None:
        with zipfile.ZipFile(path) as archive:
            self.info = json.loads(archive.read("keras_artkd.json"))
        self.model = Interpreter(path, num_threads=os.cpu_count())
        self.model.allocate_tensors()
        self.input = self.model.get_input_details()[0]
        self.output = self.model.get_output_details()[0]["index"]

    def classify(self, path: str) -> list[tuple[str, float]]:
        """The classes of a picture, the most probable first."""
        pixels = self.read(path)[None].astype(self.input["dtype"])
        self.model.set_tensor(self.input["index"], pixels)
        self.model.invoke()
        shares = self.model.get_tensor(self.output)[0].tolist()
        pairs = zip(self.info["class_names"], shares, strict=True)
        return sorted(pairs, key=lambda pair: -pair[1])

    def read(self, path: str) -> np.ndarray:
        """The pixels that the network sees, uint8 (side, side, 3)."""
        short, crop = self.info["short_side"], self.info["crop_size"]
        fit = self.info.get("fit", "crop")
        image = upright(path, short)
        # Of a long picture the middle.
        size = [min(side, 2 * min(image.size)) for side in image.size]
        image = cut(image, *size)
        scale = short / min(size)
        size = [max(short, round(side * scale)) for side in size]
        image = image.resize(size, Image.Resampling.BICUBIC)
        if fit == "pad":
            image = cut(image, max(size), max(size))
        if fit != "crop":
            image = image.resize((short, short), Image.Resampling.BICUBIC)
        image = cut(image, crop, crop)
        matrix = weights(crop, self.info["image_size"])
        rows = np.tensordot(matrix, np.asarray(image), 1)
        both = np.tensordot(matrix, np.floor(rows + 0.5), (1, 1))
        return np.floor(both + 0.5).swapaxes(0, 1).astype("uint8")


def upright(path: str, short: int) -> Image.Image:
    """A picture in RGB, as EXIF turns it; a large JPEG at reduced scale."""
    image: Image.Image = Image.open(path, formats=FORMATS)
    if image.format == "TIFF":  # The largest page: some begin with a small one.
        areas = []
        for page in range(min(getattr(image, "n_frames", 1), 32)):
            image.seek(page)
            areas.append(image.width * image.height)
        image.seek(areas.index(max(areas)))
    image.draft(None, (2 * short, 2 * short))
    image.load()
    try:
        turn = TURNS.get(image.getexif().get(0x0112, 1))
    except Exception:  # Damaged EXIF.
        turn = None
    image = rgb(image)
    return image if turn is None else image.transpose(Image.Transpose(turn))


def rgb(image: Image.Image) -> Image.Image:
    """Any picture in RGB, transparency over white."""
    if image.mode.startswith("I") or image.mode == "F":  # Grey, above 8 bits.
        grey = np.nan_to_num(np.asarray(image, "float32"))
        low, high = float(grey.min()), float(grey.max())
        if image.mode.startswith("I;16"):
            low, high = 0.0, 65535.0
        elif low >= 0 and high <= 65535:
            low, high = 0.0, next(x for x in (1, 255, 65535) if high <= x)
        grey = np.rint((grey - low) * (255 / max(high - low, 1e-30)))
        image = Image.fromarray(grey.astype("uint8"))
    elif image.mode == "CMYK":
        # Pillow inverts those of JPEG, which is right for Adobe's alone.
        if image.format == "JPEG" and "adobe" not in image.info:
            image = ImageChops.invert(image)
    elif image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


def cut(image: Image.Image, width: int, height: int) -> Image.Image:
    """The middle of a picture, black around what is smaller."""
    left = int((image.width - width) / 2)
    top = int((image.height - height) / 2)
    return image.crop((left, top, left + width, top + height))


def weights(old: int, new: int) -> np.ndarray:
    """What each new pixel of a side takes of each old one, in 1/256.

    A triangle filter; what rounding down leaves goes to the largest remainders.
    """
    scale = old / new
    centres = (np.arange(new) + 0.5) * scale - 0.5
    distance = np.abs(np.arange(old)[None, :] - centres[:, None])
    parts = np.maximum(1 - distance / max(scale, 1.0), 0)
    parts = 256 * parts / parts.sum(axis=1, keepdims=True)
    whole = np.floor(parts)
    missing = np.rint(256 - whole.sum(axis=1, keepdims=True))
    order = np.argsort(-np.round(parts - whole, 9), axis=1, kind="stable")
    return (whole + (np.argsort(order, axis=1) < missing)) / 256


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    classifier, status = Classifier(sys.argv[1]), 0
    for picture in sys.argv[2:]:
        try:
            best = classifier.classify(picture)[:3]
        except Exception as error:  # Of damaged files Pillow raises many.
            print(f"error: {picture}: {error}", file=sys.stderr)
            status = 2
            continue
        names = "   ".join(f"{share:6.1%} {name}" for name, share in best)
        print(f"{picture}\n  {names}")
    sys.exit(status)
