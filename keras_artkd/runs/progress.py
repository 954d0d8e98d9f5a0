"""Progress of a training, as a person or a log file can read it."""

import sys
import time
from typing import Any

import keras

from keras_artkd.output import minutes_text

# In a file or a pipe, a line at most so often.
_SECONDS_BETWEEN_LINES = 30.0
_BAR = 20


class Progress(keras.callbacks.Callback):
    """Prints the epoch, the accuracy of validation, and the time that is left.

    In a terminal it is one line that changes; elsewhere a line every half
    minute at most, and one at the end.

    Args:
        epochs: int, of the whole training.
        steps: int, of an epoch.
    """

    def __init__(self, epochs: int, steps: int) -> None:
        super().__init__()
        self.epochs = epochs
        self.steps = steps
        self._epoch = 0
        self._began = self._printed = time.monotonic()
        self._done = 0
        self._accuracy = ""
        self._in_terminal = sys.stdout.isatty()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Starts the clock."""
        self._began = self._printed = time.monotonic()

    def on_epoch_begin(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Takes note of the epoch."""
        self._epoch = epoch

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Prints, unless it did a moment ago."""
        now = time.monotonic()
        if self._done == 0:
            # The first step of a process is traced: it tells nothing.
            self._began = now
        self._done += 1
        pause = 0.5 if self._in_terminal else _SECONDS_BETWEEN_LINES
        if now - self._printed >= pause:
            self._print(batch + 1)

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Takes note of the accuracy."""
        accuracy = (logs or {}).get("val_accuracy")
        if accuracy is not None:
            self._accuracy = f", validation {accuracy:.1%}"
        if self._in_terminal or epoch + 1 == self.epochs:
            self._print(self.steps)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Ends the line."""
        if self._in_terminal:
            print(flush=True)

    def _print(self, step: int) -> None:
        self._printed = time.monotonic()
        ahead = (self.epochs - self._epoch) * self.steps - step
        left = ""
        if ahead > 0 and self._done > 1:
            each = (self._printed - self._began) / (self._done - 1)
            left = f", {minutes_text(ahead * each)} left"
        part = step / self.steps
        line = f"  epoch {self._epoch + 1} of {self.epochs}"
        if self._in_terminal:
            bar = "#" * round(_BAR * part)
            line += f" [{bar:<{_BAR}}]{self._accuracy}{left}"
            # The rest of a longer line before it is wiped.
            print(f"\r{line}\x1b[K", end="", flush=True)
        else:
            print(f"{line}, {part:.0%}{self._accuracy}{left}", flush=True)
