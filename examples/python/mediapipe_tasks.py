"""Classify pictures with MediaPipe Tasks.

    pip install mediapipe==1.2.3 pillow
    python mediapipe_tasks.py student.tflite PICTURE...

Names and normalisation come from the file's metadata.
"""

import json
import sys
import zipfile

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from PIL import Image, ImageOps


def square(path, info):
    """The pixels that the network sees, as keras_artkd.json in the file says.

    MediaPipe itself would stretch the whole picture, and skip pixels.
    """
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    scale = info["short_side"] / min(image.size)
    size = [round(side * scale) for side in image.size]
    image = image.resize(size, Image.Resampling.BICUBIC)
    left, top = ((side - info["crop_size"]) // 2 for side in size)
    box = (left, top, left + info["crop_size"], top + info["crop_size"])
    size = (info["image_size"], info["image_size"])
    return np.array(image.crop(box).resize(size, Image.Resampling.BILINEAR))


def main(model, *pictures):
    """Prints the three best classes of each picture."""
    with zipfile.ZipFile(model) as archive:
        info = json.loads(archive.read("keras_artkd.json"))
    options = vision.ImageClassifierOptions(
        base_options=BaseOptions(model_asset_path=model), max_results=3
    )
    with vision.ImageClassifier.create_from_options(options) as classifier:
        for picture in pictures:
            image = mediapipe.Image(
                mediapipe.ImageFormat.SRGB, square(picture, info)
            )
            result = classifier.classify(image)
            print(picture)
            for best in result.classifications[0].categories:
                print(f"  {best.score:6.1%} {best.category_name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
