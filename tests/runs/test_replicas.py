"""A run on two replicas is the run of one device."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tests.runs.settings import small_plan

# A process of its own: strategies of other tests would be in its way.
PROGRAM = """
import sys

import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2)
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})

from keras_artkd.runs import delivery, optimizer, runner, testing
from tests.runs.test_replicas import make_plan

delivery.EXPORTS = {}
runner.write_report = lambda run_dir: None
testing.milliseconds_per_image = lambda runtime, images: 1.0
make, replicas = tf.distribute.MirroredStrategy, []


def watched(devices):
    strategy = make(devices)
    replicas.append(strategy.num_replicas_in_sync)
    return strategy


tf.distribute.MirroredStrategy = watched
method, arrays, one, two = sys.argv[1:]
# Its few steps need no graph.
tf.config.run_functions_eagerly(True)
runner.run(make_plan(method, arrays, one))
assert not replicas
tf.config.run_functions_eagerly(False)
optimizer.replica_devices = lambda: ["CPU:0", "CPU:1"]
runner.run(make_plan(method, arrays, two))
# One strategy for the trainings of expert and student.
assert replicas == [2], replicas
"""


def make_plan(method, arrays, workdir):
    """A run with exits, and with labels that are mixed."""
    return small_plan(
        "npz",
        data_dir=str(arrays),
        workdir=str(workdir),
        method=method,
        options={"skdsam.attention": "cosine", "skdsam.feature_weight": 1.0},
        augment=("cutout", "mixup"),
        epochs=2,
        expert_epochs=2,
        learning_rate=0.01,
    )


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("method", "terms"),
    [
        ("kd+skdsam", {"kd", "skdsam", "skdsam_exit2_weight"}),
        # All teachers, and AWGram.
        (
            "collaborative+skdsam",
            {"initial_supervised", "attention_transfer", "logits_l2"},
        ),
    ],
)
def test_two_replicas_log_what_one_device_logs(method, terms, arrays, tmp_path):
    folders = tmp_path / "one", tmp_path / "two"
    one, two = (make_plan(method, arrays, folder) for folder in folders)
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, method, arrays, *folders],
        capture_output=True,
        text=True,
        cwd=pathlib.Path(__file__).parents[2],
    )
    assert result.returncode == 0, result.stderr[-3000:]
    student = one.folder.history
    assert terms <= {*student}
    for first, second in (
        (student, two.folder.history),
        (one.expert.folder.history, two.expert.folder.history),
    ):
        assert {"supervised", "regularization", "val_loss"} <= {*first}
        assert [*first] == [*second]
        for name, values in first.items():
            np.testing.assert_allclose(
                second[name], values, rtol=5e-3, atol=1e-6, err_msg=name
            )
