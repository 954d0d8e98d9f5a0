"""Classification of image files with a model file and nothing else.

A `.tflite` file requires only NumPy, Pillow and ai-edge-litert.
"""

import concurrent.futures
import dataclasses
import itertools
import pathlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, TypeAlias

import numpy as np

from keras_artkd.data.images import (
    UnreadableImage,
    centre_square,
    fit_square,
    read_image,
)
from keras_artkd.data.resampling import resize_squares
from keras_artkd.datasets.files import is_image, list_files, printable
from keras_artkd.deploy.finished_run import find_model
from keras_artkd.deploy.formats import open_model
from keras_artkd.deploy.model_info import info_of_names
from keras_artkd.output import on_one_line
from keras_artkd.types import Array, Path

# Several threads read so many images while the network waits. More would only
# take memory.
_CHUNK = 64

Source: TypeAlias = Path | tuple[str, bytes]


@dataclasses.dataclass(frozen=True)
class Prediction:
    """A classifier's answer for one image.

    Attributes:
        source: str, the image: its path.
        classes: list of `(class name, confidence)`, most confident first;
            confidences are the model's probabilities.
        error: str, why the image could not be read; None if it was read.
    """

    source: str
    classes: list[tuple[str, float]]
    error: str | None = None


class Classifier:
    """A model file that classifies image files.

    Class names and preprocessing come from the file itself, so images are
    read exactly as they were when its accuracy was measured.

    Args:
        path: a model file or folder of any format, or the folder of a
            finished run, see `find_model`.
        class_names: list of str, for a file that does not know its own (one
            not exported here). Its images are resized so that the shorter
            side is 9/8 of the network's input, then cut at the centre.

    Attributes:
        path: `pathlib.Path`, the model file or folder.
        info: `ModelInfo`.
        runtime: `keras_artkd.deploy.formats.base.Runtime`.

    Raises:
        ValueError: if the file is no classifier, or nobody names its classes.
        ImportError: if the library of its format is not installed.
    """

    def __init__(
        self, path: Path, class_names: list[str] | None = None
    ) -> None:
        self.path = find_model(path)
        self.runtime = open_model(self.path)
        info = self.runtime.info
        height, width, _ = self.runtime.input_shape
        if class_names is not None:
            own = info or info_of_names(class_names, height)
            info = dataclasses.replace(own, class_names=class_names)
        if info is None:
            raise ValueError(
                "A model must name its classes, as the files of a run do. "
                f"Received: {self.path}. Fix: --labels FILE, one class a line; "
                "or export it with class_names=[...], which puts them inside."
            )
        if len(info.class_names) != self.runtime.num_classes:
            raise ValueError(
                "There must be one name for each class of the model. "
                f"Received: {len(info.class_names)} names, "
                f"{self.runtime.num_classes} classes in {self.path}."
            )
        if (height, width) != (info.image_size, info.image_size):
            raise ValueError(
                "The model's input must be the square that it says. Received: "
                f"{height} x {width}, image_size={info.image_size} in "
                f"{self.path}. Fix: export it again."
            )
        # Names from anywhere reach a terminal.
        names = [on_one_line(name) for name in info.class_names]
        self.info = dataclasses.replace(info, class_names=names)

    def read(self, source: Path | bytes | BinaryIO) -> Array:
        """The pixels of an image as the network requires them.

        Args:
            source: path, bytes or binary file.

        Returns:
            uint8 `(image_size, image_size, 3)`.

        Raises:
            UnreadableImage: if it is no picture.
        """
        info = self.info
        pixels = read_image(source, info.short_side)
        square = fit_square(pixels, info.fit)
        crop = centre_square(square, info.crop_size)
        return resize_squares(crop, info.image_size)

    def probabilities(self, images: Array, batch_size: int = 64) -> Array:
        """Returns float32 `(n, classes)` of a stack of images from `read`."""
        return self.runtime.predict(images, batch_size)

    def classify(
        self, sources: Iterable[Source], top: int = 5
    ) -> Iterator[Prediction]:
        """Classifies images, one after the other, in order.

        Args:
            sources: iterable of paths, or of `(name, bytes)` for images that
                are no files.
            top: int, how many classes to name of each.

        Yields:
            `Prediction`, also of an image that could not be read, with an
            `error`.
        """
        if top < 1:
            raise ValueError(f"`top` must be at least 1. Received: top={top}.")
        sources = iter(sources)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            while chunk := list(itertools.islice(sources, _CHUNK)):
                yield from self._classify_chunk(chunk, top, pool)

    def _classify_chunk(
        self,
        chunk: list[Source],
        top: int,
        pool: concurrent.futures.Executor,
    ) -> Iterator[Prediction]:
        read = list(pool.map(self._read_or_error, chunk))
        images = [pixels for _, pixels in read if not isinstance(pixels, str)]
        shares = self.probabilities(np.stack(images)) if images else None
        ranked = iter([] if shares is None else self._rank(shares, top))
        for name, pixels in read:
            if isinstance(pixels, str):
                yield Prediction(name, [], pixels)
            else:
                yield Prediction(name, next(ranked))

    def _read_or_error(self, source: Source) -> tuple[str, Array | str]:
        """The name of an image, and its pixels or why there are none."""
        name, content = (
            source if isinstance(source, tuple) else (source, source)
        )
        name = printable(name)
        try:
            return name, self.read(content)
        except UnreadableImage as error:
            return name, str(error)

    def _rank(self, shares: Array, top: int) -> list[list[tuple[str, float]]]:
        # Stable: equal confidences stay in the order of the classes.
        order = np.argsort(-shares, axis=1, kind="stable")[:, :top]
        return [
            [(self.info.class_names[i], float(row[i])) for i in best]
            for row, best in zip(shares, order, strict=True)
        ]


def find_images(paths: Iterable[Path]) -> Iterator[pathlib.Path]:
    """Yields files, there or not, and of folders the images in them, sorted.

    Raises:
        ValueError: if a folder holds no image.
    """
    for path in map(pathlib.Path, paths):
        if not path.is_dir():
            yield path
            continue
        images = [file for file in list_files(path) if is_image(file)]
        if not images:
            raise ValueError(f"The folder holds no image. Received: {path}.")
        yield from images
