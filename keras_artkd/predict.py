"""From image files to named classes, with a model file and nothing else.

For a `.tflite` this needs NumPy, Pillow and ai-edge-litert alone.
"""

import concurrent.futures
import dataclasses
import itertools
import pathlib

import numpy as np

from keras_artkd.datasets.files import is_image, list_files, printable
from keras_artkd.evaluate import softmax
from keras_artkd.images import UnreadableImage, centre_square, read_image
from keras_artkd.model_info import info_of_names
from keras_artkd.runtimes import open_model

# Read by several threads at once while the network waits: more would only
# take memory.
_CHUNK = 64


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a classifier says of one image.

    Attributes:
        source: str, the image: its path.
        classes: list of `(class name, confidence)`, most confident first;
            confidences are the softmax of the logits (of a foreign model that
            ends in a softmax, its outputs).
        error: str, why the image could not be read, else `None`.
    """

    source: str
    classes: list
    error: str | None = None


class Classifier:
    """A model file that classifies image files.

    Class names and preprocessing come from the file itself, so images are
    read exactly as they were when its accuracy was measured.

    Args:
        path: a `.tflite`, `.keras` or `.onnx` file, or a SavedModel folder.
        class_names: list of str, for a file that does not know its own (one
            not exported here). Its images are resized so that the shorter
            side is 9/8 of the network's input, then cut at the centre.

    Attributes:
        info: `ModelInfo`.
        runtime: see `keras_artkd.runtimes`.

    Raises:
        ValueError: if the file is no classifier, or nobody names its classes.
        ImportError: if the library for its kind is not installed.
    """

    def __init__(self, path, class_names=None):
        self.runtime = open_model(path)
        self.info = self.runtime.info
        height, width, _ = self.runtime.input_shape
        if class_names is not None:
            own = self.info or info_of_names(class_names, height)
            self.info = dataclasses.replace(own, class_names=class_names)
        if self.info is None:
            raise ValueError(
                "The model does not name its classes, as the files of a run "
                f"do. Received: {path}. Fix: --labels FILE, one class a line; "
                "or export it with class_names=[...], which puts them inside."
            )
        if len(self.info.class_names) != self.runtime.num_classes:
            raise ValueError(
                "There must be one name for each class of the model. "
                f"Received: {len(self.info.class_names)} names, "
                f"{self.runtime.num_classes} classes in {path}."
            )
        if (height, width) != (self.info.image_size, self.info.image_size):
            raise ValueError(
                "The model's input must be the square that it says. Received: "
                f"{height} x {width}, image_size={self.info.image_size} in "
                f"{path}. Fix: export it again."
            )

    def read(self, source):
        """The pixels of an image as the network wants them.

        Args:
            source: path, bytes or binary file.

        Returns:
            uint8 `(image_size, image_size, 3)`.

        Raises:
            UnreadableImage: if it is no picture.
        """
        return centre_square(
            read_image(source, self.info.short_side), self.info.image_size
        )

    def logits(self, images, batch_size=64):
        """Returns float32 `(n, classes)` of what `read` gives, stacked."""
        return self.runtime.predict(images, batch_size)

    def classify(self, sources, top=5):
        """Classifies images, one after the other, in order.

        Args:
            sources: iterable of paths, or of `(name, bytes)` for images that
                are no files.
            top: int, how many classes to name of each.

        Yields:
            `Prediction`. One that could not be read has an `error`; the
            others go on.
        """
        if top < 1:
            raise ValueError(f"`top` must be at least 1. Received: top={top}.")
        sources = iter(sources)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            while chunk := list(itertools.islice(sources, _CHUNK)):
                yield from self._classify_chunk(chunk, top, pool)

    def _classify_chunk(self, chunk, top, pool):
        read = list(pool.map(self._read_or_error, chunk))
        images = [pixels for _, pixels in read if not isinstance(pixels, str)]
        ranked = iter(())
        if images:
            ranked = iter(self._rank(self.logits(np.stack(images)), top))
        for name, pixels in read:
            if isinstance(pixels, str):
                yield Prediction(name, [], pixels)
            else:
                yield Prediction(name, next(ranked))

    def _read_or_error(self, source):
        name, content = source if isinstance(source, tuple) else (source,) * 2
        name = printable(name)
        try:
            return name, self.read(content)
        except UnreadableImage as error:
            return name, str(error)

    def _rank(self, logits, top):
        # In float64, so that the shares of many classes sum to one.
        shares = np.asarray(logits, "float64")
        if not _are_shares(shares):
            shares = softmax(shares)
        # Stable: equal confidences stay in the order of the classes.
        order = np.argsort(-shares, axis=1, kind="stable")[:, :top]
        return [
            [(self.info.class_names[i], float(row[i])) for i in best]
            for row, best in zip(shares, order, strict=True)
        ]


def _are_shares(outputs):
    """Whether a network ends in a softmax, as those of others often do.

    Logits do not sum to one but by an accident of measure zero.
    """
    sums = outputs.sum(axis=1)
    return outputs.min() >= 0 and bool(np.allclose(sums, 1, atol=1e-2))


def find_images(paths):
    """Files, there or not, and of folders the images in them, sorted.

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
