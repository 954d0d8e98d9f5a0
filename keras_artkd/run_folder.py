"""The folder of a run: the names of its files, and their reader and writer.

`saved_models/README.md` explains each file. What a run leaves behind is all
that the report, the exports, the studies and a later run know of it.
"""

import pathlib
from typing import Any

import numpy as np

from keras_artkd.files import (
    read_json,
    write_atomically,
    write_json,
    write_text,
)
from keras_artkd.types import Path

# The JSON files, by the name of the attribute that reads them.
SETTINGS = "config.json"
DATA = "data.json"
VERSIONS = "versions.json"
HISTORY = "history.json"
METRICS = "metrics.json"
# A text file.
COMMAND = "command.txt"
# Of `predictions`, beside the logits of each network by its role: the
# student's, averaged over the rotations of each image. Runs without rotations
# have none, nor have those of older versions.
AGGREGATED = "rotations"
# What follows from content that nobody looked for: who uses a run's files says
# in one line that they are damaged.
DAMAGE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class RunFolder:
    """The files of a run, finished or not.

    Reading fails with `OSError` where a file is not there, and with
    `ValueError` where it is damaged. Everything is written atomically.

    Args:
        path: the folder, which need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = pathlib.Path(path)

    def __str__(self) -> str:
        return str(self.path)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunFolder) and self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.name

    # --- Where the files lie ------------------------------------------------

    @property
    def student(self) -> pathlib.Path:
        """The best student by validation."""
        return self.path / "student.keras"

    @property
    def last_student(self) -> pathlib.Path:
        """The student of the last epoch."""
        return self.path / "student_last.keras"

    @property
    def fine_tuned_student(self) -> pathlib.Path:
        """The student after a further training for its int8 file."""
        return self.path / "student_fine_tuned.keras"

    @property
    def stages(self) -> pathlib.Path:
        """The folder of the network at several stages of its training."""
        return self.path / "stages"

    @property
    def checkpoint(self) -> pathlib.Path:
        """The last state and the best student, to resume from."""
        return self.path / "checkpoint.npz"

    @property
    def frozen_head(self) -> pathlib.Path:
        """The classifier that the training began with, on frozen features."""
        return self.path / "frozen_head.npz"

    @property
    def pseudo_labels(self) -> pathlib.Path:
        """The table of pseudo-labels."""
        return self.path / "pseudo_labels.csv"

    @property
    def left_out(self) -> pathlib.Path:
        """The folder of thumbnails of what is unlike the labelled images."""
        return self.path / "left_out"

    @property
    def corrected_labels(self) -> pathlib.Path:
        """The table with a person's answers, of a run that has learned."""
        return self.path / "corrected_labels.csv"

    @property
    def expert_answers(self) -> pathlib.Path:
        """The expert's logits of the images in the table."""
        return self.path / "expert_answers.npz"

    @property
    def predictions(self) -> pathlib.Path:
        """Logits of all networks on the test images."""
        return self.path / "predictions.npz"

    @property
    def attention(self) -> pathlib.Path:
        """Attention maps of all networks on some test images."""
        return self.path / "attention.npz"

    @property
    def gallery(self) -> pathlib.Path:
        """The folder of thumbnails."""
        return self.path / "gallery"

    @property
    def logs(self) -> pathlib.Path:
        """The folder of TensorBoard's logs."""
        return self.path / "logs"

    @property
    def card(self) -> pathlib.Path:
        """The model card."""
        return self.path / "MODEL_CARD.md"

    @property
    def classify(self) -> pathlib.Path:
        """The script that runs the `.tflite` files."""
        return self.path / "classify.py"

    @property
    def golden(self) -> pathlib.Path:
        """The folder of pictures with the answers of the `.tflite` files."""
        return self.path / "golden"

    @property
    def report(self) -> pathlib.Path:
        """The HTML report."""
        return self.path / "report.html"

    @property
    def figures(self) -> pathlib.Path:
        """The folder of the report's figures."""
        return self.path / "figures"

    # --- How far the run is -------------------------------------------------

    @property
    def is_finished(self) -> bool:
        """Whether the run has ended: its metrics are written last."""
        return (self.path / METRICS).is_file()

    @property
    def is_interrupted(self) -> bool:
        """Whether a training has begun and the run has not ended."""
        return self.checkpoint.exists() and not self.is_finished

    @property
    def is_begun(self) -> bool:
        """Whether the run has written what it is."""
        return (self.path / SETTINGS).exists()

    @property
    def has_data(self) -> bool:
        """Whether the run has written which images it is of."""
        return (self.path / DATA).exists()

    # --- Reading ------------------------------------------------------------

    def read(self, name: str) -> Any:
        """The content of one of the JSON files."""
        return read_json(self.path / name)

    def _read_object(self, name: str) -> dict[str, Any]:
        content = self.read(name)
        if not isinstance(content, dict):
            raise ValueError(
                "A file of a run must be a JSON object. Received: "
                f"{self.path / name}, a {type(content).__name__}."
            )
        return content

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting of the run, flat."""
        return self._read_object(SETTINGS)

    @property
    def data(self) -> dict[str, Any]:
        """Class names, splits, fingerprints, how to load the data again."""
        return self._read_object(DATA)

    @property
    def metrics(self) -> dict[str, Any]:
        """The run's measurements."""
        return self._read_object(METRICS)

    @property
    def history(self) -> dict[str, Any]:
        """Every logged value by epoch."""
        return self._read_object(HISTORY)

    @property
    def command(self) -> str:
        """The command that repeats the run; empty where it is not written."""
        path = self.path / COMMAND
        return path.read_text("utf-8").strip() if path.exists() else ""

    @property
    def thumbnails(self) -> dict[int, pathlib.Path]:
        """The thumbnails, by their row in the predictions."""
        return {
            int(file.stem): file
            for file in sorted(self.gallery.glob("*.jpg"))
            if file.stem.isdecimal()
        }

    # --- Writing ------------------------------------------------------------

    def write(self, name: str, value: Any) -> None:
        """Writes one of the JSON files."""
        write_json(self.path / name, value)

    def write_command(self, command: str) -> None:
        """Writes what to type to run it again."""
        write_text(self.path / COMMAND, command + "\n")

    def write_arrays(self, path: pathlib.Path, **arrays: Any) -> None:
        """Writes `predictions`, `attention` or `expert_answers`."""
        write_atomically(path, lambda p: np.savez_compressed(p, **arrays))
