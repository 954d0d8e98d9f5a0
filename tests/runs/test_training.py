"""The training: killed at any moment, it resumes as if nothing had been."""

import json
import pathlib
import subprocess
import sys
import time
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import models
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.runner import load_data
from keras_artkd.runs.training import _checkpoint, train
from tests.runs.settings import small_plan

ROOT = pathlib.Path(__file__).parents[2]
# The same devices and graphs as here, on which the last bits depend.
RUN = """
import json, sys
import tensorflow as tf
import tests.conftest
from keras_artkd.runs.config import Config
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.runner import run
options, settings = map(json.loads, sys.argv[1:])
tf.config.optimizer.set_experimental_options(options)
run(resolve(Config.of(**settings)))
"""


@pytest.fixture
def plan(arrays, tmp_path):
    """Everything at once that a checkpoint must keep.

    That is an expert's file, an initial teacher, connectors, a memory, exits,
    a stage without labels, pairs of a class, augmentations and rotations.
    """
    expert = models.build("wrn_10_1", 16, (16, 16, 3))
    models.with_rotations(expert).save(tmp_path / "expert.keras")
    return small_plan(
        "npz",
        data_dir=str(arrays),
        workdir=str(tmp_path / "killed"),
        expert=str(tmp_path / "expert.keras"),
        method="ab+crd+rocket+cs_kd+skdsam",
        options={
            "ab.first_stage": 2.0,
            "crd.num_negatives": 24,
            "crd.embedding_dim": 4,
        },
        augment=("cutout", "mixup", "sla"),
        epochs=3,
        batch_size=8,
        exports=False,
    )


def kill_after_an_epoch(plan):
    """Starts the run in a process that ends in the midst of it."""
    settings = json.dumps(plan.config.flat())
    options = json.dumps(tf.config.optimizer.get_experimental_options())
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, options, settings],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 300
    while not plan.folder.checkpoint.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert plan.folder.is_interrupted


class Interrupt(keras.callbacks.Callback):
    """Ends the training in the midst of its second epoch."""

    def on_train_batch_end(self, batch, logs=None):
        if self.model.epoch > 1 and batch:
            raise KeyboardInterrupt


@pytest.fixture
def eagerly():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def test_an_interrupted_run_resumes_to_the_same_weights(
    plan, tmp_path, capsys, eagerly
):
    """With an expert, an initial teacher, connectors and a memory."""
    plan = resolve(
        plan.config.replace(
            method="crd+rocket",
            options={"crd.num_negatives": 24, "crd.embedding_dim": 4},
            epochs=2,
            batch_size=16,
        )
    )
    data, expert = load_data(plan), plan.given_experts[0]
    with pytest.raises(KeyboardInterrupt):
        train(plan, data, expert, plan.folder, [Interrupt()], verbose=0)
    check_resumed(plan, data, expert, tmp_path, capsys)


@pytest.mark.exhaustive
def test_a_killed_run_resumes_to_the_same_weights(plan, tmp_path, capsys):
    kill_after_an_epoch(plan)
    data, expert = load_data(plan), plan.given_experts[0]
    check_resumed(plan, data, expert, tmp_path, capsys)


def check_resumed(plan, data, expert, tmp_path, capsys):
    """It equals the run that nothing has stopped, bit for bit."""
    train(plan, data, expert, plan.folder, verbose=0)
    assert "Resuming after epoch" in capsys.readouterr().out
    whole = RunFolder(tmp_path / "whole")
    train(plan, data, expert, whole, verbose=0)
    assert whole.history == plan.folder.history
    assert "contrastive_representation" in whole.history
    epochs = {len(values) for values in whole.history.values()}
    assert epochs == {plan.config.schedule.epochs}
    with (
        np.load(whole.checkpoint) as one,
        np.load(plan.folder.checkpoint) as two,
    ):
        assert {*one.files} == {*two.files}
        for name in {*one.files} - {"meta"}:
            np.testing.assert_array_equal(one[name], two[name], err_msg=name)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "validation"),
        ({"keep_epoch": "last_unless_worse"}, "latest"),
        ({"keep_epoch": "last"}, "asked"),
        ({"folds": 5}, "folds"),
        ({"folds": 5, "fold": 0}, "folds"),
    ],
)
def test_which_epoch_is_kept(changes, why):
    plan = small_plan("folder", data_dir="images", **changes)
    assert plan.epoch_choice == why
    distiller = types.SimpleNamespace(student_is_whole=True)
    for count in (50, 0):
        data = types.SimpleNamespace(validation=range(count))
        made = _checkpoint(plan, data, distiller, plan.folder)
        last = why in ("folds", "asked") or (why == "latest" and not count)
        assert made.keep_last == last
        assert made.images == (count if why == "latest" else None)
