"""The benchmark of clients compares what it says it compares."""

import numpy as np
import pytest

from benchmarks import clients


@pytest.fixture(scope="module")
def job(finished_run):
    return clients.read_job(str(finished_run.plan.folder), 5)


def test_every_client_answers_as_keras_does(job):
    assert len(job.images) == len(job.labels) == len(job.files) == 5
    (first,) = clients.keras_rows(job)
    for measure in (
        clients.lite_rows,
        clients.script_rows,
        clients.mediapipe_rows,
    ):
        for row in measure(job):
            if row.path.name != "student.tflite":
                assert row.path.name == "student_int8.tflite"
                continue
            np.testing.assert_allclose(row.answers, first.answers, atol=1e-3)
            line = clients.describe(row, first, job.labels)
            assert f"| {row.client} | `student.tflite` |" in line
            assert "| 5 of 5 |" in line


def test_another_resize_is_another_picture(job):
    (first,) = clients.keras_rows(job)
    rows = clients.resize_rows(job)
    assert len({row.answers.tobytes() for row in rows}) == 4
    for row in rows:
        assert 0 < np.abs(row.answers - first.answers).max() < 0.5


def test_a_line_says_what_differs(job):
    (first,) = clients.keras_rows(job)
    other = 1 - first.answers
    row = clients.Row("x", first.path, other / other.sum(1)[:, None], 1.25)
    line = clients.describe(row, first, job.labels)
    assert "| 0 of 5 |" in line and line.endswith("| 1.25 |")
