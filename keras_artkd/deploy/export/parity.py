"""Parity of a file's answers with those of the network it came from."""

import dataclasses
import pathlib
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from keras_artkd.deploy.formats import open_model, write_info
from keras_artkd.deploy.formats.base import Runtime
from keras_artkd.deploy.model_info import ModelInfo
from keras_artkd.files import replacing
from keras_artkd.measure.metrics import agreement
from keras_artkd.types import Array, Path


def verify(
    path: Path,
    images: Array,
    keras_logits: Array,
    labels: Array | None = None,
    batch_size: int = 64,
) -> dict[str, Any]:
    """Compares a file's answers with those of the network it came from.

    Args:
        path: a file or folder of any format.
        images: raw pixels in [0, 255], `(n, height, width, channels)`.
        keras_logits: the network's logits of them, `(n, classes)`.
        labels: true class indices, `(n,)`, if known.
        batch_size: images at once.

    Returns:
        A dict of plain Python values:
            `runtime`: the library that ran it.
            `size_bytes`: of the file, or of all files in the folder.
            `agreement`: share of images classified as the network does.
            `accuracy`: the file's, `None` without labels.
            `max_abs_difference`: between logits, the largest.

    Raises:
        ValueError: if shapes disagree or the file answers NaN.
    """
    runtime = open_model(path)
    return _verify(runtime, path, images, keras_logits, labels, batch_size)


def _verify(
    runtime: Runtime,
    path: Path,
    images: Array,
    keras_logits: Array,
    labels: Array | None = None,
    batch_size: int = 64,
) -> dict[str, Any]:
    """`verify` of a file that is open."""
    logits = runtime.predict(images, batch_size)
    keras_logits = np.asarray(keras_logits)
    same = agreement(keras_logits, logits)
    accuracy = None
    if labels is not None:
        labels = np.asarray(labels)
        if labels.shape != (len(logits),):
            raise ValueError(
                "`labels` must have one class index for each image. "
                f"Received: labels.shape={labels.shape}, "
                f"{len(logits)} images."
            )
        accuracy = float((logits.argmax(axis=1) == labels).mean())
    return {
        "runtime": runtime.name,
        "size_bytes": size_of(path),
        "agreement": same,
        "accuracy": accuracy,
        "max_abs_difference": float(np.abs(keras_logits - logits).max()),
    }


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    path = pathlib.Path(path)
    files = [*path.rglob("*")] if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def milliseconds_per_image(
    runtime: Runtime, images: Array, repeats: int = 15
) -> float:
    """The median time that one image takes, after one to warm up."""
    durations = []
    for index in range(repeats + 1):
        start = time.perf_counter()
        position = index % len(images)
        runtime.predict(images[position : position + 1])
        durations.append(1000 * (time.perf_counter() - start))
    return statistics.median(durations[1:])


@dataclasses.dataclass(frozen=True)
class ParityGate:
    """The share of a network's quality that a file must keep.

    Attributes:
        min_agreement: share of images to be classified as the network does.
        max_accuracy_drop: how much less accurate the file may be.
    """

    min_agreement: float = 0.95
    max_accuracy_drop: float = 0.01

    def __post_init__(self) -> None:
        for field, value in dataclasses.asdict(self).items():
            if not 0 <= value <= 1:
                raise ValueError(
                    f"`{field}` must be a share between 0 and 1. "
                    f"Received: {field}={value}."
                )

    def check(self, report: Mapping[str, Any], keras_accuracy: float) -> None:
        """Rejects a file that falls short.

        Args:
            report: of `verify`, with labels.
            keras_accuracy: float, the network's own on the same images.

        Raises:
            ValueError: if it does; it says by how much, and what to try.
        """
        short = []
        # Shares are counts over a number of images. One that is exactly at
        # the threshold does not fall short by a rounding error.
        if report["agreement"] < self.min_agreement - 1e-9:
            short.append(
                f"it agrees with the network on {report['agreement']:.2%}, "
                f"less than {self.min_agreement:.2%}"
            )
        drop = keras_accuracy - report["accuracy"]
        if drop > self.max_accuracy_drop + 1e-9:
            short.append(
                f"its accuracy is {report['accuracy']:.2%}, {drop:.2%} below "
                f"the network's, more than {self.max_accuracy_drop:.2%}"
            )
        if short:
            raise ValueError(
                f"The file was not kept: {' and '.join(short)}. Fix: less "
                "quantisation (float16 instead of int8), a network trained "
                "longer (agreement is low where confidence is), or another "
                "threshold."
            )


def deliver(
    write: Callable[[pathlib.Path], object],
    path: Path,
    make_info: Callable[[dict[str, Any]], ModelInfo],
    images: Array,
    keras_logits: Array,
    labels: Array,
    gate: ParityGate | None = None,
) -> dict[str, Any]:
    """Writes a file, measures it, and only then puts it where it belongs.

    Args:
        write: called with a temporary path of the same name, writes there;
            such as `functools.partial(export_tflite, model)`.
        path: the path of the file.
        make_info: called with the report of `verify`, returns the `ModelInfo`
            to put into the file.
        images: held out, raw pixels, `(n, height, width, channels)`.
        keras_logits: the network's logits of them, `(n, classes)`.
        labels: their true class indices, `(n,)`.
        gate: `ParityGate`, or None to measure without judging.

    Returns:
        The report of `verify`, and `milliseconds`, the time of one image on
        this machine.

    Raises:
        ValueError: if the file does not pass the gate; nothing is left then,
            and a file that was at `path` before stays.
    """
    with replacing(path) as temporary:
        write(temporary)
        report = _measure(temporary, images, keras_logits, labels)
        if gate is not None:
            accuracy = (np.argmax(keras_logits, axis=1) == labels).mean()
            gate.check(report, float(accuracy))
        write_info(temporary, make_info(report))
    return {**report, "size_bytes": size_of(path)}


def _measure(
    path: Path, images: Array, keras_logits: Array, labels: Array
) -> dict[str, Any]:
    """The report of `verify`, and `milliseconds`.

    The file is open only in here: it is changed afterwards.
    """
    runtime = open_model(path)
    report = _verify(runtime, path, images, keras_logits, labels)
    return {
        **report,
        "milliseconds": milliseconds_per_image(runtime, images),
    }
