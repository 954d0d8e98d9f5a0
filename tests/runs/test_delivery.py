"""The files that a run leaves to deploy, and what becomes of a bad one."""

import keras
import numpy as np
import pytest

from keras_artkd.data.pipeline import evaluation_arrays
from keras_artkd.deploy.export.parity import ParityError
from keras_artkd.deploy.export.run import images_to_measure
from keras_artkd.deploy.finished_run import read_facts
from keras_artkd.deploy.formats import converting
from keras_artkd.run_folder import METRICS, RunFolder
from keras_artkd.runs import delivery
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.runner import load_data, run
from keras_artkd.runs.summary import print_summary
from tests.data.test_pipeline import make_store
from tests.report.pages import draft
from tests.report.runs import write_run
from tests.runs.settings import small_plan


class Boom(Exception):
    """Of a library, on many lines."""


@pytest.fixture
def plan(finished_run, tmp_path):
    """The finished run's, whose files belong to a folder of this test."""
    config = finished_run.plan.config.replace(workdir=str(tmp_path))
    plan = resolve(config)
    plan.folder.path.mkdir(parents=True)
    return plan


@pytest.fixture
def failing_int8(plan, finished_run, monkeypatch):
    """Exports of the finished student, of which the int8 file fails."""
    deliver = delivery.deliver_student

    def deliver_or_fail(student, path, file_format, quantize, *others):
        if quantize == "int8":
            raise Boom("no kernel for it\nat line 1\nat line 2")
        return deliver(student, path, file_format, quantize, *others)

    monkeypatch.setattr(delivery, "deliver_student", deliver_or_fail)
    finished = finished_run.plan.folder
    return delivery.export_student(
        plan,
        load_data(plan),
        read_facts(finished),
        keras.models.load_model(finished.student),
    )


def test_one_that_fails_does_not_lose_the_others(failing_int8, plan):
    assert set(failing_int8.reports) == {"saved_model", "tflite"}
    assert (plan.folder.path / "student.tflite").is_file()
    assert failing_int8.failed == {
        "tflite_int8": {
            "file": "student_int8.tflite",
            "reason": "no kernel for it",
            "next": f"artkd export {plan.folder} --format tflite "
            "--quantize int8",
        }
    }


def test_an_int8_file_that_the_gate_refuses_names_what_helps(
    plan, finished_run, monkeypatch
):
    def refuse(*arguments):
        raise ParityError("The file was not kept: it agrees on 1 %.")

    monkeypatch.setattr(delivery, "deliver_student", refuse)
    exports = delivery.export_student(
        plan, load_data(plan), read_facts(finished_run.plan.folder), None
    )
    command = f"artkd export {plan.folder} --format tflite"
    assert exports.failed["tflite_int8"]["next"] == (
        f"{command} --quantize int8 --fine-tune 5"
    )
    assert exports.failed["tflite"]["next"] == f"{command} --quantize none"


def test_a_converter_that_is_killed_does_not_end_the_run(
    finished_run, monkeypatch
):
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    for module, name, value in (
        (converting, "_SERVE", killed),
        (delivery, "converter_process", converting.converter_process),
        # A file that the finished run does not have.
        (delivery, "EXPORTS", {"float16": ("tflite", "float16")}),
    ):
        monkeypatch.setattr(module, name, value)
    plan = finished_run.plan
    exports = delivery.export_student(
        plan,
        load_data(plan),
        read_facts(plan.folder),
        keras.models.load_model(plan.folder.student),
    )
    assert exports.reports == {}
    reason = exports.failed["float16"]["reason"]
    assert "was ended by SIGKILL, as for lack of memory" in reason


def test_the_page_and_the_last_lines_name_it(tmp_path, finished_run, capsys):
    failed = {"file": "a.tflite", "reason": "<no> kernel.", "next": "try it"}
    folder = RunFolder(write_run(tmp_path / "run", 3))
    folder.write(METRICS, folder.metrics | {"failed_exports": {"a": failed}})
    page = draft(folder.path).text
    assert "a.tflite is not there" in page and "<no> kernel. Next:" in page
    print_summary(
        finished_run.metrics | {"failed_exports": {"a": failed}}, folder
    )
    printed = capsys.readouterr().out
    assert "a.tflite is NOT there: <no> kernel. Next: try it" in printed


def test_names_that_no_file_can_hold_are_told_before_the_training(
    arrays, tmp_path
):
    with np.load(arrays) as content:
        named = dict(content) | {"class_names": np.array(["a" * 1200] * 4)}
    np.savez(arrays, **named)
    plan = small_plan(
        "npz", data_dir=str(arrays), workdir=str(tmp_path / "runs")
    )
    with pytest.raises(ValueError, match="`class_names` .* 1,000 characters"):
        run(plan)
    assert not plan.folder.path.exists()


def test_of_very_many_images_some_are_measured(monkeypatch):
    store = make_store(20)
    all_images, labels = images_to_measure(store, 16, 12)
    np.testing.assert_array_equal(
        all_images, evaluation_arrays(store, 16, 12)[0]
    )
    np.testing.assert_array_equal(labels, store.labels)
    monkeypatch.setattr(
        "keras_artkd.deploy.export.run.MEASURED_BYTES", 5 * 3 * 12 * 12
    )
    images, labels = images_to_measure(store, 16, 12)
    rows = [
        next(i for i, one in enumerate(all_images) if np.array_equal(one, it))
        for it in images
    ]
    assert len(rows) == 5 and rows == sorted({*rows})
    assert rows != list(range(5))
    np.testing.assert_array_equal(labels, store.labels[rows])
