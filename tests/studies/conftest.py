"""A study of the smallest runs, trained or canned."""

import pytest

from keras_artkd.studies import running, work
from tests.runs.settings import small
from tests.studies import canned


@pytest.fixture
def canned_runs(monkeypatch):
    """Makes all runs of this process, and of its workers, canned ones.

    The study is written once, at its end, not after each of them.
    """

    def train_all(plans, failed, workers, folder, write):
        return work.train_all(plans, failed, workers, folder, lambda: "")

    monkeypatch.setattr(running, "train_all", train_all)
    monkeypatch.setattr(work, "run_or_read", canned.run_or_read)
    monkeypatch.setattr(work, "_work", canned.worker)


@pytest.fixture
def flags(arrays, tmp_path):
    """What follows the key: the data, and the smallest networks."""
    return [
        *(str(arrays), "--workdir", str(tmp_path / "runs")),
        *("--image-size", "16", "--epochs", "1", "--seeds", "2"),
        *("--student", "wrn_10_1", "--initial", "wrn_10_1"),
        *("--expert-network", "wrn_10_1"),
    ]


@pytest.fixture
def base(arrays, tmp_path):
    """A configuration of the same runs."""
    return small(
        "npz", data_dir=str(arrays), workdir=str(tmp_path / "runs")
    ).replace(method="baseline")


@pytest.fixture
def study_folder(tmp_path):
    """Finds the folder of the only study."""

    def find():
        (found,) = (tmp_path / "runs").glob("*/study-*")
        return found

    return find
