"""Parity of a file's answers with those of the network it came from."""

import dataclasses
import pathlib
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np

from keras_artkd.deploy.formats import open_model, write_info
from keras_artkd.deploy.formats.base import Runtime
from keras_artkd.deploy.model_info import ModelInfo
from keras_artkd.files import replacing
from keras_artkd.measure.intervals import paired_difference, share_interval
from keras_artkd.measure.metrics import agreement, softmax
from keras_artkd.types import Array, Path

# Images, the network's logits of them, and their labels.
Judged: TypeAlias = tuple[Array, Array, Array]


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
            `agreement_interval`: `(low, high)`, 95 %.
            `accuracy`: the file's, `None` without labels.
            `accuracy_drop`: how much less accurate it is than the network,
                `None` without labels.
            `accuracy_drop_interval`: `(low, high)`, 95 %, or `None`.
            `max_abs_difference`: between probabilities, the largest.

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
    answers = runtime.predict(images, batch_size)
    keras_logits = np.asarray(keras_logits)
    same = agreement(keras_logits, answers)
    accuracy = drop = drop_interval = None
    if labels is not None:
        labels = np.asarray(labels)
        if labels.shape != (len(answers),):
            raise ValueError(
                "`labels` must have one class index for each image. "
                f"Received: labels.shape={labels.shape}, "
                f"{len(answers)} images."
            )
        right = answers.argmax(axis=1) == labels
        accuracy = float(right.mean())
        drop, *drop_interval = paired_difference(
            right, keras_logits.argmax(axis=1) == labels
        )
    return {
        "runtime": runtime.name,
        "size_bytes": size_of(path),
        "agreement": same,
        "agreement_interval": share_interval(same, len(answers)),
        "accuracy": accuracy,
        "accuracy_drop": drop,
        "accuracy_drop_interval": drop_interval,
        "max_abs_difference": float(
            np.abs(softmax(keras_logits) - answers).max()
        ),
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


class Gate(Protocol):
    """Decides whether a file is kept."""

    def check(self, report: dict[str, Any]) -> None:
        """Raises an exception if a file is not to be kept.

        Args:
            report: of `verify`, with labels.
        """


class ParityError(ValueError):
    """A file that falls short of the network it came from."""


@dataclasses.dataclass(frozen=True)
class ParityGate:
    """The share of a network's quality that a file must keep.

    A file falls short where its images can tell: where the whole interval of
    95 % does. Two of 139 images are no reason to refuse it.

    Attributes:
        min_agreement: share of images to be classified as the network does.
        max_accuracy_drop: how much less accurate the file may be.
    """

    min_agreement: float = 0.9
    max_accuracy_drop: float = 0.01

    def __post_init__(self) -> None:
        for field, value in dataclasses.asdict(self).items():
            if not 0 <= value <= 1:
                raise ValueError(
                    f"`{field}` must be a share between 0 and 1. "
                    f"Received: {field}={value}."
                )

    def check(self, report: Mapping[str, Any]) -> None:
        """Rejects a file that falls short.

        Args:
            report: of `verify`, with labels.

        Raises:
            ParityError: if it does; it says by how much, and what to try.
        """
        short = []
        # Shares are counts over a number of images. One that is exactly at
        # the threshold does not fall short by a rounding error.
        low, high = report["agreement_interval"]
        if high < self.min_agreement - 1e-9:
            short.append(
                f"it agrees with the network on {report['agreement']:.2%} "
                f"(95%: {low:.2%} to {high:.2%}), less than "
                f"{self.min_agreement:.2%}"
            )
        low, high = report["accuracy_drop_interval"]
        if low > self.max_accuracy_drop + 1e-9:
            short.append(
                f"its accuracy is {report['accuracy']:.2%}, "
                f"{report['accuracy_drop']:.2%} below the network's (95%: "
                f"{low:.2%} to {high:.2%}), more than "
                f"{self.max_accuracy_drop:.2%}"
            )
        if short:
            raise ParityError(
                f"The file was not kept: {' and '.join(short)}. Fix: less "
                "quantisation (float16 instead of int8), for int8 of a run "
                "artkd export --fine-tune, a network trained longer (agreement "
                "is low where confidence is), or another threshold."
            )


def deliver(
    write: Callable[[pathlib.Path], object],
    path: Path,
    make_info: Callable[[dict[str, Any]], ModelInfo],
    images: Array,
    keras_logits: Array,
    labels: Array,
    gate: Gate | None = None,
    judged: Judged | None = None,
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
        gate: a `ParityGate` or another `Gate`, or None to measure without
            judging.
        judged: `(images, keras_logits, labels)` that the gate looks at; by
            default those that are measured.

    Returns:
        The report of `verify`; `milliseconds`, the time of one image on
        this machine; and `judged`, `agreement`, `accuracy`,
        `accuracy_drop` and its interval of the images that the gate looks at.

    Raises:
        ParityError: if the file does not pass the gate (or what another gate
            raises); nothing is left then, and a file that was at `path` before
            stays.
    """
    with replacing(path) as temporary:
        write(temporary)
        report = _measure(temporary, images, keras_logits, labels)
        decisive = verify(temporary, *judged) if judged else report
        if gate is not None:
            gate.check(decisive)
        report["judged"] = {
            name: decisive[name]
            for name in (
                "agreement",
                "accuracy",
                "accuracy_drop",
                "accuracy_drop_interval",
            )
        }
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
