"""Records of model formats, and the runtimes that run their files."""

import abc
import contextlib
import dataclasses
import logging
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_artkd.deploy.lite import check_images
from keras_artkd.deploy.model_info import ModelInfo
from keras_artkd.measure.metrics import softmax
from keras_artkd.output import quiet
from keras_artkd.types import Array

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


class Runtime(abc.ABC):
    """A model file that is open: pixels in, probabilities out.

    Attributes:
        name: str, the library that runs the file.
        path: `pathlib.Path`, of what `open_model` opened, or None.
        input_shape: `(height, width, 3)`.
        num_classes: int.
        info: `ModelInfo`, or None where the file has none.
    """

    name: str
    path: pathlib.Path | None = None
    input_shape: tuple[int, int, int]
    num_classes: int
    info: ModelInfo | None

    def predict(self, images: Array, batch_size: int = 64) -> Array:
        """Returns float32 probabilities `(n, classes)` of raw pixels.

        Of a model that answers logits they are its softmax.

        Args:
            images: in [0, 255], `(n, height, width, 3)`, uint8 or float.
            batch_size: images at once.

        Raises:
            ValueError: if the images do not fit the network, or it cannot be
                run.
        """
        images = check_images("images", images, (None, *self.input_shape))
        try:
            answers = np.concatenate(
                [
                    self._run(
                        images[start : start + batch_size].astype("float32")
                    )
                    for start in range(0, len(images), batch_size)
                ]
            )
        except Exception as error:  # Libraries raise any type.
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise ValueError(
                f"The model cannot be run. Received: {self.path or self.name} "
                f"({reason}). Fix: if it is damaged, copy or export it again."
            ) from error
        if answers.shape != (len(images), self.num_classes):
            raise ValueError(
                f"A model must answer with {self.num_classes} numbers an "
                f"image. Received: {answers.shape} for {len(images)} images "
                f"from {self.path or self.name}."
            )
        if _are_shares(answers):
            return answers
        # In float64, so that the shares of many classes sum to one.
        return softmax(answers.astype("float64")).astype("float32")

    @abc.abstractmethod
    def _run(self, images: Array) -> Array:
        """Probabilities or logits of one batch of float32 images."""


def _are_shares(answers: Array) -> bool:
    """Whether a model ends in a softmax, as all that are exported here do.

    Logits practically never sum to one.
    """
    sums = answers.sum(axis=1)
    return bool(answers.min() >= 0 and np.allclose(sums, 1, atol=1e-2))


@dataclasses.dataclass(frozen=True)
class ModelFormat:
    """A format of model files.

    Attributes:
        name: str.
        suffix: str, the ending of its files; "" where a model is a folder.
        open: makes a `Runtime` of a path. Imports its library when called.
        write_info: puts a `ModelInfo` into the file or folder at a path, which
            must have none yet.
    """

    name: str
    suffix: str
    open: Callable[[pathlib.Path], Runtime]
    write_info: Callable[[pathlib.Path, ModelInfo], None]


@dataclasses.dataclass(frozen=True)
class ExportFormat(ModelFormat):
    """A format that a Keras network can be exported to.

    Attributes:
        quantisations: the values of `quantize` that the format offers.
        batch: the batch size of its files unless another is asked for, one of
            `BATCHES`.
        write: writes a network; see `Write`.
    """

    quantisations: tuple[str, ...]
    write: "Write"
    batch: str = "open"

    def file_name(self, quantize: str = "none") -> str:
        """The name of such an export in its run's folder."""
        self.check_quantize(quantize)
        if not self.suffix:
            return self.name
        stem = "student" if quantize == "none" else f"student_{quantize}"
        return stem + self.suffix

    def check_quantize(self, quantize: str) -> None:
        """Rejects a quantisation that the format does not offer."""
        if quantize not in self.quantisations:
            raise ValueError(
                f"`quantize` must be one of {', '.join(self.quantisations)} "
                f"for the format {self.name}. Received: quantize={quantize!r}."
            )


# Images that a file takes at once: one, as clients on phones and in browsers
# want it, or any number.
BATCHES = ("1", "open")

# The arguments are a Keras model, the path, the `tf.TensorSpec` of its input,
# the quantisation, calibration images `(n, height, width, channels)`,
# which are None unless the quantisation is int8, whether the network answers
# logits (what is written answers probabilities), and what is known of its
# classes and images, or None.
Write = Callable[
    [
        "keras.Model",
        pathlib.Path,
        "tf.TensorSpec",
        str,
        Array | None,
        bool,
        ModelInfo | None,
    ],
    None,
]


class ModelError(ValueError):
    """A model that is not opened: why, in one line."""


class NotAClassifier(ModelError):
    """A model that does not classify images."""


class UnsafeModel(ModelError):
    """A model that would do more than compute."""


class UnreadableModel(ModelError):
    """A model that its library cannot read, in one line.

    Args:
        path: the model.
        error: what the library said. A damaged file makes libraries say
            anything, on many lines.
    """

    def __init__(self, path: Any, error: Exception) -> None:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        super().__init__(
            f"The model cannot be read. Received: {path} ({reason}). Fix: if "
            "it is damaged, copy or export it again."
        )


def check_classifier(
    path: Any, inputs: Iterable[Sequence[Any]], outputs: Iterable[Sequence[Any]]
) -> tuple[tuple[int, int, int], int]:
    """Checks that a model classifies images of one size.

    Args:
        path: the model, for the error.
        inputs: shapes of its inputs, batch first.
        outputs: shapes of its outputs, batch first.

    Returns:
        `((height, width, 3), classes)`.

    Raises:
        NotAClassifier: if it does not.
    """
    shapes = [tuple(shape) for shape in (*inputs, *outputs)]
    if (
        [len(shape) for shape in shapes] != [4, 2]
        or shapes[0][-1] != 3
        or any(not isinstance(size, int) for size in shapes[0][1:])
    ):
        raise NotAClassifier(
            "A model must map one image (batch, height, width, 3) to an answer "
            f"(batch, classes). Received: {path} with tensors of shapes "
            f"{shapes}."
        )
    (_, height, width, channels), (_, classes) = shapes
    return (height, width, channels), classes


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """`quiet`, which also holds back log messages up to warnings."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with quiet():
            yield
    finally:
        logging.disable(disabled)
