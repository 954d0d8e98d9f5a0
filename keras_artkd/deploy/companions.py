"""What lies beside a run's `.tflite` files, for whoever takes them elsewhere.

`classify.py` runs them. `golden/` has pictures, the input that becomes of each,
and each file's answers: what a port to another language must reach, too.
"""

import pathlib
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from keras_artkd.deploy.formats import tflite
from keras_artkd.deploy.predict import Classifier
from keras_artkd.files import replacing, write_json, write_text
from keras_artkd.run_folder import RunFolder
from keras_artkd.types import Array

if TYPE_CHECKING:
    from keras_artkd.data.store import ImageStore
    from keras_artkd.data.stream import ImageStream

SCRIPT = pathlib.Path(__file__).with_name("classify.py")
GOLDEN = "golden.json"
# Of EXIF: to be turned by a quarter, clockwise. And Pillow's way back.
_ORIENTATION, _QUARTER = 0x0112, 6
_BACK = Image.Transpose.ROTATE_90


def write_companions(
    folder: RunFolder, images: "ImageStore | ImageStream"
) -> None:
    """Writes `classify.py` and `golden/` into a run's folder.

    Nothing of it where the folder has no `.tflite` file.

    Args:
        folder: of the run.
        images: its test images, of which the pictures are made.
    """
    names = map(tflite.FORMAT.file_name, tflite.FORMAT.quantisations)
    models = [path for n in names if (path := folder.path / n).is_file()]
    if not models:
        return
    write_text(folder.classify, SCRIPT.read_text(encoding="utf-8"))
    classifiers = {path.name: Classifier(path) for path in models}
    info = next(iter(classifiers.values())).info
    chosen = np.linspace(0, len(images) - 1, 3).astype(int)
    with replacing(folder.golden) as golden:
        golden.mkdir()
        pictures = _save_pictures(
            golden, [images.image(i) for i in chosen], info.short_side
        )
        tensors = {}
        for classifier in classifiers.values():
            for name in pictures:
                tensors[name] = classifier.read(golden / name)[None]
        for name, tensor in tensors.items():
            np.save(golden / _tensor_name(name), tensor)
        write_json(
            golden / GOLDEN,
            {
                "class_names": info.class_names,
                "tensors": {name: _tensor_name(name) for name in pictures},
                "probabilities": {
                    model: {
                        name: _shares(classifier, tensors[name])
                        for name in pictures
                    }
                    for model, classifier in classifiers.items()
                },
            },
        )


def _tensor_name(picture: str) -> str:
    return f"{pathlib.PurePath(picture).stem}.npy"


def _shares(classifier: Classifier, tensor: Array) -> list[float]:
    """The answer, with the digits that float32 has."""
    return [float(str(x)) for x in classifier.probabilities(tensor)[0]]


def _save_pictures(
    folder: pathlib.Path, images: list[Array], short_side: int
) -> list[str]:
    """Makes a picture of each image; returns their names.

    Together they need every step of the preprocessing: enlarged and reduced,
    turned, transparent, and longer than is seen. The JPEG has all its colours,
    so that decoders agree to a level or two.
    """
    upright, turned, clear = (Image.fromarray(image) for image in images)
    _part(upright, short_side / 2, 4 / 3).save(folder / "upright.png")

    exif = Image.Exif()
    exif[_ORIENTATION] = _QUARTER
    _part(turned, short_side * 3 / 2, 3 / 4).transpose(_BACK).save(
        folder / "turned.jpg", exif=exif, quality=90, subsampling=0
    )

    clear = _part(clear, short_side / 3, 5 / 2)
    ramp = np.linspace(0, 255, clear.width).astype("uint8")
    clear.putalpha(Image.fromarray(np.tile(ramp, (clear.height, 1))))
    clear.save(folder / "transparent.png")
    return ["upright.png", "turned.jpg", "transparent.png"]


def _part(image: Image.Image, shorter: float, aspect: float) -> Image.Image:
    """The middle of an image at another size, an odd number of pixels."""
    scale = shorter / min(aspect, 1.0)
    size = (int(aspect * scale) | 1, int(scale) | 1)
    return ImageOps.fit(image, size, Image.Resampling.BICUBIC)
