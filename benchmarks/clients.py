"""One student in every client: answers, accuracy, time and size.

    python -m benchmarks.clients RUN [IMAGES]

RUN is the folder of a finished run; what lies in it is measured, every
`student*.tflite` and `student*.onnx` (`artkd export RUN` adds more).
The images are the run's test images, IMAGES of them at most. Every client gets
the same pixels; `classify.py` and "one resize" read the files themselves.

MediaPipe takes part where it is installed; LiteRT.js and onnxruntime-web, which
npm brings, where Chromium is. A row is a line of Markdown. Times are medians of
single images, in milliseconds, without the reading of files.
"""

import argparse
import dataclasses
import pathlib
import runpy
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from benchmarks.clients_web import measure_in_browser
from keras_artkd.data.pipeline import evaluation_arrays
from keras_artkd.deploy.companions import SCRIPT
from keras_artkd.deploy.finished_run import (
    check_finished,
    crop_size,
    load_data,
    read_facts,
)
from keras_artkd.deploy.formats import open_model
from keras_artkd.deploy.formats.keras_file import load_keras_model
from keras_artkd.deploy.lite import LiteModel
from keras_artkd.measure.metrics import softmax
from keras_artkd.output import import_tensorflow, quiet

# Of some, so that a slow client does not take the day.
TIMED = 100


@dataclasses.dataclass
class Row:
    """What a client made of a file.

    Attributes:
        client: str, its name.
        path: `pathlib.Path`, the file.
        answers: `(n, classes)`, its probabilities.
        milliseconds: float, of one image.
    """

    client: str
    path: pathlib.Path
    answers: Any
    milliseconds: float


@dataclasses.dataclass
class Job:
    """What all clients get.

    Attributes:
        folder: `RunFolder`.
        images: uint8 `(n, side, side, 3)`.
        labels: int `(n,)`.
        names: list of str, the classes.
        files: list of paths of the pictures, or None where they are no files.
    """

    folder: Any
    images: Any
    labels: Any
    names: list[str]
    files: list[pathlib.Path] | None

    def models(self, suffix: str) -> list[pathlib.Path]:
        """The run's files in a format."""
        return sorted(self.folder.path.glob(f"student*{suffix}"))


def read_job(run: str, limit: int) -> Job:
    """The student's files and test images of a run."""
    folder = check_finished(run)
    config, data, _ = read_facts(folder)
    sizes = crop_size(config), config["image_size"]
    test = load_data(data, None).test
    chosen = np.linspace(0, len(test) - 1, min(limit, len(test))).astype(int)
    test = test.take(chosen)
    images, labels = evaluation_arrays(test, *sizes)
    root = pathlib.Path(data["load"].get("data_dir") or ".")
    files = [root / key for key in test.keys.tolist()]
    there = all(file.is_file() for file in files)
    return Job(
        folder, images, labels, data["class_names"], files if there else None
    )


def timed(predict: Callable[[Any], Any], items: Any) -> tuple[Any, float]:
    """All answers, and the median time of one in milliseconds."""
    predict(items[0])
    answers, took = [], []
    for item in items:
        start = time.perf_counter()
        answers.append(predict(item))
        took.append(1000 * (time.perf_counter() - start))
    return np.stack(answers), statistics.median(took[:TIMED])


def keras_rows(job: Job) -> list[Row]:
    """The network that all files come from; the first row."""
    student = load_keras_model(job.folder.student)
    logits = student.predict(job.images, verbose=0)
    _, took = timed(
        lambda image: student.predict_on_batch(image[None])[0],
        job.images[:TIMED],
    )
    return [Row("Keras", job.folder.student, softmax(logits), took)]


def lite_rows(job: Job) -> list[Row]:
    """LiteRT in Python, on one thread and on all cores."""
    rows = []
    for path in job.models(".tflite"):
        for threads, name in ((1, "one thread"), (None, "all threads")):
            model = LiteModel(path, num_threads=threads)
            result = timed(lambda x, m=model: m.predict(x[None])[0], job.images)
            rows.append(Row(f"LiteRT, {name}", path, *result))
    return rows


def script_rows(job: Job) -> list[Row]:
    """`classify.py`, with the pictures as files: it reads them, too."""
    if job.files is None:
        return []
    make = runpy.run_path(str(SCRIPT))["Classifier"]
    rows = []
    for path in job.models(".tflite"):
        with quiet():
            classifier = make(str(path))

        def shares(file: pathlib.Path, classifier: Any = classifier) -> Any:
            found = dict(classifier.classify(str(file)))
            return np.array([found[name] for name in job.names])

        answers, _ = timed(shares, job.files)
        rows.append(Row("classify.py", path, answers, float("nan")))
    return rows


def resize_rows(job: Job) -> list[Row]:
    """What a resize in one step costs, of the part that the network sees.

    Without reducing a JPEG while it is decoded, as most programs do it.
    """
    if job.files is None:
        return []
    path = job.models(".tflite")[0]
    model = open_model(path)
    info, rows = model.info, []
    for filter in (
        Image.Resampling.BILINEAR,
        Image.Resampling.BICUBIC,
        Image.Resampling.BOX,
        Image.Resampling.NEAREST,
    ):
        squares = []
        for file in job.files:
            image = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
            seen = info.crop_size / info.short_side * min(image.size)
            left, top = ((side - seen) / 2 for side in image.size)
            box = tuple(map(round, (left, top, left + seen, top + seen)))
            size = (info.image_size, info.image_size)
            squares.append(np.array(image.crop(box).resize(size, filter)))
        client = f"LiteRT, one resize, {filter.name.lower()}"
        answers = model.predict(np.stack(squares))
        rows.append(Row(client, path, answers, float("nan")))
    return rows


def onnx_rows(job: Job) -> list[Row]:
    """ONNX Runtime in Python, on all cores."""
    rows = []
    for path in job.models(".onnx"):
        model = open_model(path)
        result = timed(lambda x, m=model: m.predict(x[None])[0], job.images)
        rows.append(Row(model.name, path, *result))
    return rows


def mediapipe_rows(job: Job) -> list[Row]:
    """MediaPipe Tasks; what is square and small already it takes as it is."""
    try:
        import mediapipe
    except Exception as error:  # Without its libraries of graphics, too.
        print(f"note: no MediaPipe here ({error})")
        return []
    from mediapipe.tasks.python import BaseOptions, vision

    def shares(classifier: Any, picture: Any) -> Any:
        (best,) = classifier.classify(picture).classifications
        found = {each.category_name: each.score for each in best.categories}
        return np.array([found.get(name, 0.0) for name in job.names])

    srgb = mediapipe.ImageFormat.SRGB
    squares = [mediapipe.Image(srgb, image) for image in job.images]
    rows = []
    for path in job.models(".tflite"):
        options = vision.ImageClassifierOptions(
            base_options=BaseOptions(model_asset_path=str(path))
        )
        with (
            quiet(),
            vision.ImageClassifier.create_from_options(options) as classifier,
        ):
            result = timed(lambda x, c=classifier: shares(c, x), squares)
        rows.append(Row("MediaPipe", path, *result))
    return rows


def browser_rows(job: Job) -> list[Row]:
    """LiteRT.js and onnxruntime-web, in WebAssembly in Chromium."""
    paths = [*job.models(".tflite"), *job.models(".onnx")]
    measured, problem = measure_in_browser(paths, job.images)
    if problem:
        print(f"note: no browser here ({problem})")
    return [
        Row(client, path, answers, statistics.median(took[:TIMED]))
        for client, path, answers, took in measured
    ]


def describe(row: Row, first: Row, labels: Any) -> str:
    """A line of a table in Markdown."""
    classes, expected = row.answers.argmax(1), first.answers.argmax(1)
    difference = np.abs(row.answers - first.answers).max()
    took = "" if np.isnan(row.milliseconds) else f"{row.milliseconds:.2f}"
    cells = (
        row.client,
        f"`{row.path.name}`",
        f"{row.path.stat().st_size / 1024:.0f} KiB",
        f"{(classes == expected).sum()} of {len(labels)}",
        f"{difference:.1e}",
        f"{(classes == labels).mean():.1%}",
        took,
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="folder of a finished run")
    parser.add_argument("images", nargs="?", type=int, default=1000)
    arguments = parser.parse_args()
    import_tensorflow()
    job = read_job(arguments.run, arguments.images)
    print(
        f"{len(job.images)} test images\n\n"
        "| client | file | size | same class | largest difference | accuracy "
        "| ms |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    )
    first = None
    for measure in (
        keras_rows,
        lite_rows,
        script_rows,
        resize_rows,
        onnx_rows,
        mediapipe_rows,
        browser_rows,
    ):
        for row in measure(job):
            first = first or row
            print(describe(row, first, job.labels), flush=True)


if __name__ == "__main__":
    main()
