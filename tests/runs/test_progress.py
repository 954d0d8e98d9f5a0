"""Lines that tell how far a training is."""

import sys

import pytest

from keras_artkd.runs import progress
from keras_artkd.runs.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def train(callback, clock, epochs, steps, seconds):
    """Calls it as `fit` does; the first step takes a minute more."""
    callback.on_train_begin()
    clock.now += 60
    for epoch in range(epochs):
        callback.on_epoch_begin(epoch)
        for step in range(steps):
            clock.now += seconds
            callback.on_train_batch_end(step)
        callback.on_epoch_end(epoch, {"val_accuracy": 0.25 * (epoch + 1)})
    callback.on_train_end()


def test_in_a_file_a_line_every_half_minute(clock, capsys):
    train(Progress(2, 10), clock, 2, 10, seconds=10)
    lines = capsys.readouterr().out.splitlines()
    # Of 200 seconds; the first minute does not count.
    ends = [
        *("10%", "40%, 3 minutes left", "70%, 2 minutes left"),
        "100%, 2 minutes left",
        *("30%, validation 25.0%, 70 seconds left",),
        *("60%, validation 25.0%, 40 seconds left",),
        *("90%, validation 25.0%, 10 seconds left", "100%, validation 50.0%"),
    ]
    epochs = [1] * 4 + [2] * 4
    assert lines == [
        f"  epoch {epoch} of 2, {end}"
        for epoch, end in zip(epochs, ends, strict=True)
    ]


def test_in_a_terminal_one_line_that_changes(clock, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    train(Progress(2, 10), clock, 2, 10, seconds=10)
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1 and printed.count("\r") == 22
    assert "epoch 2 of 2 [####################], validation 50.0%" in printed
