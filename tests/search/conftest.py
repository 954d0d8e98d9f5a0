"""Searches of the smallest runs, trained or canned."""

import types

import pytest
from keras_tuner.src.tuners import bayesian

from keras_artkd.search import tuner
from tests.runs.settings import small_plan
from tests.search.canned import Training


def pytest_configure(config):
    # Keras Tuner 1.4.8 uses threading's old names.
    for name in ("currentThread", "getName"):
        config.addinivalue_line(
            "filterwarnings", f"ignore:{name}:DeprecationWarning"
        )


@pytest.fixture
def make_plan(tmp_path):
    """Makes the plan of a search of KD, with changes."""

    def make(**changes):
        settings = {"method": "kd", "epochs": 9, "workdir": str(tmp_path)}
        return small_plan("atelier", **{**settings, **changes})

    return make


@pytest.fixture
def training(monkeypatch):
    """Takes the place of training."""
    training = Training()
    monkeypatch.setattr(tuner, "_train_trial", training)
    return training


@pytest.fixture
def coarse_optimum(monkeypatch):
    """Makes the Bayesian tuner choose among fifty points at random.

    It would go on from each of them to an optimum, in seconds.
    """

    def stay(function, x0, **_):
        return types.SimpleNamespace(fun=function(x0)[0], x=x0)

    optimize = types.SimpleNamespace(minimize=stay)
    monkeypatch.setattr(
        bayesian, "scipy", types.SimpleNamespace(optimize=optimize)
    )


@pytest.fixture
def flags(arrays, tmp_path):
    """Arguments of `artkd search`: the data, and the smallest networks."""
    return [
        *(str(arrays), "--workdir", str(tmp_path / "runs")),
        *("--image-size", "16", "--epochs", "2", "--batch-size", "16"),
        *("--student", "wrn_10_1", "--expert-network", "wrn_10_1"),
        *("--tuner", "random", "--method", "kd"),
    ]


@pytest.fixture
def search_folder(tmp_path):
    """Finds the folder of the only search."""

    def find():
        (found,) = (tmp_path / "runs" / "npz").glob("search-*")
        return found

    return find
