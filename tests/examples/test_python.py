"""The samples in Python answer what `artkd predict` answers."""

import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

from keras_artkd.deploy.predict import Classifier

SAMPLES = pathlib.Path(__file__).parents[2] / "examples" / "python"


def printed(sample, *words):
    result = subprocess.run(
        [sys.executable, str(SAMPLES / sample), *map(str, words)],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def check_answers(text, model, pictures, points):
    """Compares lines of `12.3% name` under each picture's with a prediction.

    Args:
        text: what was printed.
        model: the file.
        pictures: paths.
        points: float, how far percentages may be.
    """
    blocks = re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]
    predictions = Classifier(model).classify(pictures, top=3)
    for block, prediction in zip(blocks, predictions, strict=True):
        picture, *lines = block.splitlines()
        assert prediction.source.endswith(picture)
        found = [re.fullmatch(r" *([\d.]+) ?% (.+)", x).groups() for x in lines]
        assert found[0][1] == prediction.classes[0][0]
        np.testing.assert_allclose(
            [float(share) for share, _ in found],
            [100 * share for _, share in prediction.classes],
            atol=points,
        )


def test_mediapipe(model, pictures):
    pytest.importorskip("mediapipe", exc_type=Exception)
    text = printed("mediapipe_tasks.py", model, *pictures)
    check_answers(text, model, pictures, points=1)


def test_golden_inputs(finished_run):
    text = printed("golden.py", finished_run.plan.folder)
    lines = text.splitlines()
    # Two models, three pictures.
    assert len(lines) == 6
    for line in lines:
        name, difference = re.search(r": (\w+), differs by (.+)", line).groups()
        assert name in ("blue", "green", "red")
        assert float(difference) < 1e-6
