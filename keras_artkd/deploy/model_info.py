"""Information inside model files: classes, preprocessing, model card.

Each format has its own place for it, where other tools find it too; see the
modules of `keras_artkd.deploy.formats`.
"""

import dataclasses
import json
import pathlib
import zipfile
from collections.abc import Mapping
from typing import IO, Any

from keras_artkd.data.images import FITS

# What a file from elsewhere may hold. ImageNet's 21,843 names take 0.6 MB.
MAX_BYTES = 4 * 2**20
MAX_NAMES = 100_000
MAX_NAME = 1000
# Pixels: more would take memory, and no network sees so many.
MAX_SIDE = 4096

INFO = "keras_artkd.json"
LABELS = "labels.txt"
# Of a fit, what makes the resized picture square.
_SQUARE: dict[str, list[dict[str, Any]]] = {
    "crop": [],
    "stretch": [
        {
            "step": "resize",
            "longer_side": "to the shorter one",
            "filter": "bicubic (a = -0.5) with antialiasing",
        }
    ],
    "pad": [
        {"step": "pad", "to": "a square", "colour": [0, 0, 0]},
        {
            "step": "resize",
            "side": "the shorter side before",
            "filter": "bicubic (a = -0.5) with antialiasing",
        },
    ],
}
# In the settings, for who reads them without this package.
_DESCRIPTION = ("preprocessing", "input", "output", "calibration")
CARD = "MODEL_CARD.md"


@dataclasses.dataclass(frozen=True)
class ModelInfo:
    """The information that one needs to use a classifier on an image file.

    Attributes:
        class_names: list of str, in the order of the logits.
        image_size: int, side of the square that the network sees, pixels.
        short_side: int, pixels: the shorter side of an image is resized to
            it before the central square is cut out.
        crop_size: int, side of that square, which is then resized to
            `image_size` (`keras_artkd.data.resampling`); `image_size` itself
            by default.
        card: str, the model card, Markdown.
        fit: one of `keras_artkd.data.images.FITS`: what makes the resized
            image square, before the crop.
        quantize: str, the quantisation of the file, as exports name it.
        calibration_images: int, how many images the ranges of its activations
            were measured on; 0 where activations are floats.
    """

    class_names: list[str]
    image_size: int
    short_side: int
    card: str = ""
    crop_size: int = 0
    fit: str = "crop"
    quantize: str = "none"
    calibration_images: int = 0

    def __post_init__(self) -> None:
        _check_names(self.class_names)
        sizes = (self.image_size, self.short_side, self.crop_size)
        if not all(type(x) is int and 0 <= x <= MAX_SIDE for x in sizes):
            raise ValueError(
                "`image_size`, `short_side` and `crop_size` must be int, at "
                f"most {MAX_SIDE} pixels. Received: {_short(sizes)}."
            )
        if not isinstance(self.card, str):
            raise ValueError(
                f"`card` must be str. Received: a {type(self.card).__name__}."
            )
        if self.fit not in FITS:
            raise ValueError(
                f"`fit` must be one of {', '.join(FITS)}. Received: "
                f"{_short(self.fit)}."
            )
        count = self.calibration_images
        if not (
            isinstance(self.quantize, str)
            and len(self.quantize) <= MAX_NAME
            and type(count) is int
            and count >= 0
        ):
            raise ValueError(
                "`quantize` must be str, `calibration_images` int >= 0. "
                f"Received: {_short(self.quantize)}, {_short(count)}."
            )
        if self.crop_size == 0:
            object.__setattr__(self, "crop_size", self.image_size)
        if not (0 < self.crop_size <= self.short_side and self.image_size > 0):
            raise ValueError(
                "`short_side` must be at least `crop_size`, all positive. "
                f"Received: image_size={self.image_size}, "
                f"crop_size={self.crop_size}, short_side={self.short_side}."
            )

    def files(self, answers: str = "probabilities") -> dict[str, str]:
        """Dict of file name -> text.

        Args:
            answers: what the model's output is, for who reads its settings.

        Raises:
            ValueError: if one is longer than a reader takes.
        """
        settings = dataclasses.asdict(self)
        del settings["card"]
        settings |= self._description(answers)
        files = {
            INFO: json.dumps(settings, indent=1, ensure_ascii=False) + "\n",
            # One class a line, as TFLite's tools expect it.
            LABELS: "".join(
                " ".join(name.split()) + "\n" for name in self.class_names
            ),
        }
        # An empty card would promise what is not there.
        files |= {CARD: self.card} if self.card else {}
        for name, text in files.items():
            if len(text.encode()) > MAX_BYTES:
                raise ValueError(
                    f"{_too_long(name)}. Fix: shorter names of the classes."
                )
        return files

    def _description(self, answers: str) -> dict[str, Any]:
        """How an image becomes the input, for programs of other people."""
        middle = "pixels at their centres, weights normalised over the edge"
        return {
            "preprocessing": [
                {
                    "step": "decode",
                    "large_jpeg": "at an eighth, a quarter or half of its "
                    "size, the smallest whose shorter side has "
                    f"{2 * self.short_side} pixels: a mean for each square",
                },
                {"step": "turn", "as": "the EXIF orientation says"},
                {"step": "convert", "to": "RGB", "colour_profile": "ignored"},
                {"step": "lay over", "colour": [255, 255, 255]},
                {
                    "step": "crop",
                    "longer_side": "at most twice the shorter one",
                    "at": "the centre, offsets rounded down",
                },
                {
                    "step": "resize",
                    "shorter_side": self.short_side,
                    "longer_side": "in proportion, rounded, halves to even",
                    "filter": "bicubic (a = -0.5) with antialiasing",
                    "exactly": f"Pillow's BICUBIC: {middle}, rounded to 8 "
                    "bits after the width and after the height",
                },
                *_SQUARE[self.fit],
                {
                    "step": "crop",
                    "side": self.crop_size,
                    "at": "the centre, offsets rounded down",
                },
                {
                    "step": "resize",
                    "side": self.image_size,
                    "filter": "triangle (bilinear) with antialiasing",
                    "exactly": f"weights in 1/256, {middle}; rounded to 8 "
                    "bits after the height and after the width",
                },
            ],
            "input": {
                "shape": ["batch", self.image_size, self.image_size, 3],
                "channels": "RGB",
                "range": [0, 255],
                "mean": [0, 0, 0],
                "std": [1, 1, 1],
            },
            "output": {
                "shape": ["batch", len(self.class_names)],
                "meaning": f"{answers} of the classes, in the order of "
                "class_names",
            },
            "calibration": describe_calibration(self.calibration_images),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> "ModelInfo | None":
        """The inverse of `files`; None without the file of settings.

        Raises:
            ValueError: if the settings are damaged.
        """
        if INFO not in files:
            return None
        for name, text in files.items():
            if len(text) > MAX_BYTES:
                raise ValueError(_too_long(name))
        try:
            settings = json.loads(files[INFO])
            if not isinstance(settings, dict):
                raise ValueError(f"it holds a {type(settings).__name__}")
            for name in _DESCRIPTION:  # It follows from the rest.
                settings.pop(name, None)
            return cls(**settings, card=files.get(CARD, ""))
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(
                f"{INFO} in the model is damaged ({error}). Fix: export it "
                "again"
            ) from error


def describe_calibration(images: int) -> str:
    """How the ranges of a file's activations came about, for its reader.

    Args:
        images: see `ModelInfo.calibration_images`.
    """
    if images == 0:
        return "none: activations are floating-point numbers"
    return (
        f"static: ranges of activations measured once, on {images:,} training "
        "images, the same for every picture"
    )


def _check_names(names: Any) -> None:
    if not (
        isinstance(names, list)
        and 0 < len(names) <= MAX_NAMES
        and all(isinstance(x, str) and len(x) <= MAX_NAME for x in names)
    ):
        raise ValueError(
            f"`class_names` must be a list of 1 to {MAX_NAMES:,} str of at "
            f"most {MAX_NAME:,} characters. Received: {_short(names)}."
        )


def _short(value: Any) -> str:
    """The beginning of a value from elsewhere."""
    text = repr(value[:5] if isinstance(value, (list, str)) else value)
    return text if len(text) <= 200 else f"{text[:200]} ..."


def _too_long(name: str) -> str:
    return f"{name} in the model holds more than {MAX_BYTES:,} bytes"


def read_limited(name: str, file: IO[bytes]) -> str:
    """Reads a text inside a model, of at most `MAX_BYTES`.

    Raises:
        ValueError: if it is longer, or no UTF-8.
    """
    # Never by the size that an archive claims.
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(_too_long(name))
    return content.decode("utf-8")


def info_of_names(class_names: list[str], image_size: int) -> ModelInfo:
    """Returns the `ModelInfo` of a network of which no more is known.

    Args:
        class_names: list of str, in the order of the logits.
        image_size: int, side of its input. The shorter side of an image is
            resized to 9/8 of it, as training does, then the centre is cut
            out.
    """
    return ModelInfo(class_names, image_size, round(1.125 * image_size))


def read_archive(path: pathlib.Path) -> ModelInfo | None:
    """Reads the ZIP archive that a file is, or has at its end.

    Returns:
        A `ModelInfo`; None where there is none.

    Raises:
        ValueError: if it is damaged.
        zipfile.BadZipFile: if the archive is damaged.
    """
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        files = {}
        for name in {INFO, CARD} & set(archive.namelist()):
            with archive.open(name) as file:
                files[name] = read_limited(name, file)
        return ModelInfo.from_files(files)


def write_archive(
    path: pathlib.Path,
    files: Mapping[str, str],
    compression: int = zipfile.ZIP_DEFLATED,
) -> None:
    """Adds the files of a `ModelInfo` to the archive that a file is, or gets.

    Args:
        path: a ZIP archive, or a file that gets one at its end.
        files: of `ModelInfo.files`.
        compression: of `zipfile`.
    """
    # Opened for appending, a file that is no archive gets one at its end.
    with zipfile.ZipFile(path, "a") as archive:
        for name, text in files.items():
            # A fixed date: the same model gives the same bytes.
            archive.writestr(zipfile.ZipInfo(name), text, compression)
