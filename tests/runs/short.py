"""Runs that take a fraction of their time."""

import contextlib
import warnings

import pytest
import tensorflow as tf

from keras_artkd.runs.delivery import EXPORTS


@contextlib.contextmanager
def short_runs(exports=()):
    """Context in which runs are short: not traced, not timed, no report.

    Args:
        exports: kinds of files, of `delivery.EXPORTS`, that runs leave.
    """
    changes = {
        "delivery.EXPORTS": {kind: EXPORTS[kind] for kind in exports},
        "runner.write_report": lambda run_dir: None,
        "testing.milliseconds_per_image": lambda runtime, images: 1.0,
    }
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        for name, value in changes.items():
            patch.setattr(f"keras_artkd.runs.{name}", value)
        # The input pipeline is traced all the same, which TensorFlow tells.
        warnings.filterwarnings("ignore", "Even though the `tf.config.exp")
        tf.config.run_functions_eagerly(True)
        try:
            yield
        finally:
            tf.config.run_functions_eagerly(False)
